"""From raw media to the network's inputs: windows of sound with the frame at each chunk's start."""

import math
from collections.abc import Callable, Sequence
from os import PathLike

import torch
import torchaudio.functional as TAF
from torch.nn import functional as F
from transformers import BatchFeature, FeatureExtractionMixin

from ...audio.chunk_times import frame_at, sample_at
from ...errors import InvalidValueError, explain
from ...video.flow import flow_channels
from ...video.transforms import normalize
from .._raw_media import Array, Source, checked_frames, checked_samples, is_file
from .._rules import check_fields
from .configuration_spatial_audio_gen import ENCODERS
from .flow_spatial_audio_gen import read_flow_folder
from .media_spatial_audio_gen import read_frames, read_mono, resize_frames, to_mono

# Grey is at zero, and nothing is divided by but the range of a byte.
MEAN, STD = [0.5, 0.5, 0.5], [1.0, 1.0, 1.0]

FlowSource = Array | str | PathLike | Callable[[torch.Tensor], torch.Tensor]


class SpatialAudioGenProcessor(FeatureExtractionMixin):
    """A recording to ``input_values``, ``pixel_values_videos`` and ``flow_values`` of its chunks.

    Sound of 4, 9 or 16 channels is ambisonics (ACN), of which the first, W, is taken; of any other number of channels
    it is their mean. Times count from the recording's start, which is the picture's first frame in a file that has one.

    Args:
        encoders: What the network takes; a picture is not returned to one that takes only the flow estimated from it.
        sampling_rate: Samples per second the sound is brought to.
        context_samples: Length of the sound around a chunk's start, half of it before.
        chunk_samples: Length of a chunk.
        fps: Frames per second; a chunk has the one that is shown as it starts.
        image_size: Height and width that whole equirectangular frames are resized to.
        released_starts: Whether a chunk's first sample is found as the authors found it, by cutting off a product
            in floating point: four of ten chunks begin a sample early, and neighbours repeat or skip one. False
            takes the nearest sample.
        inverted_flow: Whether flow is inverted, as it was for the released networks.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_input_names = ["input_values", "pixel_values_videos", "flow_values"]

    def __init__(
        self,
        encoders: Sequence[str] = ENCODERS,
        sampling_rate: int = 48000,
        context_samples: int = 48000,
        chunk_samples: int = 4800,
        fps: float = 10.0,
        image_size: Sequence[int] = (224, 448),
        released_starts: bool = False,
        inverted_flow: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoders = list(encoders)
        self.sampling_rate = sampling_rate
        self.context_samples = context_samples
        self.chunk_samples = chunk_samples
        self.fps = fps
        self.image_size = list(image_size)
        self.released_starts = released_starts
        self.inverted_flow = inverted_flow
        positive = "a positive integer"
        rules = {
            "encoders": (set(self.encoders) <= set(ENCODERS), f"some of {ENCODERS}"),
            "sampling_rate": (sampling_rate > 0, positive),
            "context_samples": (context_samples > 0, positive),
            "chunk_samples": (chunk_samples > 0, positive),
            "fps": (fps > 0, "a positive number"),
            "image_size": (len(self.image_size) == 2 and min(self.image_size) > 0, "two positive integers"),
        }
        check_fields(self, rules)

    @property
    def window_samples(self) -> int:
        """Samples of sound that one chunk is predicted from: 52799."""
        return self.context_samples + self.chunk_samples - 1

    @property
    def chunk_duration(self) -> float:
        """Seconds of a chunk."""
        return self.chunk_samples / self.sampling_rate

    def chunk_starts(self, num_samples: int) -> list[float]:
        """Starts in seconds of the chunks that lie side by side over a sound; the last may reach past its end."""
        return [index * self.chunk_duration for index in range(-(-num_samples // self.chunk_samples))]

    def __call__(
        self,
        videos: Source | Array | None = None,
        audio: Source | Array | None = None,
        sampling_rate: int | None = None,
        flow: FlowSource | None = None,
        starts: Sequence[float] | None = None,
        return_tensors: str | None = "pt",
    ) -> BatchFeature:
        """Prepare chunks of one recording.

        Args:
            videos: uint8 ``(T, H, W, 3)`` equirectangular frames at ``fps``, or a file (path, bytes, binary file
                object); None for networks that only hear.
            audio: float ``(n,)`` or ``(channels, n)`` samples in [-1, 1], or a file; by default the sound of the
                video's file.
            sampling_rate: Rate of the samples given as an array.
            flow: For networks that take it: float ``(T, 2, H, W)`` motion at ``fps``, to the right and down in pixels
                of ``image_size`` from the frame before; a folder of maps as the authors prepare them; or what
                estimates it from frames, such as ``RaftFlow.pretrained()``.
            starts: Where chunks begin, in seconds; None is one after the other over the whole sound. Sound that is
                wanted from before its start or behind its end is silence, and the last frame is held.
            return_tensors: ``"pt"`` or ``"np"``.

        Returns:
            ``input_values`` ``(N, 1, window_samples)``, ``pixel_values_videos`` ``(N, 1, 3, H, W)`` in [-0.5, 0.5] and
            ``flow_values`` ``(N, 1, 3, H, W)``, each for what was given and is wanted.

        Raises:
            InvalidValueError: There is no sound, or a shape, dtype or time is wrong.
            MediaError: A file cannot be read.
        """
        sound = self._sound(videos, audio, sampling_rate)
        starts = self.chunk_starts(len(sound)) if starts is None else list(starts)
        if not starts or not all(0 <= start < math.inf for start in starts):
            raise InvalidValueError(explain("starts", starts, "at least one, in seconds from 0 on"))
        data = {"input_values": self.windows(sound, starts)}
        indexes = [self.frame_index(start) for start in starts]
        # Flow is estimated from the frame before, too.
        wanted = range(max(min(indexes) - 1, 0), max(indexes) + 1)
        frames = None if videos is None else self._frames(videos, wanted)
        if frames is not None and "video" in self.encoders:
            data["pixel_values_videos"] = self.pixels(_held(frames, indexes, wanted.start))[:, None]
        if flow is not None and "flow" in self.encoders:
            data["flow_values"] = self._flow(flow, frames, indexes, wanted.start)[:, None]
        return BatchFeature({k: v.numpy() for k, v in data.items()} if return_tensors == "np" else data)

    def windows(self, sound: torch.Tensor, starts: Sequence[float]) -> torch.Tensor:
        """Cut the sound around chunks out of ``(n,)``, as ``(N, 1, window_samples)``; zeros where there is none."""
        before = self.context_samples // 2
        firsts = [self.first_sample(start) for start in starts]
        behind = max(max(firsts) - before + self.window_samples - len(sound), 0)
        # A window begins half a context before its chunk, which is where it begins in the padded sound.
        padded = F.pad(sound, (before, behind))
        return torch.stack([padded[first : first + self.window_samples] for first in firsts])[:, None]

    def first_sample(self, start: float) -> int:
        """The sample that a chunk begins at."""
        # The authors count from the beginning of its window.
        before = self.context_samples // 2
        window = start - before / self.sampling_rate
        return sample_at(window, self.sampling_rate, self.released_starts) + before

    def frame_index(self, start: float) -> int:
        """Number of the frame that is shown as a chunk begins."""
        return frame_at(start, self.fps, self.released_starts)

    def pixels(self, frames: torch.Tensor) -> torch.Tensor:
        """Transform resized uint8 frames ``(T, H, W, 3)`` to ``(T, 3, H, W)`` in [-0.5, 0.5]."""
        return normalize(frames, MEAN, STD)

    def _sound(
        self, video: Source | Array | None, sound: Source | Array | None, sampling_rate: int | None
    ) -> torch.Tensor:
        """Samples ``(n,)`` of the recording."""
        if sound is None and not is_file(video):
            expected = "the sound, without which no network of this family runs"
            raise InvalidValueError(explain("audio", "nothing", expected))
        if sound is None or is_file(sound):
            sound = video if sound is None else sound
            return read_mono(sound, self.sampling_rate, beside_picture=is_file(video) and sound == video)
        samples = to_mono(checked_samples(sound, sampling_rate, self.sampling_rate))
        return TAF.resample(samples, sampling_rate, self.sampling_rate)

    def _frames(self, video: Source | Array, wanted: range) -> torch.Tensor:
        """Frames ``wanted`` of the recording, resized; fewer where it ends before, but one."""
        if is_file(video):
            return read_frames(video, self.fps, wanted, self.image_size)
        frames = checked_frames(video)
        return resize_frames(frames[min(wanted.start, len(frames) - 1) : wanted.stop], self.image_size)

    def _flow(self, flow: FlowSource, frames: torch.Tensor | None, indexes: list[int], first: int) -> torch.Tensor:
        """Flow ``(N, 3, H, W)`` of frames by their numbers; ``frames`` begin with the number ``first``."""
        if isinstance(flow, (str, PathLike)):
            return self._checked_flow(read_flow_folder(flow, indexes, self.inverted_flow), 3)
        if callable(flow):
            if frames is None:
                raise InvalidValueError(explain("flow", "an estimator without videos", "videos to estimate it from"))
            motion = flow(frames.permute(0, 3, 1, 2))
        else:
            motion, first = torch.as_tensor(flow).float(), 0
        return flow_channels(_held(self._checked_flow(motion, 2), indexes, first), self.inverted_flow)

    def _checked_flow(self, flow: torch.Tensor, channels: int) -> torch.Tensor:
        if flow.ndim != 4 or flow.shape[1:] != (channels, *self.image_size) or not len(flow):
            expected = f"(time, {channels}, {', '.join(map(str, self.image_size))}), at least one frame"
            raise InvalidValueError(explain("flow", f"shape {tuple(flow.shape)}", expected))
        return flow


def _held(frames: torch.Tensor, indexes: list[int], first: int) -> torch.Tensor:
    """Frames by their numbers, of which the first is ``first``; the last stands for those behind it."""
    return frames[[min(index - first, len(frames) - 1) for index in indexes]]
