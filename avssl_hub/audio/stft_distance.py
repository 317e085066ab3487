"""How far two sounds are apart in their spectra, as SpatialAudioGen is trained and rated (Morgado et al., 2018)."""

import torch

from ..errors import InvalidValueError, explain


def stft_distance(predicted: torch.Tensor, target: torch.Tensor, window: int = 2048) -> torch.Tensor:
    """Mean squared distance of short-time spectra, phases included; there is no square root in it.

    Windows are Hann's, overlap by half and lie wholly within all but the last sample: of 4800 samples the first 4096
    are seen, the outer 1024 on each side once and the others twice.

    Args:
        predicted: ``(..., samples)``.
        target: Of the same shape.
        window: Length of a window and its transform in samples, even.

    Returns:
        ``(...)``, the mean over windows and all bins of the squared modulus of the difference.

    Raises:
        InvalidValueError: The shapes differ, or there is not one window.
    """
    if predicted.shape != target.shape:
        raise InvalidValueError(
            explain("shape of predicted", tuple(predicted.shape), f"the target's {tuple(target.shape)}")
        )
    if target.shape[-1] <= window:
        raise InvalidValueError(explain("samples to compare", target.shape[-1], f"more than a window ({window})"))
    frames = (predicted - target)[..., :-1].unfold(-1, window, window // 2)
    # By Parseval's theorem the mean over bins is the sum over samples, and needs no transform.
    hann = torch.hann_window(window, dtype=frames.dtype, device=frames.device)
    return (frames * hann).square().sum(-1).mean(-1)
