"""Mean and deviation of spectrogram rows, measured where the authors published none."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..audio.spectrogram import log_spectrogram
from ..data.clips import NoWindowError
from ..data.manifest import Manifest
from ..errors import explain
from ..media import MediaError
from ..models.avid import AvidProcessor
from ._recipe_error import RecipeError
from .clip_reader import ClipReader
from .order import mixed_seed
from .recipe import Recipe
from .workers import leave_signals_to_the_parent

STATISTICS_CLIPS = 512


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
    chosen = torch.linspace(0, len(manifest) - 1, min(STATISTICS_CLIPS, len(manifest))).long().tolist()
    loader = DataLoader(
        _Sounds(manifest, ClipReader(processor), recipe.seed),
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
    return row_statistics(_batched(sounds), processor)


def _batched(sounds: list[Tensor], size: int = 64) -> Iterator[Tensor]:
    for first in range(0, len(sounds), size):
        yield torch.cat(sounds[first : first + size])


class _Sounds(Dataset):
    """The sound of one random clip of each item, ``(1, n)``, or ``(0,)`` where it cannot be used."""

    def __init__(self, manifest: Manifest, reader: ClipReader, seed: int):
        self.manifest, self.reader, self.seed = manifest, reader, seed

    def __getitem__(self, item: int) -> Tensor:
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, 3, item))
        try:
            return self.reader.read(self.manifest[item], generator)[1]
        except (MediaError, NoWindowError):
            return torch.empty(0)
