"""A process apart: it answers, tells, fails and dies, and is there again."""

import os
import signal
import time

import pytest

from avssl_hub.jobs.apart import ProcessApart, ProcessDiedError
from avssl_hub.media import MediaOpenError


class StubbornError(Exception):
    """Cannot be made from its text alone, as pickling would."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def work(what, tell):
    for number in range(3):
        tell(number, total=3)
    match what:
        case "answer":
            return os.getpid()
        case "media":
            raise MediaOpenError("cannot open 'a.mp4'", "a.mp4", 1)
        case "stubborn":
            raise StubbornError("one", "two")
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(3600)
        case _:
            os.kill(os.getpid(), what)
    return None


def ignore(number=None, total=None):
    """Take no notice."""


@pytest.fixture(scope="module")
def apart():
    made = ProcessApart(work)
    yield made
    made.close()


def run(apart, what, heed=ignore, still_wanted=ignore):
    return apart.run(what, heed=heed, still_wanted=still_wanted)


def test_one_process_stays_and_tells(apart):
    told = []
    first = run(apart, "answer", lambda number, total: told.append((number, total)))
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert first != os.getpid()
    assert run(apart, "answer") == first


def test_errors_come_over_with_their_frames_and_the_process_stays(apart):
    before = run(apart, "answer")
    with pytest.raises(MediaOpenError, match="cannot open") as caught:
        run(apart, "media")
    assert (caught.value.source, caught.value.stream) == ("a.mp4", 1)
    assert "in work" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match=r"^StubbornError: one and two\n"):
        run(apart, "stubborn")
    assert run(apart, "answer") == before


@pytest.mark.parametrize(
    ("what", "how"),
    [(signal.SIGSEGV, "^SIGSEGV$"), (signal.SIGKILL, "SIGKILL, perhaps for want of memory"), ("exit", "exit status 3")],
)
def test_an_end_of_the_process_is_told_and_another_begins(apart, what, how):
    before = run(apart, "answer")
    with pytest.raises(ProcessDiedError, match=how):
        run(apart, what)
    assert run(apart, "answer") != before


def test_what_is_not_wanted_any_more_ends_whatever_it_does(apart):
    begin = time.monotonic()

    def tired():
        if time.monotonic() - begin > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(apart, "hang", still_wanted=tired)

    def enough(number, total):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        run(apart, "hang", enough)
    assert run(apart, "answer") != os.getpid()


def test_an_end_between_two_pieces_of_work_goes_unnoticed(apart):
    before = run(apart, "answer")
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while apart._process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run(apart, "answer") != before
