"""A loss over scores against many rows of a memory bank, a few queries at a time.

The rows of a whole batch, some 33 MB for each bank, would go to memory and back twice, and be mapped anew in every
step. Those of a few queries stay in the cache, if their share of the gradient is taken at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Values of the rows looked at together on a CPU: 4 MB.
BLOCK = 2**20


def cosines(queries: Tensor, rows: Tensor) -> Tensor:
    """Products of unit ``queries`` (B, D) with unit ``rows`` (B, X, D), as (B, X)."""
    # A row vector from the left: several times faster on a CPU than a column from the right, backwards too.
    return (queries.unsqueeze(1) @ rows.transpose(1, 2)).squeeze(1)


def mean_over_queries(queries: Tensor, bank_rows: Tensor, items: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Mean of a loss of each query's cosines with rows of a bank; the rows get no gradient.

    Args:
        queries: Unit vectors, (B, D).
        bank_rows: Rows of the bank, (N, D).
        items: Which of them each query meets, (B, X).
        loss: Of the cosines (b, X) of any b queries, the mean of their losses.

    Returns:
        The scalar mean. The bank may change before its gradient is asked for, which can be once.
    """
    return _MeanOverQueries.apply(queries, bank_rows, items, loss)


class _MeanOverQueries(torch.autograd.Function):
    @staticmethod
    def forward(ctx, queries, bank_rows, items, loss):
        size, columns, dim = len(queries), items.shape[1], queries.shape[1]
        at_once = min(size, max(1, BLOCK // (columns * dim))) if queries.device.type == "cpu" else size
        space = bank_rows.new_empty(at_once * columns, dim)
        gradient = torch.empty_like(queries)
        total = 0.0
        for start in range(0, size, at_once):
            part = slice(start, start + at_once)
            own = queries[part].detach().requires_grad_(ctx.needs_input_grad[0])
            rows = torch.index_select(bank_rows, 0, items[part].flatten(), out=space[: len(own) * columns])
            with torch.set_grad_enabled(own.requires_grad):
                value = loss(cosines(own, rows.view(len(own), columns, dim))) * (len(own) / size)
            if own.requires_grad:
                gradient[part] = torch.autograd.grad(value, own)[0]
            total = total + value.detach()
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        return grad_output * ctx.saved_tensors[0], None, None, None
