"""Features of clips, in batches."""

from collections.abc import Iterable
from itertools import islice

import torch

from ..evaluation.encoder import Encoder, Modality


@torch.no_grad()
def encode_clips(
    encoder: Encoder, clips: Iterable[torch.Tensor], modality: Modality, features: str = "pooled"
) -> torch.Tensor:
    """Return the features of clips, (N, D) float32; no more than a batch of inputs is held.

    Args:
        encoder: The model.
        clips: As :meth:`Encoder.prepare` takes them.
        modality: What they are.
        features: Name of a field of :class:`avssl_hub.evaluation.encoder.Encoded`.
    """
    waiting, rows = iter(clips), []
    while batch := list(islice(waiting, encoder.batch_size)):
        inputs = {name: values.to(encoder.device) for name, values in encoder.prepare(batch, modality).items()}
        rows.append(getattr(encoder.encode(inputs, modality), features).float())
    return torch.cat(rows)
