"""One fixed table of Gaussian noise: reading it by position gives every device the same noise."""

from functools import cache

import torch
from torch import Tensor

TABLE_SIZE = 2**16


@cache
def noise_table() -> Tensor:
    """Return the table, (65536,) float32 of unit variance."""
    return torch.randn(TABLE_SIZE, generator=torch.Generator().manual_seed(20260))
