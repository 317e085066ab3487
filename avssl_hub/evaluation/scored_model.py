"""What every benchmark asks of a model, whatever it does."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .._fingerprints import tensors_sha256


class ScoredModel(ABC):
    """A network with its way of preparing clips, and what its results are known by.

    Args:
        model: The network; it is moved to ``device`` and evaluated.
        processor: Whatever prepares its inputs; its ``to_dict`` or text is part of what results are known by.
        device: Where the network runs.
        batch_size: Clips a forward pass.

    Attributes:
        modalities: What it can look at.
        pretrain_data: What it was trained on, if that is known.
        weights_sha256: Of the file of its weights, if there is one; else that of its tensors is taken.
        parameters: Number of the network's as it was given; faster forms of it may have fewer.
    """

    modalities: tuple[str, ...]
    pretrain_data: str | None = None
    weights_sha256: str | None = None

    def __init__(self, model: nn.Module, processor: Any = None, device: str = "cpu", batch_size: int = 10):
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.processor = processor
        self.batch_size = batch_size

    @abstractmethod
    def describe_input(self, modality: str) -> dict[str, Any]:
        """Tell what one clip is: its length, rate, and the shape and cost of what enters the network.

        Returns:
            ``seconds`` (None for whole recordings), ``frames`` and ``fps`` or ``sampling_rate``, ``shape`` of the
            prepared clip, and ``gmacs``, thousands of millions of multiplications with addition a clip.
        """

    def fingerprint(self) -> dict[str, str]:
        """Tell what decides the answers: ``weights_sha256`` and ``processor_sha256``."""
        told = self.processor.to_dict() if hasattr(self.processor, "to_dict") else repr(self.processor)
        clip = {name: getattr(self, name, None) for name in ("sampling_rate", "audio_duration", "fps", "num_frames")}
        settings = json.dumps([type(self).__name__, told, clip], sort_keys=True, default=str)
        return {
            "weights_sha256": self.weights_sha256 or tensors_sha256(self.model),
            "processor_sha256": hashlib.sha256(settings.encode()).hexdigest(),
        }


def gmacs_of(forward: Callable[[], object]) -> float:
    """Count the multiplications with addition of a forward pass, in thousands of millions."""
    # The counter overlooks the fused attention of CPUs.
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        forward()
    # The counter counts the two separately.
    return counter.get_total_flops() / 2e9
