"""How alike sound and picture are through a film: each moment against its own sound, and that of all others."""

from dataclasses import dataclass

import torch

from ..errors import explain
from .clip_embeddings import ClipEmbeddings
from .match import NothingToMatchError


@dataclass(frozen=True)
class Similarity:
    """Cosines between the pictures and the sounds of N windows of one file.

    Attributes:
        file: Name of the file.
        time: float64 ``(N,)``, the middle of each window in seconds on the file's clock.
        cosines: float32 ``(N, N)``: pictures down, sounds across, -1 to 1; NaN where either is missing.
    """

    file: str
    time: torch.Tensor
    cosines: torch.Tensor

    @property
    def own(self) -> torch.Tensor:
        """Cosine of each picture with the sound of its own window, ``(N,)``."""
        return self.cosines.diagonal()

    @property
    def others(self) -> torch.Tensor:
        """Mean cosine of each picture with the sounds of all other windows, ``(N,)``; NaN where there are none."""
        return self.cosines.masked_fill(torch.eye(len(self.time), dtype=torch.bool), torch.nan).nanmean(1)


def similarity_over_time(clips: ClipEmbeddings) -> Similarity:
    """Compare each window's picture with each window's sound.

    Args:
        clips: Windows of one file, from a model that embeds picture and sound in one space.

    Raises:
        NothingToMatchError: No window has both.
    """
    cosines = clips.video_embeds @ clips.audio_embeds.T
    if cosines.diagonal().isnan().all():
        got = next(filter(None, clips.reason), "none with both")
        raise NothingToMatchError(explain(f"comparing sound and picture of {clips.file!r}", got, "a film with sound"))
    return Similarity(clips.file, (clips.start + clips.end) / 2, cosines)
