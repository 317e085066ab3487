"""What a model is to the benchmarks, whoever made it: clips in, pooled features and feature maps out."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import torch

from ..errors import InvalidValueError, explain
from .scored_model import ScoredModel, gmacs_of

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


class Encoder(ScoredModel):
    """A model that makes features of clips. A subclass makes any model fit for the benchmarks.

    Attributes:
        sampling_rate: Of the sound it wants, in Hz.
        audio_duration: Seconds of sound a clip; None takes a recording whole, as one clip.
        fps: Pictures a second of a video clip.
        num_frames: Pictures of a video clip.
    """

    modalities: ClassVar[tuple[Modality, ...]]
    sampling_rate: int
    audio_duration: float | None
    fps: float
    num_frames: int

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

    def blank(self, modality: Modality) -> dict[str, torch.Tensor]:
        """Prepare one clip of nothing, on ``device``; of a model that takes recordings whole, five seconds of it."""
        if modality == "audio":
            clip = torch.zeros(round((self.audio_duration or 5.0) * self.sampling_rate))
        else:
            clip = torch.zeros(self.num_frames, 240, 320, 3, dtype=torch.uint8)
        return {name: value.to(self.device) for name, value in self.prepare([clip], modality).items()}

    def describe_input(self, modality: Modality) -> dict[str, Any]:
        if modality == "audio":
            told = {"seconds": self.audio_duration, "sampling_rate": self.sampling_rate}
        else:
            told = {"seconds": self.video_duration, "frames": self.num_frames, "fps": self.fps}
        inputs = self.blank(modality)
        gmacs = gmacs_of(lambda: self.encode(inputs, modality))
        return {**told, "shape": list(next(iter(inputs.values())).shape[1:]), "gmacs": gmacs}
