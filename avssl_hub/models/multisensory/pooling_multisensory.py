"""Fractional max pooling, which brings the sound's features to the length of the picture's."""

import math

import torch
from torch import nn

from ...errors import InvalidValueError, explain

# TensorFlow draws the offset of its "random" boundaries from a generator with a fixed seed, so that in evaluation it
# is always this.
FIXED_DRAW = 0.2511744980841868


def fixed_edges(length: int, size: int) -> list[int]:
    """Where the ``size`` segments of ``length`` elements begin, and the end of the last, in evaluation."""
    ratio, gap = length / size, length // size
    offset = FIXED_DRAW * min((gap + 2) / ratio - 1, (length + 1 - gap) / ratio - (size - 1))
    return [0, *(math.ceil(ratio * (index + offset)) - 1 for index in range(1, size)), length]


def random_edges(length: int, size: int, device: torch.device | None = None) -> torch.Tensor:
    """The same in training: segments of ``length // size`` and one more, in random order."""
    longer = torch.randperm(size, device=device) < length % size
    return torch.cat([longer.new_zeros(1, dtype=torch.long), (length // size + longer.long()).cumsum(0)])


class FractionalMaxPool(nn.Module):
    """Maximum over consecutive segments of unequal length, ``(B, C, L)`` to ``(B, C, size)``.

    The segments are the same for all items and channels. In training they are drawn anew at every call; in evaluation
    they are fixed. The authors say that the figures of their paper were measured with random ones.
    """

    def edges(self, length: int, size: int, device: torch.device) -> torch.Tensor:
        """Choose where segments begin."""
        if self.training:
            return random_edges(length, size, device)
        return torch.tensor(fixed_edges(length, size), device=device)

    def forward(self, hidden: torch.Tensor, size: int) -> torch.Tensor:
        length = hidden.shape[-1]
        if length - 1 <= size:
            got = f"{length} features of sound for {size} of picture"
            expected = "at least two more of sound than of picture"
            raise InvalidValueError(explain("length of input_values", got, expected, "Give the clip's whole sound."))
        edges = self.edges(length, size, hidden.device)
        # No segment is longer than this; a shorter one looks at its last element again.
        longest = length // size + 2
        places = edges[:-1, None] + torch.arange(longest, device=hidden.device)
        segments = hidden[..., torch.minimum(places, edges[1:, None] - 1)]
        # Unlike amax, max gives the gradient to one element.
        return segments.max(-1).values
