"""A file on its way into a model that embeds: its windows, and what becomes the model's inputs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import torch

from ..media import MediaInfo, MediaReader, MediaWindow
from ._windows import every_window

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin


class Film(Protocol):
    """A file that is open.

    Attributes:
        info: What it holds.
        no_sound: Why windows have no sound, where they have none.
        notes: What was taken for granted of all of it.
    """

    info: MediaInfo
    no_sound: str
    notes: tuple[str, ...]

    def windows(self, every: float | None, clips: int | None) -> Iterator[MediaWindow]:
        """Read windows as long as the processor's sound: one after the other, or ``clips`` of them."""

    def pixels(self, window: MediaWindow) -> dict[str, torch.Tensor]:
        """Prepare the picture of a window that has one."""

    def features(self, window: MediaWindow) -> dict[str, torch.Tensor]:
        """Prepare the sound of a window that has one."""


class FlatFilm:
    """A film or recording as most are; see :class:`Film`.

    Args:
        reader: Reads it.
        rules: The model's processor.
    """

    no_sound = "no sound track"
    notes: tuple[str, ...] = ()

    def __init__(self, reader: MediaReader, rules: "FeatureExtractionMixin"):
        self._reader, self._rules = reader, rules
        self.info = reader.info

    def windows(self, every: float | None, clips: int | None) -> Iterator[MediaWindow]:
        return every_window(self._reader, self._rules, every, clips)

    def pixels(self, window: MediaWindow) -> dict[str, torch.Tensor]:
        return self._rules(videos=[window.video.frames])

    def features(self, window: MediaWindow) -> dict[str, torch.Tensor]:
        sound = window.audio
        return self._rules(audio=[sound.samples[0]], sampling_rate=sound.sampling_rate)
