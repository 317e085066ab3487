"""What worker processes that read do as such."""

import signal
from typing import TypeVar

Read = TypeVar("Read")


def leave_signals_to_the_parent(worker: int) -> None:
    """Let a worker process live through Ctrl-C and SIGTERM, which the training process answers and then ends it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def as_read(step: Read) -> Read:
    """Stand in for a collate function, since a step comes packed."""
    return step
