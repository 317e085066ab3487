"""Mean and deviation of spectrogram rows, measured where the authors published none."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..audio.spectrogram import log_spectrogram
from ..data.clips import NoWindowError
from ..data.manifest import Manifest, ManifestItem
from ..errors import explain
from ..media import MediaError
from ..models.avid import AvidProcessor
from ._recipe_error import RecipeError
from .clip_reader import ClipReader
from .order import mixed_seed
from .recipe import Recipe
from .run_settings import RunSettings
from .workers import leave_signals_to_the_parent

STATISTICS_CLIPS = 512


class SoundReader(Protocol):
    """Reads random clips."""

    def read(self, item: ManifestItem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Read frames, and sound ``(channels, n)``."""


def row_statistics(sounds: Iterable[Tensor], processor: AvidProcessor) -> dict[str, list[float]]:
    """Measure mean and standard deviation of each spectrogram row over batches of sound, ``(B, n)`` each.

    Returns:
        ``spectrogram_mean`` and ``spectrogram_std``, in decibels.
    """
    size, hop, frames = processor.fft_size, processor.hop_length, processor.num_spectrogram_frames
    decibels = [log_spectrogram(sound, size, hop, frames, processor.top_db) for sound in sounds]
    rows = torch.cat(decibels).flatten(0, 1).double()
    return {"spectrogram_mean": rows.mean(0).tolist(), "spectrogram_std": rows.std(0).tolist()}


def measure_recordings(recipe: Recipe, manifest: Manifest) -> dict[str, list[float]]:
    """Measure the rows on random clips of items spread over the manifest; see :func:`row_statistics`.

    Raises:
        RecipeError: None of those items can be used.
    """
    processor = recipe.processor_in_decibels()
    return row_statistics(sounds_of_recordings(manifest, ClipReader(processor), recipe), processor)


def sounds_of_recordings(manifest: Manifest, reader: SoundReader, recipe: RunSettings) -> Iterator[Tensor]:
    """Read random clips of items spread over the manifest.

    Args:
        manifest: The recordings.
        reader: Reads a random clip.
        recipe: The run, whose seed and workers are used.

    Returns:
        Sounds of up to 64 clips at a time, ``(B, n)``, every channel one of its own.

    Raises:
        RecipeError: None of those items can be used.
    """
    chosen = torch.linspace(0, len(manifest) - 1, min(STATISTICS_CLIPS, len(manifest))).long().tolist()
    loader = DataLoader(
        _Sounds(manifest, reader, recipe.seed),
        batch_size=None,
        sampler=chosen,
        num_workers=recipe.data.workers,
        worker_init_fn=leave_signals_to_the_parent,
    )
    # Those that cannot be read are met again in training, and named there.
    sounds = [sound for sound in loader if len(sound)]
    if not sounds:
        got = f"no usable recording among {len(chosen)} of its rows"
        step = "Look at them with avssl data check."
        raise RecipeError(explain("data.manifest", got, "recordings to measure the spectrogram on", step))
    return _batched(sounds)


def _batched(sounds: list[Tensor], size: int = 64) -> Iterator[Tensor]:
    for first in range(0, len(sounds), size):
        yield torch.cat(sounds[first : first + size])


class _Sounds(Dataset):
    """The sound of one random clip of each item, ``(channels, n)``, or ``(0,)`` where it cannot be used."""

    def __init__(self, manifest: Manifest, reader: SoundReader, seed: int):
        self.manifest, self.reader, self.seed = manifest, reader, seed

    def __getitem__(self, item: int) -> Tensor:
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, 3, item))
        try:
            return self.reader.read(self.manifest[item], generator)[1]
        except (MediaError, NoWindowError):
            return torch.empty(0)
