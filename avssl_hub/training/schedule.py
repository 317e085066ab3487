"""The optimiser of a run, and its learning rate over the run."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from .settings import OptimizerSettings


def build_optimizer(
    parameters: Iterable[nn.Parameter] | list[dict[str, Any]], settings: OptimizerSettings
) -> torch.optim.Optimizer:
    """Make the optimiser for parameters, or for groups of them with rates of their own."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.method == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=settings.momentum, weight_decay=decay)
    return torch.optim.Adam(parameters, rate, eps=settings.epsilon, weight_decay=decay)


def learning_rate_factor(step: int, steps: int, epoch_steps: int, settings: OptimizerSettings) -> float:
    """Return the share of the peak learning rate at ``step`` of ``steps``, the first being 0."""
    warmup = settings.warmup_steps or settings.warmup_epochs * epoch_steps
    if step < warmup:
        return (step + 1) / warmup
    if settings.schedule == "multistep":
        return settings.decay ** sum(step >= epoch * epoch_steps for epoch in settings.milestones)
    if settings.schedule == "step":
        return settings.decay ** (step // settings.decay_steps)
    if settings.schedule == "constant":
        return 1.0
    done = (step - warmup) / max(1, steps - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
