"""Films worked on, one at a time: bounded, to be cancelled, and with nothing left behind."""

import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Lock
from typing import Any

from .abilities import Ability, Shown, Tick
from .limits import Limits

_WAIT = 0.1  # seconds between looks whether a job that waits is cancelled


class Cancelled(Exception):
    """Whoever asked for the work no longer wants it."""


class Workshop:
    """Runs what the page asks for.

    Each session has a folder of its own, which holds the last result of each ability.

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
        # The last model stays at hand.
        self._pipe = lru_cache(maxsize=1)(self._load)

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
            AvsslError: The film is beyond the limits, or what the pipelines raise.
        """
        stop = Event()
        job = (session, stop)
        self._jobs.add(job)

        def watched(done: int, total: int, what: str) -> None:
            if stop.is_set():
                raise Cancelled
            tick(done, total, what)

        try:
            while not self._turn.acquire(timeout=_WAIT):
                watched(0, 1, "waiting for other work to end")
            try:
                return self._run(session, ability, model, film, watched)
            finally:
                self._turn.release()
        finally:
            self._jobs.discard(job)

    def cancel(self, session: str) -> None:
        """Have what a session runs end at its next step."""
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
            pass

    def _run(self, session: str, ability: Ability, model: str, film: Path, tick: Tick) -> Shown:
        self.limits.check(film)
        tick(0, 1, "loading the model")
        pipe = self._pipe(ability, model)
        tick(0, 1, "opening the film")
        if session not in self._folders:
            # What names a session comes from the browser, and is no name for a folder.
            self._folders[session] = Path(mkdtemp(dir=self._folder))
        home = self._folders[session]
        folder = Path(mkdtemp(prefix=f"{ability.name}-", dir=home))
        try:
            shown = ability.show(pipe, film, folder, tick)
            tick(1, 1, "done")
        except BaseException:
            shutil.rmtree(folder if session in self._folders else home, ignore_errors=True)
            raise
        # Only now: what is on the page is still to be seen if the work is cancelled.
        for earlier in home.glob(f"{ability.name}-*"):
            if earlier != folder:
                shutil.rmtree(earlier, ignore_errors=True)
        return shown

    def _load(self, ability: Ability, model: str) -> Any:
        return ability.load(model, self._device)
