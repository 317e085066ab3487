"""Features of clips, in batches."""

from collections.abc import Iterable
from itertools import islice

import torch

from ..errors import InvalidValueError, explain
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
        features: "pooled", or "embeds" for those in the space that sound and picture share.

    Raises:
        InvalidValueError: The model has no such space.
    """
    waiting, rows = iter(clips), []
    while batch := list(islice(waiting, encoder.batch_size)):
        inputs = {name: values.to(encoder.device) for name, values in encoder.prepare(batch, modality).items()}
        found = getattr(encoder.encode(inputs, modality), features)
        if found is None:
            got, rule = "none", "a model with a space that sound and picture share"
            raise InvalidValueError(explain(f"embeddings of {type(encoder.model).__name__}", got, rule))
        rows.append(found.float())
    return torch.cat(rows)
