"""Values for the inputs by which a family shows what its networks compute (transformers' ``dummy_inputs``)."""

import torch


def noise(*shape: int, mean: float = 0.0, spread: float = 1.0) -> torch.Tensor:
    """Draw normal values, the same each time."""
    return mean + spread * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def sound(*shape: int) -> torch.Tensor:
    """Draw samples in about [0, 0.5].

    Their mean lies above zero: a lowest frequency that is real and negative has a phase of plus or minus pi, and
    rounding decides which.
    """
    return noise(*shape, mean=0.25, spread=0.1)
