"""Random turns of chunks about the vertical, which picture and sound take together."""

import math

import torch
from torch import Tensor

from ..order import mixed_seed


def draw_turns(seed: int, step: int, chunks: int) -> list[float]:
    """Draw an angle of [-π, π) for each chunk of a step, whatever the number of processes."""
    generator = torch.Generator().manual_seed(mixed_seed(seed, 6, step))
    turns: Tensor = math.tau * torch.rand(chunks, generator=generator, dtype=torch.float64) - math.pi
    return turns.tolist()
