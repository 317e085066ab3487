"""What a training run asks of its objective."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn


class ObjectiveOutput(NamedTuple):
    """A loss to minimise, and its parts for the log."""

    loss: Tensor
    terms: dict[str, Tensor]


class Objective(nn.Module):
    """A loss over both embeddings of a batch, with all that it remembers in its state dict.

    ``forward(video_embeds, audio_embeds, indices, negatives)`` returns an :class:`ObjectiveOutput`. Parameters are
    trained with the model's.

    Attributes:
        wants_shifted_audio: Whether the audio embeddings are (2 B, D): after those of the batch, those of the same
            clips' sound from another moment.
        least_clips: Fewest clips of a process that it can compare.
    """

    wants_shifted_audio = False
    least_clips = 1

    def before_step(self, step: int, epoch_steps: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Do what has to be done on all ranks before training step ``step``, counted from 0.

        Args:
            step: Optimiser steps done.
            epoch_steps: Steps of an epoch.
            progress: Called with items done and in all where this takes long.
        """

    def draw_negatives(self, indices: Tensor, generator: torch.Generator | None = None) -> Tensor | None:
        """Draw the items ``(B, K)`` to tell each of ``indices`` ``(B,)`` from; None where the batch serves."""

    def bank_tensors(self) -> dict[str, Tensor]:
        """Name what, beside the weights, a further training starts from."""
        return {}

    def load_bank_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Start from the ``bank_tensors`` of a finished training on the same items."""
