"""What a pipeline makes of the windows of one file."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class ViewEmbeddings:
    """Embeddings of K views of each of N windows of a film of 360 degrees, as one sees and hears who faces them.

    Attributes:
        azimuth: float64 ``(K,)``, radians, left positive.
        elevation: float64 ``(K,)``, radians, up positive.
        video_embeds: float32 ``(N, K, D)``, NaN where no picture decodes.
        audio_embeds: float32 ``(N, K, D)``, NaN where there is no ambisonic sound.
    """

    azimuth: torch.Tensor
    elevation: torch.Tensor
    video_embeds: torch.Tensor
    audio_embeds: torch.Tensor


@dataclass(frozen=True)
class ClipEmbeddings:
    """Embeddings of N windows of one file.

    Of a model that compares views of 360 degrees, ``video_embeds`` and ``audio_embeds`` are the largest values of each
    feature among the views, as within a view they are those among its places.

    Attributes:
        file: Name of the file.
        start: float64 ``(N,)``, start of each window in seconds on the file's clock.
        end: float64 ``(N,)``, end of each window; the file's end where that cuts it short.
        has_audio: bool ``(N,)``, whether a sound track covers at least half of the window.
        video_embeds: float32 ``(N, D)``, NaN rows where no picture decodes.
        audio_embeds: float32 ``(N, D)``, NaN rows where ``has_audio`` is False.
        reason: What is missing or odd about each window; empty where nothing is.
        views: The embeddings of each view; None of a model that has none.
    """

    file: str
    start: torch.Tensor
    end: torch.Tensor
    has_audio: torch.Tensor
    video_embeds: torch.Tensor
    audio_embeds: torch.Tensor
    reason: tuple[str, ...]
    views: ViewEmbeddings | None = None

    def __len__(self) -> int:
        return len(self.reason)
