"""Which sample and which frame a time falls on: the nearest, or as SpatialAudioGen's released code has it."""

import math

# Decimals of a product to trust: times such as 0.1 are no binary fractions.
_DECIMALS = 6


def sample_at(time: float, sampling_rate: int, released: bool = False) -> int:
    """Number of the sample at a time in seconds, which may be negative.

    Args:
        time: In seconds.
        sampling_rate: Samples per second.
        released: Cut the product of a fraction of a second and the rate down to an integer, so that two in five of the
            starts of chunks come out one sample early.
    """
    if not released:
        return round(time * sampling_rate)
    second = math.floor(time)
    return second * sampling_rate + int((time - second) * sampling_rate)


def frame_at(time: float, fps: float, released: bool = False) -> int:
    """Number of the frame that is shown at a time from 0 on; the released rule may take the one before."""
    return int(time * fps if released else round(time * fps, _DECIMALS))
