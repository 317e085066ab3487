"""Memory banks: one slowly moving unit vector per training item, and the negatives drawn from them.

Source: AVID (arXiv 2004.12943), section 3.1. Shared by every objective that discriminates instances.
"""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InvalidValueError, explain


def gather_ranks(tensor: Tensor) -> Tensor:
    """Put ``tensor`` (B, ...) of all ranks together along the first axis, without gradient.

    The rows come in the order of a batch that was dealt out to the ranks in turn, as a single process sees it.
    Outside a distributed run this is the detached tensor itself. All ranks must pass the same shape.
    """
    tensor = tensor.detach()
    if not (dist.is_available() and dist.is_initialized()):
        return tensor
    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.stack(parts, 1).flatten(0, 1)


def skip_own(draws: Tensor, indices: Tensor) -> Tensor:
    """Map ``draws`` (B, K) over {0 .. N-2} to the N-1 items that are not the row's own ``indices`` (B,)."""
    return draws + (draws >= indices[:, None])


def sample_negatives(indices: Tensor, num_items: int, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw negatives uniformly, with replacement, over all items but the row's own.

    Args:
        indices: Items of the batch, (B,) int64.
        num_items: Items in the bank, N.
        count: Negatives per row, K.
        generator: Source of randomness on the device of ``indices``; the global one if left out.

    Returns:
        Item indices, (B, K) int64.
    """
    draws = torch.randint(num_items - 1, (len(indices), count), generator=generator, device=indices.device)
    return skip_own(draws, indices)


class MemoryBank(nn.Module):
    """Unit vectors ``rows`` (N, D), one per training item, that follow the embeddings of that item.

    Args:
        num_items: Training items, N (at least 2).
        dim: Embedding size, D.
        momentum: Weight of the old row in an update.
        seed: Seed of the initial rows; pass the same one on every rank.
    """

    def __init__(self, num_items: int, dim: int, momentum: float = 0.5, seed: int = 0):
        super().__init__()
        if num_items < 2:
            raise InvalidValueError(explain("memory bank", f"num_items={num_items}", "at least 2 items"))
        if not 0 <= momentum < 1:
            raise InvalidValueError(explain("memory bank", f"momentum={momentum}", "0 <= momentum < 1"))
        self.momentum = momentum
        rows = torch.randn(num_items, dim, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("rows", F.normalize(rows, dim=1))

    def __len__(self) -> int:
        return len(self.rows)

    def forward(self, indices: Tensor) -> Tensor:
        """Read a copy of the rows at ``indices`` (...), as (..., D)."""
        return F.embedding(indices, self.rows)

    @torch.no_grad()
    def update(self, indices: Tensor, embeddings: Tensor) -> None:
        """Move the rows at ``indices`` (B,) towards unit ``embeddings`` (B, D) of all ranks, alike on each rank.

        Where an item occurs twice, every new row is computed from the old one and the last in the
        order of :func:`gather_ranks` is kept, so that the outcome depends neither on the device nor on the number of
        ranks.
        """
        indices, embeddings = gather_ranks(indices), gather_ranks(embeddings)
        mixed = self.momentum * self.rows[indices] + (1 - self.momentum) * embeddings.to(self.rows.dtype)
        items, group = indices.unique(return_inverse=True)
        position = torch.arange(len(indices), device=indices.device)
        last = torch.zeros_like(items).scatter_reduce_(0, group, position, "amax", include_self=False)
        self.rows[items] = F.normalize(mixed[last], dim=1)
