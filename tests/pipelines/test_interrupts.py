"""Ctrl-C that a callback swallows is heard all the same."""

import signal
import threading

import pytest

from avssl_hub.pipelines._interrupts import heard_interrupts


@pytest.fixture(autouse=True)
def usual_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_swallowed_interrupt_is_raised_at_the_next_check():
    with heard_interrupts() as check:
        check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_handlers_of_others_stay():
    def mine(number, frame):
        pass

    signal.signal(signal.SIGINT, mine)
    with heard_interrupts() as check:
        assert signal.getsignal(signal.SIGINT) is mine
        signal.raise_signal(signal.SIGINT)
        check()


def test_other_threads_only_watch():
    errors = []

    def work():
        try:
            with heard_interrupts() as check:
                check()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []
