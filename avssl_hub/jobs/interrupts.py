"""Hearing Ctrl-C wherever it strikes, and leaving it to who answers to it."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..media import called_by_ffmpeg


@contextmanager
def heard_interrupts() -> Iterator[Callable[[], None]]:
    """Give a function that raises KeyboardInterrupt if Ctrl-C was pressed in this block.

    While FFmpeg reads through a Python file object, PyAV drops exceptions that strike there, so that a key press
    would have no effect but a read that fails. There it is put off for a moment; ask after each file, before its
    result is believed.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        # Somebody else answers to the key.
        yield lambda: None
        return
    pressed = False

    def handle(number, frame):
        nonlocal pressed
        pressed = True
        if called_by_ffmpeg(frame):
            threading.Timer(0.02, signal.raise_signal, (number,)).start()
        else:
            raise KeyboardInterrupt

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_interrupts() -> None:
    """Pass over Ctrl-C in a process that another one ends: the key reaches both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
