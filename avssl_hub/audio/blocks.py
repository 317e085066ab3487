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
