"""Mean products of ambisonic channels: all that power maps and intensity vectors depend on."""

import torch

from ...errors import InvalidValueError, explain
from .conventions import order_of


def window_covariance(ambisonics: torch.Tensor, window: int | None = None) -> torch.Tensor:
    """Mean of the products of every two channels, over windows that touch.

    The mean over a longer time is the mean of its windows', so a long sound needs not be held at once.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3.
        window: Samples a mean; those that fill no window at the end are left out. None is one mean of all, and drops
            the axis of windows.

    Returns:
        ``(..., windows, channels, channels)``, or ``(..., channels, channels)`` without a window; float64.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16, or there are fewer samples than a window.
    """
    order_of(ambisonics.shape[-2])
    samples = ambisonics.shape[-1]
    if not 1 <= (samples if window is None else window) <= samples:
        raise InvalidValueError(explain("samples of ambisonic sound", samples, f"a window of {window or 1} or more"))
    # In single precision nothing would be left of a direction in which the channels cancel.
    whole = ambisonics.double()
    if window is None:
        return whole @ whole.transpose(-1, -2) / samples
    frames = whole.unfold(-1, window, window).transpose(-3, -2)
    return frames @ frames.transpose(-1, -2) / window
