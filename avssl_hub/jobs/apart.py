"""Work on one untrusted file after another in a process of its own, which that file may kill, or who asked for it."""

import multiprocessing
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ..errors import AvsslError
from .interrupts import leave_interrupts

_WAIT = 0.1  # seconds between looks whether the work is still wanted
_PATIENCE = 5.0  # seconds for a process whose pipe is shut to be gone


class ProcessDiedError(AvsslError):
    """The work ended the process that did it."""


class ProcessApart:
    """A process that works for this one: whatever ends it ends nothing else, and another takes its place.

    It stays between calls, and with it what the work keeps at hand. Of use to one thread at a time.

    Args:
        work: What it does, a function of a module; called with what ``run`` is given and a function that tells of
            progress, whose arguments are those of ``heed``.
    """

    def __init__(self, work: Callable[..., Any]):
        self._work = work
        self._begin()

    def run(self, *arguments: Any, heed: Callable[..., object], still_wanted: Callable[[], object]) -> Any:
        """Have work done.

        Args:
            arguments: What it is about; can be pickled, as can what comes of it.
            heed: Called here with what the work tells.
            still_wanted: Called here every now and then. What this or ``heed`` raises ends the process, whatever it is
                doing.

        Raises:
            ProcessDiedError: The process ended; the text says how.
            Exception: What the work raised.
        """
        if not self._process.is_alive():
            self._begin_anew()
        try:
            with self._its_end_told():
                self._pipe.send(arguments)
            while not isinstance(said := self._hear(still_wanted), _Ended):
                unnamed, named = said
                heed(*unnamed, **named)
        except BaseException:
            self._begin_anew()
            raise
        if said.error is not None:
            raise said.error
        return said.result

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _begin(self) -> None:
        # A forked child would inherit the locks of FFmpeg's and torch's threads as they happen to be.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._work), daemon=True)
        self._process.start()
        theirs.close()

    def _begin_anew(self) -> None:
        self.close()
        self._begin()

    def _hear(self, still_wanted: Callable[[], object]) -> Any:
        still_wanted()
        while not self._pipe.poll(_WAIT):
            still_wanted()
        with self._its_end_told():
            return self._pipe.recv()

    @contextmanager
    def _its_end_told(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError):
            raise ProcessDiedError(self._how_it_ended()) from None

    def _how_it_ended(self) -> str:
        self._process.join(_PATIENCE)
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"exit status {code}"
        name = signal.Signals(-code).name
        return f"{name}, perhaps for want of memory" if -code == signal.SIGKILL else name


@dataclass(frozen=True)
class _Ended:
    result: Any = None
    error: Exception | None = None


def _serve(pipe: Connection, work: Callable[..., Any]) -> None:
    leave_interrupts()

    def tell(*unnamed: Any, **named: Any) -> None:
        pipe.send((unnamed, named))

    # The pipe is shut when nobody waits for an answer any more.
    with suppress(EOFError, ConnectionError):
        while True:
            arguments = pipe.recv()
            try:
                ended = _Ended(result=work(*arguments, tell))
            except Exception as error:
                ended = _Ended(error=_portable(error))
            pipe.send(ended)


def _portable(error: Exception) -> Exception:
    """Return an error that reaches another process, with its frames, which stay here, as a note."""
    frames = "".join(traceback.format_exception(error))
    try:
        error = pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(frames)
    return error
