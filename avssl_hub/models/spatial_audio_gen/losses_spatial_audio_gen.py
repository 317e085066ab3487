"""What the network is trained by (section 4 of the paper)."""

import torch

from ...audio.stft_distance import stft_distance

# Brings the distances of usual sounds near one.
LOSS_SCALE = 100


def masked_mean(values: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor:
    """Mean over the batch of ``(B, channels)``, of each channel where it is recorded; one that never is counts 0."""
    if channel_mask is None:
        return values.mean(0)
    mask = channel_mask.to(values.dtype)
    return (mask * values).sum(0) / mask.sum(0).clamp_min(1)


def ambisonics_loss(
    predicted: torch.Tensor, target: torch.Tensor, window: int, channel_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Distance of short-time spectra, averaged over the batch and then over channels.

    Args:
        predicted: ``(B, 3, samples)``.
        target: The same of the recording.
        window: Length of a window in samples; see :func:`avssl_hub.audio.stft_distance.stft_distance`.
        channel_mask: ``(B, 3)``, False or 0 where a channel was not recorded; None is that all were.
    """
    return LOSS_SCALE * masked_mean(stft_distance(predicted, target, window), channel_mask).mean()
