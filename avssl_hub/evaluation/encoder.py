"""What a model is to the benchmarks, whoever made it: clips in, pooled features and feature maps out."""

import hashlib
import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .._fingerprints import tensors_sha256
from ..errors import InvalidValueError, explain

Modality = Literal["audio", "video"]


class Encoded(NamedTuple):
    """What a model makes of N clips.

    Attributes:
        pooled: (N, D), the features a probe reads.
        maps: The feature maps of its layers from the first on, (N, C, T, H, W) or (N, C, time, frequency); empty where
            the model has none.
        embeds: (N, E), in a space that sound and picture share; None where the model has none.
    """

    pooled: torch.Tensor
    maps: tuple[torch.Tensor, ...] = ()
    embeds: torch.Tensor | None = None


class Encoder(ABC):
    """A model with its way of preparing clips. A subclass makes any model fit for the benchmarks.

    Args:
        model: The network; it is moved to ``device`` and evaluated.
        processor: Whatever prepares its inputs; its ``to_dict`` or text is part of what features are known by.
        device: Where the network runs.
        batch_size: Clips a forward pass.

    Attributes:
        modalities: What it can look at.
        sampling_rate: Of the sound it wants, in Hz.
        audio_duration: Seconds of sound a clip; None takes a recording whole, as one clip.
        fps: Pictures a second of a video clip.
        num_frames: Pictures of a video clip.
        pretrain_data: What it was trained on, if that is known.
        parameters: Number of the network's as it was given; faster forms of it may have fewer.
    """

    modalities: ClassVar[tuple[Modality, ...]]
    sampling_rate: int
    audio_duration: float | None
    fps: float
    num_frames: int
    pretrain_data: str | None = None

    def __init__(self, model: nn.Module, processor: Any = None, device: str = "cpu", batch_size: int = 10):
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.processor = processor
        self.batch_size = batch_size

    @abstractmethod
    def prepare(self, clips: list[torch.Tensor], modality: Modality) -> dict[str, torch.Tensor]:
        """Turn clips into the model's inputs, a row a clip.

        Args:
            clips: Sounds (samples,) at ``sampling_rate``, -1 to 1, or pictures (T, H, W, 3) uint8; fewer samples or
                pictures than a clip has where the recording is shorter.
            modality: Which of the two.
        """

    @abstractmethod
    def encode(self, inputs: dict[str, torch.Tensor], modality: Modality) -> Encoded:
        """Run the network on inputs that lie on ``device``; gradients flow where they are wanted."""

    def with_clips(
        self,
        frames: int | None = None,
        fps: float | None = None,
        size: int | None = None,
        keep_aspect_ratio: bool | None = None,
    ) -> "Encoder":
        """Return an encoder of the same network for video clips of another form; None keeps the model's own.

        Args:
            frames: Pictures of a clip.
            fps: Pictures a second.
            size: Side of a picture in pixels, cut from the middle of one whose shorter side is ``size / 0.875``.
            keep_aspect_ratio: Whether pictures are cut, or squeezed, into a square.

        Raises:
            InvalidValueError: The model cannot take them.
        """
        wanted = {"frames": frames, "fps": fps, "size": size, "keep_aspect_ratio": keep_aspect_ratio}
        asked = {name: value for name, value in wanted.items() if value is not None}
        if asked:
            step = "Set these to null, for clips of the model's own form."
            got = ", ".join(f"{name} {value}" for name, value in asked.items())
            raise InvalidValueError(explain(f"clips of {type(self).__name__}", got, "the form it was made for", step))
        return self

    @property
    def video_duration(self) -> float:
        """Seconds of a video clip."""
        return self.num_frames / self.fps

    def fingerprint(self) -> dict[str, str]:
        """Tell what decides the features: ``weights_sha256`` and ``processor_sha256``."""
        told = self.processor.to_dict() if hasattr(self.processor, "to_dict") else repr(self.processor)
        clip = {name: getattr(self, name, None) for name in ("sampling_rate", "audio_duration", "fps", "num_frames")}
        settings = json.dumps([type(self).__name__, told, clip], sort_keys=True, default=str)
        return {
            "weights_sha256": tensors_sha256(self.model),
            "processor_sha256": hashlib.sha256(settings.encode()).hexdigest(),
        }

    def blank(self, modality: Modality) -> dict[str, torch.Tensor]:
        """Prepare one clip of nothing, on ``device``; of a model that takes recordings whole, five seconds of it."""
        if modality == "audio":
            clip = torch.zeros(round((self.audio_duration or 5.0) * self.sampling_rate))
        else:
            clip = torch.zeros(self.num_frames, 240, 320, 3, dtype=torch.uint8)
        return {name: value.to(self.device) for name, value in self.prepare([clip], modality).items()}

    def describe_input(self, modality: Modality) -> dict[str, Any]:
        """Tell what one clip is: its length, rate, and the shape and cost of what enters the network.

        Returns:
            ``seconds`` (None for whole recordings), ``frames`` and ``fps`` or ``sampling_rate``, ``shape`` of the
            prepared clip, and ``gmacs``, thousands of millions of multiplications with addition a clip; for whole
            recordings those of one of five seconds.
        """
        if modality == "audio":
            told = {"seconds": self.audio_duration, "sampling_rate": self.sampling_rate}
        else:
            told = {"seconds": self.video_duration, "frames": self.num_frames, "fps": self.fps}
        inputs = self.blank(modality)
        # The counter overlooks the fused attention of CPUs.
        with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            self.encode(inputs, modality)
        # The counter counts the two separately.
        gmacs = counter.get_total_flops() / 2e9
        return {**told, "shape": list(next(iter(inputs.values())).shape[1:]), "gmacs": gmacs}
