"""Sound for two ears, through head-related impulse responses."""

from collections.abc import Iterable, Iterator

import torch
from torchaudio.functional import fftconvolve

from .head_responses import HeadResponses


def binauralize(ambisonics: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """Render ambisonics (ACN, SN3D) for two ears.

    A head that turns to the left by ``yaw`` hears ``rotate(ambisonics, -yaw)``.

    Args:
        ambisonics: ``(..., channels, samples)``.
        filters: ``(channels, 2, taps)`` of a head, such as ``HeadResponses.filters``.

    Returns:
        ``(..., 2, samples + taps - 1)``, left ear first.
    """
    channels, _, _ = filters.shape
    filters = filters.to(ambisonics)
    # One channel after the other: all at once would take their number times the memory.
    return sum(
        fftconvolve(ambisonics[..., c, None, :], filters[c].expand(*ambisonics.shape[:-2], 2, -1))
        for c in range(channels)
    )


def binauralize_blocks(blocks: Iterable[torch.Tensor], filters: torch.Tensor) -> Iterator[torch.Tensor]:
    """Render a sound of any length: blocks ``(channels, n)`` that follow each other become blocks ``(2, n)``.

    The last block has the ``taps - 1`` samples in which the responses die away. Together they are what ``binauralize``
    makes of the whole.
    """
    tail = filters.new_zeros(2, filters.shape[-1] - 1)
    for block in blocks:
        rendered = binauralize(block, filters)
        rendered[:, : tail.shape[1]] += tail.to(rendered)
        yield rendered[:, : block.shape[1]]
        tail = rendered[:, block.shape[1] :]
    yield tail


def spatialize_sources(signals: torch.Tensor, vectors: torch.Tensor, head: HeadResponses) -> torch.Tensor:
    """Place sounds around a head, each through the nearest measured response.

    Args:
        signals: ``(..., sources, samples)``, at the rate of the responses.
        vectors: ``(sources, 3)`` unit vectors towards the sources: forward, left, up.
        head: The responses.

    Returns:
        ``(..., 2, samples + taps - 1)``, left ear first.
    """
    return binauralize(signals, head.nearest(vectors))
