"""SIGTERM, with which schedulers end a job: finish the step, save, and say so."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import AvsslError

# What a shell reports of a process that SIGTERM ended.
EXIT_STATUS = 128 + signal.SIGTERM


class TrainingTerminated(AvsslError):
    """A run was told to end before its last step; its state is saved."""


@contextmanager
def heard_termination() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether SIGTERM has come in this block; the process lives on.

    Outside the main thread, where Python hears no signals, it never has.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    heard = False

    def handle(number, frame):
        nonlocal heard
        heard = True

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield lambda: heard
    finally:
        signal.signal(signal.SIGTERM, before)
