"""From raw media to AVID's inputs: clip, frames, log spectrogram (sections 5 and 11 of the paper's recipe)."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torchaudio.functional as TAF
from safetensors.torch import load_file
from transformers import BatchFeature

from ...audio.spectrogram import fit_length, log_spectrogram
from ...errors import InvalidValueError, explain
from ...media import MediaReader
from ...video.transforms import center_crop, normalize, repeat_to_length, resize
from .._clip_processor import ClipProcessor
from .._raw_media import Array, Source, per_clip
from .._rules import check_fields

STATISTICS = Path(__file__).with_name("statistics.safetensors")


class AvidProcessor(ClipProcessor):
    """Raw video and sound to ``pixel_values_videos`` and ``input_features``, as the authors' evaluation does.

    Args:
        num_frames: Frames of a clip; a shorter clip is completed with its own first frames.
        fps: Frames per second.
        crop_size: Side of the centre crop in pixels.
        resize_size: Shorter side before the crop; the paper's is ``int(crop_size / 0.875)``.
        keep_aspect_ratio: False resizes to a square first, as the linear probe's transform does.
        image_mean: Mean of each colour channel, of values in [0, 1].
        image_std: Standard deviation of each colour channel.
        sampling_rate: Samples per second the sound is brought to.
        audio_duration: Seconds of sound in a clip; longer sound is cut, shorter padded with zeros at the end.
        fft_size: Window and transform length in samples.
        hop_length: Samples between spectrogram frames.
        top_db: Dynamic range in decibels.
        spectrogram_mean: Mean of each of the ``fft_size // 4 + 1`` rows in decibels; None takes the published
            figures, which exist for ``fft_size`` 1024 (main networks) and 512 (ablations).
        spectrogram_std: Standard deviation of each row; None as above.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_input_names = ["pixel_values_videos", "input_features", "audio_mask"]

    def __init__(
        self,
        num_frames: int = 8,
        fps: float = 16.0,
        crop_size: int = 224,
        resize_size: int = 256,
        keep_aspect_ratio: bool = True,
        image_mean: Sequence[float] = (0.485, 0.456, 0.406),
        image_std: Sequence[float] = (0.229, 0.224, 0.225),
        sampling_rate: int = 24000,
        audio_duration: float = 2.0,
        fft_size: int = 1024,
        hop_length: int = 240,
        top_db: float = 100.0,
        spectrogram_mean: Sequence[float] | None = None,
        spectrogram_std: Sequence[float] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_frames = num_frames
        self.fps = fps
        self.crop_size = crop_size
        self.resize_size = resize_size
        self.keep_aspect_ratio = keep_aspect_ratio
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        self.sampling_rate = sampling_rate
        self.audio_duration = audio_duration
        self.fft_size = fft_size
        self.hop_length = hop_length
        self.top_db = top_db
        if spectrogram_mean is None or spectrogram_std is None:
            spectrogram_mean, spectrogram_std = _published_statistics(sampling_rate, fft_size)
        self.spectrogram_mean = list(spectrogram_mean)
        self.spectrogram_std = list(spectrogram_std)
        self._check()

    @classmethod
    def ablation(cls, **kwargs) -> "AvidProcessor":
        """Inputs of the ablation networks: 112 pixel crops, 129 spectrogram rows at 50 frames a second."""
        return cls(crop_size=112, resize_size=128, fft_size=512, hop_length=480, **kwargs)

    @property
    def num_spectrogram_frames(self) -> int:
        return int(self.audio_duration * self.sampling_rate / self.hop_length)

    def _check(self) -> None:
        rows = self.fft_size // 4 + 1
        rules = {
            "num_frames": (self.num_frames > 0, "a positive integer"),
            "fps": (self.fps > 0, "a positive number"),
            "resize_size": (self.resize_size >= self.crop_size, f"at least crop_size ({self.crop_size})"),
            "audio_duration": (self.num_spectrogram_frames > 0, "at least one spectrogram frame long"),
            "fft_size": (self.fft_size > 0 and self.fft_size % 4 == 0, "a positive multiple of 4"),
            "spectrogram_mean": (len(self.spectrogram_mean) == rows, f"{rows} numbers (fft_size // 4 + 1)"),
            "spectrogram_std": (len(self.spectrogram_std) == rows, f"{rows} numbers (fft_size // 4 + 1)"),
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
        """Prepare clips for the model.

        Args:
            videos: One clip or a list: uint8 ``(T, H, W, 3)`` frames at ``fps``, or a file (path, bytes, binary
                file object) from which a clip is read.
            audio: One sound or a list: float ``(n,)`` or ``(channels, n)`` samples in [-1, 1], or a file. None in a
                list marks a clip without sound, as does a file without a sound track.
            sampling_rate: Rate of the samples given as arrays.
            starts: Where each file's sound window starts, in seconds; None reads the middle. The picture clip
                lies in the middle of the window.
            return_tensors: ``"pt"`` or ``"np"``.

        Returns:
            ``pixel_values_videos`` ``(B, T, 3, crop, crop)``, ``input_features`` ``(B, 1, time, rows)`` and
            ``audio_mask`` ``(B,)``, False for clips without sound, whose features are zeros to be ignored.

        Raises:
            InvalidValueError: Wrong shape, dtype or number of items; the message says which.
            MediaError: A file cannot be read.
        """
        if videos is None and audio is None:
            raise InvalidValueError(explain("AvidProcessor input", "neither modality", "videos, audio or both"))
        items = per_clip(videos=videos, audio=audio, starts=starts)
        clips = [self._raw(video, sound, sampling_rate, start) for video, sound, start in items]
        data = {}
        if videos is not None:
            data["pixel_values_videos"] = torch.stack([self.pixels(frames) for frames, _ in clips])
        if audio is not None:
            silence = torch.zeros(self.num_spectrogram_frames, self.fft_size // 4 + 1)
            features = [silence if sound is None else self.spectrogram(sound) for _, sound in clips]
            data["input_features"] = torch.stack(features).unsqueeze(1)
            data["audio_mask"] = torch.tensor([sound is not None for _, sound in clips])
        return BatchFeature({k: v.numpy() for k, v in data.items()} if return_tensors == "np" else data)

    def pixels(self, frames: torch.Tensor) -> torch.Tensor:
        """Transform one clip of uint8 frames ``(T, H, W, 3)`` to ``(num_frames, 3, crop, crop)`` (section 5.3)."""
        frames = resize(frames[: self.num_frames], self.resize_size, self.keep_aspect_ratio)
        frames = normalize(center_crop(frames, self.crop_size), self.image_mean, self.image_std)
        return repeat_to_length(frames, self.num_frames)

    def spectrogram(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Transform mono sound ``(..., n)`` at ``sampling_rate`` to ``(..., time, rows)`` (section 5.4)."""
        samples = int(self.audio_duration * self.sampling_rate)
        decibels = log_spectrogram(
            fit_length(waveforms, samples),
            self.fft_size,
            self.hop_length,
            self.num_spectrogram_frames,
            self.top_db,
        )
        mean, std = (decibels.new_tensor(values) for values in (self.spectrogram_mean, self.spectrogram_std))
        return (decibels - mean) / (std + 1e-5)

    def _read_sound(self, reader: MediaReader, start: float) -> torch.Tensor:
        return reader.read_audio(start, self.audio_duration, self.sampling_rate).samples[0]

    def _own_sound(self, samples: torch.Tensor, sampling_rate: int) -> torch.Tensor:
        return TAF.resample(samples.mean(0), sampling_rate, self.sampling_rate)


def _published_statistics(sampling_rate: int, fft_size: int) -> list[list[float]]:
    published = load_file(STATISTICS)
    rows = str(fft_size // 4 + 1)
    if sampling_rate != 24000 or f"{rows}.mean" not in published:
        got = f"none for sampling_rate {sampling_rate} and fft_size {fft_size}"
        expected = "one number a row; published figures exist for 24000 Hz with fft_size 1024 or 512"
        raise InvalidValueError(explain("AvidProcessor.spectrogram_mean and spectrogram_std", got, expected))
    return [published[f"{rows}.{statistic}"].tolist() for statistic in ("mean", "std")]
