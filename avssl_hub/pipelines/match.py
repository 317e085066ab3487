"""Which sound belongs to which picture: clips of a collection compared across the senses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from ..errors import AvsslError, InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from .embed import ClipEmbeddings, EmbeddingPipeline


class NothingToMatchError(AvsslError):
    """A collection lacks pictures or sounds to compare."""


@dataclass(frozen=True)
class Matches:
    """Cosines between the pictures and the sounds of a collection of files.

    Attributes:
        files: The files.
        pictures: Indices into ``files`` of those with a picture, one a row of ``similarity``.
        sounds: Indices into ``files`` of those with sound, one a column.
        similarity: float32 ``(len(pictures), len(sounds))``, cosines, -1 to 1.
    """

    files: tuple[Path, ...]
    pictures: tuple[int, ...]
    sounds: tuple[int, ...]
    similarity: torch.Tensor

    def nearest_sound(self) -> list[int]:
        """Return, for each of ``pictures``, the index into ``files`` of the sound most like it."""
        return [self.sounds[column] for column in self.similarity.argmax(1).tolist()]

    def nearest_picture(self) -> list[int]:
        """Return, for each of ``sounds``, the index into ``files`` of the picture most like it."""
        return [self.pictures[row] for row in self.similarity.argmax(0).tolist()]

    def hits(self) -> tuple[int, int, int]:
        """Count files with picture and sound whose picture finds their own sound, the reverse, and all of them."""
        both = set(self.pictures) & set(self.sounds)
        found = zip(self.pictures, self.nearest_sound())
        found_back = zip(self.sounds, self.nearest_picture())
        return (
            sum(file in both and file == nearest for file, nearest in found),
            sum(file in both and file == nearest for file, nearest in found_back),
            len(both),
        )


def match(
    pipe: EmbeddingPipeline,
    files: Sequence[str | Path],
    clips: int = 4,
    progress: Callable[[int, int], object] | None = None,
) -> Matches:
    """Compare every picture with every sound.

    A file stands for the mean direction of the embeddings of a few windows spread over it.

    Args:
        pipe: The pipeline.
        files: Media files; those without sound are compared by their picture only, and the reverse.
        clips: Windows a file.
        progress: Called with the number of files done and of all files.

    Raises:
        InvalidValueError: The model's picture and sound lie in spaces of their own.
        NothingToMatchError: No file has a picture, or none has sound.
        MediaError: A file cannot be read.
    """
    if pipe.look is not None:
        got = "a model of 360° films, whose picture and sound lie in spaces of their own"
        raise InvalidValueError(explain("matching sounds to pictures", got, "a model that embeds both in one, as AVID"))
    files = tuple(map(Path, files))
    embeddings = []
    with heard_interrupts() as check:
        for number, file in enumerate(files):
            if progress:
                progress(number, len(files))
            embeddings.append(pipe(file, clips=clips))
            check()
    if progress:
        progress(len(files), len(files))
    video = {index: mean_direction(item.video_embeds) for index, item in enumerate(embeddings) if _any(item, "video")}
    audio = {index: mean_direction(item.audio_embeds) for index, item in enumerate(embeddings) if _any(item, "audio")}
    for found, kind in ((video, "picture"), (audio, "sound")):
        if not found:
            step = "Add files that have it."
            got = f"no file with {kind} (files: {len(files)})"
            raise NothingToMatchError(explain("matching sounds to pictures", got, "at least one", step))
    similarity = torch.stack(list(video.values())) @ torch.stack(list(audio.values())).T
    return Matches(files, tuple(video), tuple(audio), similarity)


def mean_direction(embeds: torch.Tensor) -> torch.Tensor:
    """Average the directions of ``(N, D)`` embeddings, NaN rows left out, and return one of length 1, ``(D,)``."""
    present = embeds[~embeds.isnan().any(1)]
    return F.normalize(F.normalize(present, dim=1).mean(0), dim=0)


def _any(item: ClipEmbeddings, kind: str) -> bool:
    return not getattr(item, f"{kind}_embeds").isnan().any(1).all()
