"""From raw media to the multisensory networks' inputs: a clip's frames and its waveform in stereo (section 2)."""

from collections.abc import Sequence

import torch
import torchaudio.functional as TAF
from transformers import BatchFeature, FeatureExtractionMixin

from ...audio.spectrogram import fit_length
from ...audio.stft import normalize_rms
from ...errors import InvalidValueError, explain
from ...media import AudioClip, MediaReader
from ...video.legacy_resize import resize_linear
from ...video.transforms import center_crop, normalize, resize
from .._raw_media import Array, Source, checked_frames, checked_samples, is_file, per_clip
from .._rules import check_fields

_FRAMES_AT_ONCE = 8
GREY = [0.5, 0.5, 0.5]


class MultisensoryProcessor(FeatureExtractionMixin):
    """Raw video and sound to ``pixel_values_videos`` and ``input_values``, as the authors' evaluation does.

    The defaults are those of the alignment network and of action recognition. ``MultisensoryProcessor.localization()``
    sees the whole picture, as the released demonstration of activation maps does; ``.separation()`` makes shorter
    clips of a set loudness.

    Args:
        num_frames: Frames of a clip; a shorter clip holds its last frame, and its sound is followed by silence.
        fps: Frames per second.
        resize_size: Side of the square that the whole frame is squeezed to before the crop.
        crop_size: Side of the centre crop in pixels.
        legacy_resize: Whether the frame is squeezed to ``crop_size`` at once, by early TensorFlow's interpolation,
            which neither smooths nor rounds; ``resize_size`` then has no part.
        sampling_rate: Samples per second the sound is brought to.
        num_channels: Channels of the sound; mono sound is repeated in each.
        rms: Root mean square that each channel of a clip is scaled to; None leaves its loudness.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_input_names = ["pixel_values_videos", "input_values", "audio_mask"]

    def __init__(
        self,
        num_frames: int = 125,
        fps: float = 29.97,
        resize_size: int = 256,
        crop_size: int = 224,
        legacy_resize: bool = False,
        sampling_rate: int = 21000,
        num_channels: int = 2,
        rms: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_frames = num_frames
        self.fps = fps
        self.resize_size = resize_size
        self.crop_size = crop_size
        self.legacy_resize = legacy_resize
        self.sampling_rate = sampling_rate
        self.num_channels = num_channels
        self.rms = rms
        self._check()

    @classmethod
    def localization(cls, **kwargs) -> "MultisensoryProcessor":
        """Inputs of the demonstration of activation maps."""
        return cls(legacy_resize=True, **kwargs)

    @classmethod
    def separation(cls, duration_multiple: int = 1, **kwargs) -> "MultisensoryProcessor":
        """Inputs of separation: 2.1 s clips, or longer ones of 128 spectrogram frames times ``duration_multiple``."""
        seconds = 0.064 + 0.016 * (128 + 0.5) * duration_multiple
        return cls(**{"num_frames": int(seconds * 29.97), "rms": 0.02**0.5, **kwargs})

    @property
    def video_duration(self) -> float:
        """Seconds of a clip."""
        return self.num_frames / self.fps

    @property
    def num_samples(self) -> int:
        """Samples of a clip: 87588 for alignment, 44144 for separation."""
        return round(self.num_frames * self.sampling_rate / self.fps)

    def _check(self) -> None:
        positive = "a positive integer"
        rules = {
            "num_frames": (self.num_frames > 0, positive),
            "fps": (self.fps > 0, "a positive number"),
            "crop_size": (self.crop_size > 0, positive),
            "resize_size": (
                self.legacy_resize or self.resize_size >= self.crop_size,
                f"at least crop_size ({self.crop_size})",
            ),
            "sampling_rate": (self.sampling_rate > 0, positive),
            "num_channels": (self.num_channels > 0, positive),
            "rms": (self.rms is None or self.rms > 0, "a positive number or None"),
        }
        check_fields(self, rules)

    def __call__(
        self,
        videos: Source | Array | Sequence[Source | Array] | None = None,
        audio: Source | Array | Sequence[Source | Array | None] | None = None,
        sampling_rate: int | None = None,
        starts: Sequence[float | None] | None = None,
        return_tensors: str | None = "pt",
    ) -> BatchFeature:
        """Prepare clips for the models.

        Args:
            videos: One clip or a list: uint8 ``(T, H, W, 3)`` frames at ``fps``, or a file (path, bytes, binary
                file object) from which a clip is read.
            audio: One sound or a list: float ``(n,)`` or ``(channels, n)`` samples in [-1, 1], or a file. None in a
                list marks a clip without sound, as does a file without a sound track.
            sampling_rate: Rate of the samples given as arrays.
            starts: Where each file's clip starts, in seconds; None is the picture's first frame, or the sound's first
                sample without a picture.
            return_tensors: ``"pt"`` or ``"np"``.

        Returns:
            ``pixel_values_videos`` ``(B, T, 3, crop, crop)`` in [-1, 1], ``input_values`` ``(B, C, samples)`` and
            ``audio_mask`` ``(B,)``, False for clips without sound, whose samples are zeros to be ignored.

        Raises:
            InvalidValueError: Wrong shape, dtype or number of items; the message says which.
            MediaError: A file cannot be read.
        """
        if videos is None and audio is None:
            raise InvalidValueError(explain("MultisensoryProcessor input", "neither modality", "videos, audio or both"))
        items = per_clip(videos=videos, audio=audio, starts=starts)
        clips = [self._raw(video, sound, sampling_rate, start) for video, sound, start in items]
        data = {}
        if videos is not None:
            data["pixel_values_videos"] = torch.stack([self.pixels(frames) for frames, _ in clips])
        if audio is not None:
            silence = torch.zeros(self.num_channels, self.num_samples)
            data["input_values"] = torch.stack([silence if s is None else self.waveform(s) for _, s in clips])
            data["audio_mask"] = torch.tensor([samples is not None for _, samples in clips])
        return BatchFeature({k: v.numpy() for k, v in data.items()} if return_tensors == "np" else data)

    def pixels(self, frames: torch.Tensor) -> torch.Tensor:
        """Transform one clip of uint8 frames ``(T, H, W, 3)`` to ``(num_frames, 3, crop, crop)``."""
        # Few at a time: whole clips of large frames take gigabytes as floats.
        frames = torch.cat([self._squeezed(part) for part in frames[: self.num_frames].split(_FRAMES_AT_ONCE)])
        held = frames[-1:].expand(self.num_frames - len(frames), *frames.shape[1:])
        return normalize(torch.cat([frames, held]), GREY, GREY)

    def _squeezed(self, frames: torch.Tensor) -> torch.Tensor:
        if self.legacy_resize:
            return resize_linear(resize_linear(frames.float(), self.crop_size, 1), self.crop_size, 2)
        return center_crop(resize(frames, self.resize_size, keep_aspect_ratio=False), self.crop_size)

    def waveform(self, samples: torch.Tensor) -> torch.Tensor:
        """Transform sound ``(channels, n)`` at ``sampling_rate`` to ``(num_channels, num_samples)``.

        Raises:
            InvalidValueError: It is neither mono nor of ``num_channels``.
        """
        if len(samples) not in (1, self.num_channels):
            expected = f"1 or {self.num_channels}"
            raise InvalidValueError(explain("channels of an audio item", len(samples), expected, "Mix it down."))
        samples = fit_length(samples, self.num_samples).clamp(-1, 1).expand(self.num_channels, -1)
        return samples if self.rms is None else normalize_rms(samples, self.rms)

    def read_clip(
        self, reader: MediaReader, start: float | None = None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Read the picture and sound of one clip from an open file.

        Args:
            reader: The open file.
            start: Start in seconds; None is the picture's first frame, or the sound's first sample without a picture.

        Returns:
            Frames ``(T, H, W, 3)`` and samples ``(num_channels, n)``, or ``(1, n)`` of a mono file; None for a modality
            the file lacks.

        Raises:
            MediaError: The file cannot be read there.
        """
        has_video, has_audio = reader.info.has_video, reader.info.has_audio
        return (
            self.read_frames(reader, start) if has_video else None,
            self.read_sound(reader, start).samples if has_audio else None,
        )

    def _raw(
        self, video: Source | Array | None, sound: Source | Array | None, sampling_rate: int | None, start: float | None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        if is_file(video) and is_file(sound) and video == sound:
            with MediaReader(video) as reader:
                if reader.info.has_video:
                    return self.read_clip(reader, start)
        if is_file(video):
            with MediaReader(video) as reader:
                video = self.read_frames(reader, start)
        if is_file(sound):
            with MediaReader(sound) as reader:
                return checked_frames(video), self.read_sound(reader, start).samples if reader.info.has_audio else None
        if sound is not None:
            samples = checked_samples(sound, sampling_rate, self.sampling_rate)
            sound = TAF.resample(samples, sampling_rate, self.sampling_rate)
        return checked_frames(video), sound

    def read_frames(self, reader: MediaReader, start: float | None = None) -> torch.Tensor:
        """Read the picture of one clip, uint8 ``(T, H, W, 3)``, as ``read_clip`` does; fewer frames at the end."""
        start = _start(reader) if start is None else start
        # A reader leaves out frames wanted in the last half period of the source; none is to be missing here.
        slack = 0.5 / reader.video.fps if reader.video else 0.0
        return reader.read_video(start, self.video_duration + slack, self.fps, self.num_frames).frames

    def read_sound(self, reader: MediaReader, start: float | None = None) -> AudioClip:
        """Read the sound of one clip, as ``read_clip`` does, and how much of it the track covers."""
        start = _start(reader) if start is None else start
        seconds = self.num_samples / self.sampling_rate
        # Mixed to stereo by FFmpeg, mono sound would lose three decibels.
        channels = 1 if reader.audio and reader.audio.channels == 1 else self.num_channels
        return reader.read_audio(start, seconds, self.sampling_rate, channels)


def _start(reader: MediaReader) -> float:
    return (reader.video or reader.audio).start
