"""What a model is to the benchmarks, whoever made it: clips in; features and, of a fine-tuned one, classes out."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import torch

from ..errors import InvalidValueError, explain
from ..media import MediaReader
from .scored_model import ScoredModel, gmacs_of

Modality = Literal["audio", "video", "both"]


class Scene(NamedTuple):
    """A clip seen and heard: pictures ``(T, H, W, 3)`` uint8, and sound ``(channels, samples)`` or None without any."""

    frames: torch.Tensor
    sound: torch.Tensor | None


class Encoded(NamedTuple):
    """What a model makes of N clips.

    Attributes:
        pooled: (N, D), the features a probe reads.
        maps: The feature maps of its layers from the first on, (N, C, T, H, W) or (N, C, time, frequency); empty where
            the model has none.
        embeds: (N, E), in a space that sound and picture share; None where the model has none.
        scores: (N, K), before the softmax, of the classes it was fine-tuned on; None where there are none.
        heard: (N,) bool, whether sound had a part in it; None where a clip is one of sound or picture alone.
    """

    pooled: torch.Tensor
    maps: tuple[torch.Tensor, ...] = ()
    embeds: torch.Tensor | None = None
    scores: torch.Tensor | None = None
    heard: torch.Tensor | None = None


class Encoder(ScoredModel):
    """A model that makes features of clips. A subclass makes any model fit for the benchmarks.

    Attributes:
        sampling_rate: Of the sound it wants, in Hz.
        audio_duration: Seconds of sound a clip; None takes a recording whole, as one clip.
        fps: Pictures a second of a video clip.
        num_frames: Pictures of a video clip.
        classes: Names of those it was fine-tuned on, in the order of :attr:`Encoded.scores`; none by default.
    """

    modalities: ClassVar[tuple[Modality, ...]]
    sampling_rate: int
    audio_duration: float | None
    fps: float
    num_frames: int
    classes: tuple[str, ...] = ()

    @abstractmethod
    def prepare(self, clips: list[torch.Tensor] | list[Scene], modality: Modality) -> dict[str, torch.Tensor]:
        """Turn clips into the model's inputs, a row a clip.

        Args:
            clips: Sounds (samples,) at ``sampling_rate``, -1 to 1, or pictures (T, H, W, 3) uint8; fewer samples or
                pictures than a clip has where the recording is shorter. Of both at once :class:`Scene`, as
                :meth:`read_scene` gives them.
            modality: What is looked at.
        """

    @abstractmethod
    def encode(self, inputs: dict[str, torch.Tensor], modality: Modality) -> Encoded:
        """Run the network on inputs that lie on ``device``; gradients flow where they are wanted."""

    def read_scene(self, reader: MediaReader, start: float) -> Scene:
        """Read a clip of picture and sound, of a recording that has at least a picture.

        Args:
            reader: The open recording.
            start: Where the clip begins, in seconds.

        Raises:
            MediaError: The recording cannot be read there.
        """
        raise NotImplementedError(f"{type(self).__name__} looks at {' and '.join(self.modalities)} only")

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
        if modality == "both":
            clip = Scene(clip, torch.zeros(1, round(self.video_duration * self.sampling_rate)))
        return {name: value.to(self.device) for name, value in self.prepare([clip], modality).items()}

    def describe_input(self, modality: Modality) -> dict[str, Any]:
        if modality == "audio":
            told = {"seconds": self.audio_duration, "sampling_rate": self.sampling_rate}
        else:
            told = {"seconds": self.video_duration, "frames": self.num_frames, "fps": self.fps}
        if modality == "both":
            told["sampling_rate"] = self.sampling_rate
        inputs = self.blank(modality)
        gmacs = gmacs_of(lambda: self.encode(inputs, modality))
        return {**told, "shape": list(next(iter(inputs.values())).shape[1:]), "gmacs": gmacs}
