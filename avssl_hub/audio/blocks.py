"""Sound in blocks that follow each other, whatever its length."""

from collections.abc import Iterable, Iterator

import torch


def of_length(blocks: Iterable[torch.Tensor], samples: int) -> Iterator[torch.Tensor]:
    """Cut blocks ``(channels, n)`` that follow each other into blocks of ``samples``; the last may be shorter."""
    held: list[torch.Tensor] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        if count >= samples:
            *whole, rest = torch.cat(held, 1).split(samples, 1)
            yield from whole
            held, count = [rest], rest.shape[1]
    if count:
        yield torch.cat(held, 1)


def windows_at(
    blocks: Iterable[torch.Tensor], starts: Iterable[int], channels: int, length: int
) -> Iterator[tuple[torch.Tensor, int]]:
    """Cut windows of ``length`` samples out of blocks ``(channels, n)`` that follow each other from sample 0.

    Args:
        blocks: The sound; no more of it is held than a window needs.
        starts: First samples of the windows, rising; they may lie outside the sound.
        channels: Number of channels.
        length: Samples of a window.

    Yields:
        Each window ``(channels, length)``, zeros where there is no sound, and the number of samples that there are.
    """
    blocks, held, begin = iter(blocks), torch.zeros(channels, 0), 0
    for start in starts:
        while begin + held.shape[1] < start + length and (block := next(blocks, None)) is not None:
            held = torch.cat([held, block], 1)
            passed = min(max(0, start - begin), held.shape[1])
            held, begin = held[:, passed:], begin + passed
        first, last = max(begin, start), min(begin + held.shape[1], start + length)
        window = torch.zeros(channels, length)
        if first < last:
            window[:, first - start : last - start] = held[:, first - begin : last - begin]
        yield window, max(0, last - first)
