"""The learning rate over a run."""

import math

from .settings import OptimizerSettings


def learning_rate_factor(step: int, steps: int, epoch_steps: int, settings: OptimizerSettings) -> float:
    """Return the share of the peak learning rate at ``step`` of ``steps``, the first being 0."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.schedule == "multistep":
        return settings.decay ** sum(step >= epoch * epoch_steps for epoch in settings.milestones)
    if settings.schedule == "constant":
        return 1.0
    done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
