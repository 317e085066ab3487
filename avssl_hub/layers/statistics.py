"""Running statistics of normalisation layers under activation checkpointing."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Keep the running statistics of every batch normalisation as they are while the block runs."""
    norms = [module for module in model.modules() if getattr(module, "running_mean", None) is not None]
    counts = [(norm, norm.num_batches_tracked.clone()) for norm in norms if hasattr(norm, "num_batches_tracked")]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        for norm, count in counts:
            norm.num_batches_tracked.copy_(count)
