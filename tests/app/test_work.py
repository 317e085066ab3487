"""What happens to a film and to those who wait, without any page."""

import threading

import pytest

from avssl_hub.app.abilities import ABILITIES
from avssl_hub.app.answer import answer
from avssl_hub.app.limits import Limits
from avssl_hub.app.work import Cancelled
from avssl_hub.errors import InvalidValueError
from tests.app import odd
from tests.app.odd import ability

PATIENCE = 60  # seconds, on a busy machine
SIMILARITY = ABILITIES[0]


def quiet(done, total, what):
    """Take no notice of progress."""


def listed(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class Listener:
    """A tick that keeps what is told, and lets others wait for it."""

    def __init__(self, awaited):
        self.told, self._awaited, self._heard = [], awaited, threading.Event()

    def __call__(self, done, total, what):
        self.told.append(what)
        if what == self._awaited:
            self._heard.set()

    def wait(self):
        assert self._heard.wait(PATIENCE), self.told


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


def test_results_lie_in_a_folder_of_the_session_and_are_replaced(workshop, films, results):
    told = []
    made = ability(odd.write)
    one = workshop.run("one", made, "a", films / "good.mp4", lambda *now: told.append(now))
    assert one.files[0].read_text() == "a on cpu: good.mp4"
    assert told[-1] == (1, 1, "done")
    two = workshop.run("../../two", made, "b", films / "good.mp4", quiet)
    # A name from a browser cannot lead out of the folder.
    assert results in two.files[0].resolve().parents
    workshop.run("one", made, "c", films / "good.mp4", quiet)
    assert not one.files[0].exists()
    assert len(listed(results)) == 2
    workshop.forget("one")
    assert [path.name for path in results.rglob("*.txt")] == ["b.txt"]


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
def test_a_bad_film_is_told_by_its_name_and_nothing_is_left(workshop, films, results, name, text):
    film = films / name if name else None
    found = answer(workshop, "one", SIMILARITY, "avid_tiny.avworld", film, quiet)
    assert (found.kind, found.files) == ("error", (None,))
    assert text in found.lines[0]
    assert str(films) not in found.lines[0]
    assert listed(results) == []


def test_limits_of_size_hold_and_are_positive(films):
    big = films / "big.mp4"
    big.write_bytes(bytes(1_200_000))
    Limits(megabytes=1).check(films / "good.mp4")
    with pytest.raises(InvalidValueError, match=r"'big.mp4': got 1.1 MB; expected at most 1 MB"):
        Limits(megabytes=1).check(big)
    with pytest.raises(InvalidValueError, match="most seconds of a film: got 0"):
        Limits(seconds=0)


def test_an_unknown_error_becomes_a_message_and_work_goes_on(workshop, films, caplog):
    found = answer(workshop, "one", ability(odd.fail), "a", films / "good.mp4", quiet)
    assert found.lines == ("An error of this program: ZeroDivisionError: by a strange film",)
    # Who keeps the machine can see where it was.
    assert "in fail" in caplog.text
    good = answer(workshop, "one", ability(odd.good), "a", films / "good.mp4", quiet)
    assert (good.kind, good.lines) == ("done", ("a on good.mp4: Good.",))


def test_a_film_that_crashes_its_decoder_costs_its_own_result_only(workshop, films, results):
    found = answer(workshop, "one", ability(odd.crash), "a", films / "good.mp4", quiet)
    assert (found.kind, found.files) == ("error", (None,))
    assert found.lines[0].startswith("film 'good.mp4': got the end of the process that worked on it (SIGSEGV);")
    assert listed(results) == []
    assert answer(workshop, "one", ability(odd.good), "a", films / "good.mp4", quiet).kind == "done"


def test_cancel_ends_the_work_and_leaves_what_was_there(workshop, films, results):
    earlier = workshop.run("one", ability(odd.write), "a", films / "good.mp4", quiet)
    listener = Listener("steps")
    ended = in_thread(lambda: answer(workshop, "one", ability(odd.go_on), "a", films / "good.mp4", listener))
    listener.wait()
    workshop.cancel("another")
    workshop.cancel("one")
    found = ended()
    assert (found.kind, found.lines) == ("note", ("Cancelled.",))
    assert listed(results) == [earlier.files[0].relative_to(results).as_posix()]
    # The next piece of work of the session is not cancelled.
    assert answer(workshop, "one", ability(odd.good), "a", films / "good.mp4", quiet).kind == "done"


def test_cancel_ends_what_takes_no_steps(workshop, films):
    listener = Listener("loading the model")
    stuck = ability(odd.good, odd.load_for_ever)
    ended = in_thread(lambda: workshop.run("one", stuck, "a", films / "good.mp4", listener))
    listener.wait()
    workshop.cancel("one")
    assert isinstance(ended(), Cancelled)


def test_one_works_at_a_time_and_who_waits_can_cancel(workshop, films):
    working, waiting = Listener("steps"), Listener("waiting for other work to end")
    first = in_thread(lambda: workshop.run("one", ability(odd.go_on), "a", films / "good.mp4", working))
    working.wait()
    second = in_thread(lambda: workshop.run("two", ability(odd.go_on), "a", films / "good.mp4", waiting))
    waiting.wait()
    workshop.cancel("two")
    assert isinstance(second(), Cancelled)
    assert set(waiting.told) == {"waiting for other work to end"}
    workshop.close()
    assert isinstance(first(), Cancelled)


def test_a_session_that_leaves_in_the_midst_leaves_nothing(workshop, films, results):
    listener = Listener("steps")
    ended = in_thread(lambda: workshop.run("one", ability(odd.go_on), "a", films / "good.mp4", listener))
    listener.wait()
    workshop.forget("one")
    assert isinstance(ended(), Cancelled)
    assert list(results.iterdir()) == []
