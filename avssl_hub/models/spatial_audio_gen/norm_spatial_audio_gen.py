"""Batch normalisation by the statistics of the batch in hand, in evaluation too, as the released networks run."""

import torch
from torch import nn
from torch.nn import functional as F


class GroupedBatchNorm(nn.Module):
    """Batch normalisation of ``(B, C, H, W)``, by groups of neighbours in the batch or by running statistics.

    Args:
        channels: Number of channels.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics, which move in training only.
    """

    def __init__(self, channels: int, eps: float, momentum: float):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, hidden: torch.Tensor, group_size: int | None) -> torch.Tensor:
        """Normalise each ``group_size`` neighbours by their own mean and variance; None is by running statistics."""
        if group_size is None:
            return self._normalize(hidden, self.running_mean, self.running_var, by_batch=False)
        moving = (self.running_mean, self.running_var) if self.training else (None, None)
        if group_size >= len(hidden):
            return self._normalize(hidden, *moving, by_batch=True)
        return torch.cat([self._normalize(part, *moving, by_batch=True) for part in hidden.split(group_size)])

    def _normalize(
        self, hidden: torch.Tensor, mean: torch.Tensor | None, variance: torch.Tensor | None, by_batch: bool
    ) -> torch.Tensor:
        return F.batch_norm(hidden, mean, variance, self.weight, self.bias, by_batch, self.momentum, self.eps)

    def extra_repr(self) -> str:
        return f"{len(self.bias)}, eps={self.eps}, momentum={self.momentum}"
