"""A network under a classifier, as one module to train, and the loss it is trained by."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...objectives import Objective, ObjectiveOutput
from ..encoder import Encoder
from .protocol import TrainedProtocol
from .settings import Stage


class Classified(nn.Module):
    """A network with its head.

    Args:
        encoder: The model; its network is trained in place.
        head: Turns what the network makes of clips into scores by layer.
    """

    def __init__(self, encoder: Encoder, head: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.network, self.head = encoder.model, head
        self.frozen = False

    def prepare(self, stage: Stage) -> "Classified":
        """Choose what a stage trains."""
        self.network.requires_grad_(stage.trained == "all")
        self.frozen = stage.tower == "frozen"
        return self

    def train(self, mode: bool = True) -> "Classified":
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the scores of each layer, ``(N, classes)``."""
        return self.head(self.encoder.encode(inputs, "video"))


class Classification(Objective):
    """Cross-entropy, summed over the layers, each of which has a classifier of its own."""

    def forward(self, scores: dict[str, Tensor], labels: Tensor) -> ObjectiveOutput:
        """Rate scores ``(N, classes)`` of each layer for clips of the classes ``labels`` ``(N,)``."""
        losses = {layer: F.cross_entropy(values.float(), labels) for layer, values in scores.items()}
        return ObjectiveOutput(torch.stack(list(losses.values())).sum(), {k: v.detach() for k, v in losses.items()})


def classified(protocol: TrainedProtocol, encoder: Encoder, classes: int) -> Classified:
    """Put a protocol's head, with fresh weights, on an encoder of the protocol's clips.

    Raises:
        InvalidValueError: The model returns no features for it.
    """
    with torch.no_grad():
        encoded = encoder.encode(encoder.blank("video"), "video")
    return Classified(encoder, protocol.head(encoded, classes).to(encoder.device))
