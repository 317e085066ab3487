"""The largest similarities of many rows, kept while blocks of the similarity matrix come and go."""

import torch
from torch import Tensor

# Columns that compete as one at first; halved this often, a block's width comes to its number of groups.
HALVINGS = 4
GROUP = 2**HALVINGS


class Nearest:
    """The k most similar items of each row so far.

    Args:
        items: Where to keep them, ``(rows, k)`` int32: in no order, -1 where fewer than k have been offered.
        like: Any tensor of the similarities' type.
    """

    def __init__(self, items: Tensor, like: Tensor):
        self.items = items.fill_(-1)
        self._values = like.new_full(items.shape, -torch.inf)
        # The least similar item kept, which a better one replaces.
        self._limits = like.new_full(items.shape[:1], -torch.inf)

    def offer(self, start: int, similarity: Tensor, first: int) -> None:
        """Consider a block: similarities (R, C) of the rows from ``start`` on with the items from ``first`` on.

        Nothing is offered twice, and what is minus infinity is left out. The block may be the transpose of another.
        """
        row, column, value = self._better(start, similarity)
        if not len(row):
            return
        # Rows differ in how much they gain: as a table, their gains are filled up with minus infinity.
        rows, line, gains = row.unique_consecutive(return_inverse=True, return_counts=True)
        place = torch.arange(len(row), device=row.device) - (gains.cumsum(0) - gains)[line]
        values = value.new_full((len(rows), int(gains.max())), -torch.inf)
        values[line, place] = value
        items = torch.full(values.shape, -1, dtype=torch.int32, device=row.device)
        items[line, place] = (column + first).int()

        rows = rows + start
        values, kept = torch.cat([self._values[rows], values], 1).topk(self.items.shape[1], dim=1, sorted=False)
        self.items[rows] = torch.cat([self.items[rows], items], 1).gather(1, kept)
        self._values[rows] = values
        self._limits[rows] = values.amin(1)

    def _better(self, start: int, similarity: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Row, column and value (H,) of all that could be kept, by rows. Most groups hold nothing of the kind."""
        limits = self._limits[start : start + len(similarity)]
        maxima = similarity
        for _ in range(HALVINGS):
            # Unlike a maximum along an axis, this is quick for a block and for its transpose.
            maxima = torch.maximum(*maxima.chunk(2, dim=1))
        groups, count = maxima.shape[1], self.items.shape[1]
        better = maxima > limits[:, None]
        if groups > count and better.sum() > count * len(better):
            # The block alone has ``count`` values from here on upwards.
            reached = maxima.topk(count, dim=1, sorted=False).values.amin(1)
            limits = torch.maximum(limits, reached.nextafter(reached.new_tensor(-torch.inf)))
            better = maxima > limits[:, None]
        row, group = better.nonzero(as_tuple=True)
        columns = group[:, None] + groups * torch.arange(GROUP, device=group.device)
        values = similarity[row[:, None], columns]
        hit, member = (values > limits[row, None]).nonzero(as_tuple=True)
        return row[hit], columns[hit, member], values[hit, member]
