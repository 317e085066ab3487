"""One file on its way into a model that embeds: its windows, and what is told of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor

import torch

from ._film import Film
from ._windows import early_end, judge


@dataclass(frozen=True)
class Window:
    """What goes into the model for one window.

    Attributes:
        start: Start of the window in seconds.
        end: Its end; the file's end where that cuts it short.
        video: The model's inputs for its picture; None if there is none.
        audio: The same for its sound.
        reason: What is missing or odd; empty where nothing is.
    """

    start: float
    end: float
    video: dict[str, torch.Tensor] | None
    audio: dict[str, torch.Tensor] | None
    reason: str


@dataclass(frozen=True)
class WindowEmbeds:
    """What the model makes of one: the same fields, with an embedding, or one a view, in the place of inputs."""

    start: float
    end: float
    video: torch.Tensor | None
    audio: torch.Tensor | None
    reason: str


@dataclass(frozen=True)
class EmbeddedFilm:
    """What joining its windows takes of a file: its name, and what there is to say if it ended too early."""

    file: str
    early_end: str


class EmbeddingStream:
    """The windows of a file that is open.

    Args:
        film: The file.
        duration: Seconds of a whole window.
        every: Seconds from one window's start to the next; None for windows that touch.
        clips: Look at so many windows only.
    """

    def __init__(self, film: Film, duration: float, every: float | None, clips: int | None):
        self._film, self._duration, self._every, self._clips = film, duration, every, clips
        self._last_start = film.info.start

    def windows(self, progress: Callable[[int, int], object] | None = None) -> Iterator[Window]:
        """Read them one after the other; ``progress`` is called with the seconds gone through and of all."""
        film = self._film
        seconds = ceil(film.info.duration)
        for window in film.windows(self._every, self._clips):
            if progress:
                progress(min(seconds, max(0, floor(window.start - film.info.start))), seconds)
            has_audio, reason = judge(window, film.info, self._duration, film.no_sound)
            self._last_start = window.start
            yield Window(
                window.start,
                window.end,
                film.pixels(window) if window.video is not None else None,
                film.features(window) if has_audio else None,
                "; ".join(filter(None, [reason, *film.notes])),
            )
        if progress:
            progress(seconds, seconds)

    @property
    def facts(self) -> EmbeddedFilm:
        """What joining the windows takes, once all are read."""
        info, hop = self._film.info, self._duration if self._every is None else self._every
        note = early_end(self._last_start, info, self._duration + hop) if self._clips is None else ""
        return EmbeddedFilm(info.name, note)
