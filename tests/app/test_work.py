"""What happens to a film and to those who wait, without any page."""

import threading

import pytest

from avssl_hub.app.abilities import ABILITIES, Ability, Output, Shown
from avssl_hub.app.answer import answer
from avssl_hub.app.limits import Limits
from avssl_hub.app.work import Cancelled
from avssl_hub.errors import InvalidValueError

PATIENCE = 20  # seconds
SIMILARITY = ABILITIES[0]


def ability(show):
    """Return an ability whose model is its own name and that shows one file."""
    rows = ((Output("file", "A file"),),)
    return Ability("made", "Made", "", "Start", "none", rows, lambda model, device: (model, device), show)


def quiet(done, total, what):
    """Take no notice of progress."""


def listed(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class Endless:
    """Shows nothing, but goes on and on, until it is told to end."""

    def __init__(self):
        self.begun, self.steps = threading.Event(), 0

    def __call__(self, pipe, film, folder, tick):
        (folder / "half_done").touch()
        self.begun.set()
        wait = threading.Event()
        while True:
            self.steps += 1
            tick(self.steps, 10**9, "steps")
            wait.wait(0.001)


def in_thread(work):
    """Run in a thread; returns what waits for its end and gives the error that ended it."""
    found = []

    def run():
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def ended():
        thread.join(PATIENCE)
        assert not thread.is_alive()
        return found[0]

    return ended


def test_results_lie_in_a_folder_of_the_session_and_are_replaced(workshop, films, tmp_path):
    def show(pipe, film, folder, tick):
        out = folder / f"{pipe[0]}.txt"
        out.write_text(f"{pipe[0]} on {pipe[1]}: {film.name}")
        return Shown(("Good.",), (out,))

    told = []
    made = ability(show)
    one = workshop.run("one", made, "a", films / "good.mp4", lambda *now: told.append(now))
    assert one.files[0].read_text() == "a on cpu: good.mp4"
    assert told[-1] == (1, 1, "done")
    two = workshop.run("../../two", made, "b", films / "good.mp4", quiet)
    # A name from a browser cannot lead out of the folder.
    assert (tmp_path / "results") in two.files[0].resolve().parents
    workshop.run("one", made, "c", films / "good.mp4", quiet)
    assert not one.files[0].exists()
    assert len(listed(tmp_path / "results")) == 2
    workshop.forget("one")
    assert [path.name for path in (tmp_path / "results").rglob("*.txt")] == ["b.txt"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("long.mp4", "film 'long.mp4': got 6.0 s; expected at most 5 s."),
        ("text.mp4", "text.mp4"),
        ("cut.mp4", "cut.mp4"),
        ("gone.mp4", "film: got one that was removed meanwhile"),
        (None, "No film yet"),
    ],
)
def test_a_bad_film_is_told_by_its_name_and_nothing_is_left(workshop, films, tmp_path, name, text):
    film = films / name if name else None
    found = answer(workshop, "one", SIMILARITY, "avid_tiny.avworld", film, quiet)
    assert (found.kind, found.files) == ("error", (None,))
    assert text in found.lines[0]
    assert str(films) not in found.lines[0]
    assert listed(tmp_path / "results") == []


def test_limits_of_size_hold_and_are_positive(films):
    big = films / "big.mp4"
    big.write_bytes(bytes(1_200_000))
    Limits(megabytes=1).check(films / "good.mp4")
    with pytest.raises(InvalidValueError, match=r"'big.mp4': got 1.1 MB; expected at most 1 MB"):
        Limits(megabytes=1).check(big)
    with pytest.raises(InvalidValueError, match="most seconds of a film: got 0"):
        Limits(seconds=0)


def test_an_unknown_error_becomes_a_message_and_work_goes_on(workshop, films):
    def fail(pipe, film, folder, tick):
        raise ZeroDivisionError("by a strange film")

    found = answer(workshop, "one", ability(fail), "a", films / "good.mp4", quiet)
    assert found.lines == ("An error of this program: ZeroDivisionError: by a strange film",)
    good = answer(workshop, "one", ability(lambda *_: Shown(("Good.",), (None,))), "a", films / "good.mp4", quiet)
    assert (good.kind, good.lines) == ("done", ("a on good.mp4: Good.",))


def test_cancel_ends_the_work_at_its_next_step_and_leaves_what_was_there(workshop, films, tmp_path):
    def show(pipe, film, folder, tick):
        (folder / "earlier").touch()
        return Shown(("Good.",), (folder / "earlier",))

    earlier = workshop.run("one", ability(show), "a", films / "good.mp4", quiet)
    endless = Endless()
    ended = in_thread(lambda: answer(workshop, "one", ability(endless), "a", films / "good.mp4", quiet))
    assert endless.begun.wait(PATIENCE)
    workshop.cancel("another")
    workshop.cancel("one")
    found = ended()
    assert (found.kind, found.lines) == ("note", ("Cancelled.",))
    steps = endless.steps
    assert listed(tmp_path) == [earlier.files[0].relative_to(tmp_path).as_posix()]
    # The next piece of work of the session is not cancelled.
    assert answer(workshop, "one", ability(lambda *_: Shown(("Good.",), (None,))), "a", films / "good.mp4", quiet)
    assert endless.steps == steps


def test_one_works_at_a_time_and_who_waits_can_cancel(workshop, films):
    endless, waiting = Endless(), threading.Event()
    first = in_thread(lambda: workshop.run("one", ability(endless), "a", films / "good.mp4", quiet))
    assert endless.begun.wait(PATIENCE)
    shown, told = Endless(), []

    def tick(done, total, what):
        told.append(what)
        waiting.set()

    second = in_thread(lambda: workshop.run("two", ability(shown), "a", films / "good.mp4", tick))
    assert waiting.wait(PATIENCE)
    workshop.cancel("two")
    assert isinstance(second(), Cancelled)
    assert set(told) == {"waiting for other work to end"}
    assert not shown.begun.is_set()
    workshop.close()
    assert isinstance(first(), Cancelled)


def test_a_session_that_leaves_in_the_midst_leaves_nothing(workshop, films, tmp_path):
    endless = Endless()
    ended = in_thread(lambda: workshop.run("one", ability(endless), "a", films / "good.mp4", quiet))
    assert endless.begun.wait(PATIENCE)
    workshop.forget("one")
    assert isinstance(ended(), Cancelled)
    assert list((tmp_path / "results").iterdir()) == []
