"""Films worked on, one at a time: bounded, to be cancelled, and with nothing left behind."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Lock

from ..errors import InvalidValueError, explain
from ..jobs.apart import ProcessApart, ProcessDiedError
from .abilities import Ability, Shown, Tick
from .limits import Limits
from .orders import Order, carry_out

_WAIT = 0.1  # seconds between looks whether a job that waits is cancelled


class Cancelled(Exception):
    """Whoever asked for the work no longer wants it."""


class Workshop:
    """Runs what the page asks for.

    Each session has a folder of its own, which holds the last result of each ability. Films are opened in another
    process only, which also keeps the last model at hand.

    Args:
        folder: Where results are written; exists.
        limits: Of the films.
        device: Where models run.
    """

    def __init__(self, folder: Path, limits: Limits, device: str):
        self.limits = limits
        self._folder, self._device = folder, device
        self._turn = Lock()
        self._jobs: set[tuple[str, Event]] = set()
        self._folders: dict[str, Path] = {}
        self._apart = ProcessApart(carry_out)

    def run(self, session: str, ability: Ability, model: str, film: Path, tick: Tick) -> Shown:
        """Show what a model makes of a film, as soon as no other work is under way.

        Args:
            session: Who asks.
            ability: What is asked.
            model: Name of the model.
            film: The film.
            tick: Called as the work goes on.

        Raises:
            Cancelled: ``cancel`` or ``forget`` was called meanwhile.
            AvsslError: The film is beyond the limits or ends the process that reads it, or what the pipelines raise.
        """
        stop = Event()
        job = (session, stop)
        self._jobs.add(job)

        def still_wanted() -> None:
            if stop.is_set():
                raise Cancelled

        try:
            while not self._turn.acquire(timeout=_WAIT):
                still_wanted()
                tick(0, 1, "waiting for other work to end")
            try:
                still_wanted()
                return self._run(session, ability, model, film, tick, still_wanted)
            finally:
                self._turn.release()
        finally:
            self._jobs.discard(job)

    def cancel(self, session: str) -> None:
        """Have what a session runs end."""
        for owner, stop in tuple(self._jobs):
            if owner == session:
                stop.set()

    def forget(self, session: str) -> None:
        """Cancel what a session runs, and remove its results."""
        self.cancel(session)
        folder = self._folders.pop(session, None)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Cancel everything, and wait until it has ended."""
        for _, stop in tuple(self._jobs):
            stop.set()
        with self._turn:
            self._apart.close()

    def _run(
        self,
        session: str,
        ability: Ability,
        model: str,
        film: Path,
        tick: Tick,
        still_wanted: Callable[[], None],
    ) -> Shown:
        home = self._folders.get(session)
        if home is None:
            # What names a session comes from the browser, and is no name for a folder.
            home = self._folders[session] = Path(mkdtemp(dir=self._folder))
        folder = Path(mkdtemp(prefix=f"{ability.name}-", dir=home))
        order = Order(ability, model, self._device, film, self.limits, folder)
        try:
            tick(0, 1, "making ready")
            shown = self._apart.run(order, heed=tick, still_wanted=still_wanted)
            still_wanted()
        except BaseException as error:
            shutil.rmtree(folder if session in self._folders else home, ignore_errors=True)
            if isinstance(error, ProcessDiedError):
                raise _deadly(film, error) from error
            raise
        # Only now: what is on the page is still to be seen if the work is cancelled.
        for earlier in home.glob(f"{ability.name}-*"):
            if earlier != folder:
                shutil.rmtree(earlier, ignore_errors=True)
        return shown


def _deadly(film: Path, error: ProcessDiedError) -> InvalidValueError:
    step = "Write it anew, with ffmpeg say, and shorter or smaller if it was for want of memory."
    got = f"the end of the process that worked on it ({error})"
    return InvalidValueError(explain(f"film {film.name!r}", got, "a film that can be read to its end", step))
