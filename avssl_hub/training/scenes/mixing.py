"""Mixtures of which the parts are known: the sounds of a batch's own clips, added in pairs (section 6 of the paper)."""

import torch
from torch import Tensor

from ...audio.stft import normalize_rms

LOUDNESS = 0.1


def mixed_pairs(sounds: Tensor, blind: bool = False, octaves: Tensor | None = None) -> Tensor:
    """Pair the sounds of a batch, every channel at a root mean square of 0.1.

    Args:
        sounds: ``(B, channels, n)``, of at least two clips.
        blind: False pairs each with the one half a batch away, so that every clip is once the first; True pairs those
            of the first half, in order, with those of the second, for which B has to be even.
        octaves: Powers of two that the levelled sounds are multiplied by, ``(B,)``.

    Returns:
        Both sources of each mixture, which is their sum: ``(B, 2, channels, n)``, of blind pairs half as many.
    """
    sounds = normalize_rms(sounds, LOUDNESS)
    if octaves is not None:
        sounds = sounds * octaves.exp2()[:, None, None]
    half = len(sounds) // 2
    pairs = (sounds[:half], sounds[half:]) if blind else (sounds, sounds.roll(half, 0))
    return torch.stack(pairs, 1)
