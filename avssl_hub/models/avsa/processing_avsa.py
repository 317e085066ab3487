"""From 360-degree media to AVSA's inputs: views of the picture, and log-mels of the sound turned to face them."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torchaudio.functional as TAF
from safetensors.torch import load_file
from transformers import BatchFeature

from ...audio.ambisonics.conventions import FIRST_ORDER_CHANNELS
from ...audio.head_model import spherical_head
from ...audio.spectrogram import fit_length, log_mel_spectrogram
from ...errors import InvalidValueError, explain
from ...media import DecodeError, MediaReader
from ...video.transforms import repeat_to_length
from ...video.views import Views
from ...views import HEARINGS, ViewCutter
from .._clip_processor import ClipProcessor
from .._raw_media import Array, Source, per_clip
from .._rules import check_fields

STATISTICS = Path(__file__).with_name("statistics.safetensors")


class AvsaProcessor(ClipProcessor):
    """Equirectangular video and first-order ambisonics to ``pixel_values_videos`` and ``input_features``.

    Args:
        num_frames: Frames of a clip; a shorter clip is completed with its own first frames.
        fps: Frames per second.
        view_size: Side of a view in pixels.
        num_views: Views of a clip where none are given: evenly around the horizon, the first in front.
        view_width: Share of the frame's width that these cover in their own plane; 0.25, the widest in training,
            shows 76 degrees.
        projection: How views are cut out of the picture, ``"released"`` or ``"camera"``; see ``ViewCutter``.
        turns: In which order the sound is turned to them, ``"pitch_first"`` or ``"yaw_first"``.
        hearing: What the model hears of a view, see ``ViewCutter``: ``"ambisonics"``, or of the paper's ablations
            ``"mono"`` or ``"stereo"``; the model's ``audio_num_channels`` are then 4, 1 or 2.
        head_filters: For ``"stereo"``, ``(4, 2, taps)`` at ``sampling_rate``, such as
            ``read_hrir("kemar.sofa").filters(1, 24000)``; None takes those of a rigid sphere. The authors' were of a
            measured head, and are not in their repository.
        image_mean: Mean of each colour channel, of values in [0, 1].
        image_std: Standard deviation of each colour channel.
        sampling_rate: Samples per second the sound is brought to.
        audio_duration: Seconds of sound in a clip; longer sound is cut, shorter padded with zeros at the end.
        fft_size: Window and transform length in samples.
        hop_length: Samples between spectrogram frames.
        num_mel_bands: Mel bands up to half the sampling rate.
        top_db: Dynamic range of a channel in decibels.
        spectrogram_mean: Mean of each band in decibels; None takes the published figures, which exist for the
            defaults of the five fields before.
        spectrogram_std: Standard deviation of each band; None as above.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
        UnknownNameError: There is no such projection, order of turns or hearing.
    """

    model_input_names = ["pixel_values_videos", "input_features", "audio_mask"]

    def __init__(
        self,
        num_frames: int = 8,
        fps: float = 16.0,
        view_size: int = 112,
        num_views: int = 4,
        view_width: float = 0.25,
        projection: str = "released",
        turns: str = "pitch_first",
        hearing: str = "ambisonics",
        head_filters: Sequence | torch.Tensor | None = None,
        image_mean: Sequence[float] = (0.485, 0.456, 0.406),
        image_std: Sequence[float] = (0.229, 0.224, 0.225),
        sampling_rate: int = 24000,
        audio_duration: float = 1.0,
        fft_size: int = 512,
        hop_length: int = 240,
        num_mel_bands: int = 128,
        top_db: float = 100.0,
        spectrogram_mean: Sequence[float] | None = None,
        spectrogram_std: Sequence[float] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_frames = num_frames
        self.fps = fps
        self.view_size = view_size
        self.num_views = num_views
        self.view_width = view_width
        self.projection = projection
        self.turns = turns
        self.hearing = hearing
        if hearing == "stereo" and head_filters is None:
            head_filters = spherical_head(sampling_rate).filters(1, sampling_rate)
        self.head_filters = None if head_filters is None else torch.as_tensor(head_filters).tolist()
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        self.sampling_rate = sampling_rate
        self.audio_duration = audio_duration
        self.fft_size = fft_size
        self.hop_length = hop_length
        self.num_mel_bands = num_mel_bands
        self.top_db = top_db
        if spectrogram_mean is None or spectrogram_std is None:
            spectrogram_mean, spectrogram_std = self._published_statistics()
        self.spectrogram_mean = list(spectrogram_mean)
        self.spectrogram_std = list(spectrogram_std)
        self._check()

    @property
    def cutter(self) -> ViewCutter:
        """What cuts views out of pictures, and turns sounds to them."""
        head = None if self.head_filters is None else torch.tensor(self.head_filters)
        return ViewCutter((self.view_size, self.view_size), self.projection, self.turns, self.hearing, head)

    @property
    def num_channels(self) -> int:
        """Channels of sound that the model hears of a view."""
        return HEARINGS[self.hearing]

    @property
    def num_spectrogram_frames(self) -> int:
        return int(self.audio_duration * self.sampling_rate / self.hop_length)

    def _check(self) -> None:
        bands = self.num_mel_bands
        head = torch.as_tensor(self.head_filters or ())
        rules = {
            "num_frames": (self.num_frames > 0, "a positive integer"),
            "fps": (self.fps > 0, "a positive number"),
            "view_size": (self.view_size > 0, "a positive integer"),
            "num_views": (self.num_views > 0, "a positive integer"),
            "view_width": (0 < self.view_width <= 1, "a number in (0, 1]"),
            "head_filters": (
                self.head_filters is None
                or (self.hearing == "stereo" and head.shape[:2] == (FIRST_ORDER_CHANNELS, 2) and head.numel() > 0),
                "filters (4, 2, taps) with hearing='stereo', and None otherwise",
            ),
            "audio_duration": (self.num_spectrogram_frames > 0, "at least one spectrogram frame long"),
            "fft_size": (self.fft_size > 0, "a positive integer"),
            "spectrogram_mean": (len(self.spectrogram_mean) == bands, f"{bands} numbers (num_mel_bands)"),
            "spectrogram_std": (len(self.spectrogram_std) == bands, f"{bands} numbers (num_mel_bands)"),
        }
        check_fields(self, rules)
        _ = self.cutter  # refuses unknown names

    def _published_statistics(self) -> list[list[float]]:
        settings = self.sampling_rate, self.fft_size, self.hop_length, self.num_mel_bands
        if settings != (24000, 512, 240, 128):
            got = "none for sampling_rate {}, fft_size {}, hop_length {} and num_mel_bands {}".format(*settings)
            expected = "one number a band; published figures exist for 24000, 512, 240 and 128"
            raise InvalidValueError(explain("AvsaProcessor.spectrogram_mean and spectrogram_std", got, expected))
        published = load_file(STATISTICS)
        return [published[f"128.{statistic}"].tolist() for statistic in ("mean", "std")]

    def __call__(
        self,
        videos: Source | Array | Sequence[Source | Array] | None = None,
        audio: Source | Array | Sequence[Source | Array | None] | None = None,
        sampling_rate: int | None = None,
        views: Views | None = None,
        starts: Sequence[float | None] | None = None,
        return_tensors: str | None = "pt",
    ) -> BatchFeature:
        """Prepare clips for the model.

        Args:
            videos: One clip or a list: uint8 ``(T, H, W, 3)`` equirectangular frames at ``fps``, or a file (path,
                bytes, binary file object) from which a clip is read.
            audio: One sound or a list: float ``(4 or more, n)`` samples in [-1, 1], in ACN order and SN3D, or a file.
                None in a list marks a clip without sound, as does a file without a sound track.
            sampling_rate: Rate of the samples given as arrays.
            views: Where to look, ``(K, 4)`` for all clips or ``(B, K, 4)``; None looks around the horizon.
            starts: Where each file's sound window starts, in seconds; None reads the middle. The picture clip
                lies in the middle of the window.
            return_tensors: ``"pt"`` or ``"np"``.

        Returns:
            ``pixel_values_videos`` ``(B, K, T, 3, size, size)``, ``input_features`` ``(B, K, num_channels, time,
            bands)`` and ``audio_mask`` ``(B,)``, False for clips without sound, whose features are zeros to be ignored.

        Raises:
            InvalidValueError: Wrong shape, dtype or number of items; the message says which.
            MediaError: A file cannot be read, or its sound has fewer than four channels.
        """
        if videos is None and audio is None:
            raise InvalidValueError(explain("AvsaProcessor input", "neither modality", "videos, audio or both"))
        clips = [
            self._raw(video, sound, sampling_rate, start)
            for video, sound, start in per_clip(videos=videos, audio=audio, starts=starts)
        ]
        rows = (self.around_horizon() if views is None else views).rows
        if rows.ndim > 3 or (rows.ndim == 3 and len(rows) != len(clips)):
            expected = f"(K, 4), or ({len(clips)}, K, 4), some for each clip"
            raise InvalidValueError(explain("views", f"shape {tuple(rows.shape)}", expected))
        looks = [Views(own) for own in rows.expand(len(clips), -1, -1)]
        data = {}
        if videos is not None:
            pictures = [self.pixels(frames.permute(0, 3, 1, 2), own) for (frames, _), own in zip(clips, looks)]
            data["pixel_values_videos"] = torch.stack(pictures)
        if audio is not None:
            silence = torch.zeros(rows.shape[-2], self.num_channels, self.num_spectrogram_frames, self.num_mel_bands)
            sounds = [silence if sound is None else self.log_mels(sound, own) for (_, sound), own in zip(clips, looks)]
            data["input_features"] = torch.stack(sounds)
            data["audio_mask"] = torch.tensor([sound is not None for _, sound in clips])
        return BatchFeature({k: v.numpy() for k, v in data.items()} if return_tensors == "np" else data)

    def around_horizon(self) -> Views:
        """``num_views`` square views ``(K, 4)`` evenly around the horizon, from the front to the left."""
        azimuth = 2 * torch.pi * torch.arange(self.num_views, dtype=torch.float64) / self.num_views
        half = torch.full_like(azimuth, torch.pi * self.view_width)
        return Views.facing(azimuth, torch.zeros_like(azimuth), half, half)

    def pixels(self, frames: torch.Tensor, views: Views) -> torch.Tensor:
        """Cut views ``(..., K, 4)`` out of uint8 clips ``(..., T, 3, H, W)``: ``(..., K, T, 3, size, size)``."""
        return self.standardized(self.cutter.pictures(frames[..., : self.num_frames, :, :, :], views).float() / 255)

    def standardized(self, rgb: torch.Tensor) -> torch.Tensor:
        """Bring colours ``(..., T, 3, size, size)`` in [0, 1] to the model's scale, and clips to their length."""
        mean, std = (rgb.new_tensor(values)[:, None, None] for values in (self.image_mean, self.image_std))
        return repeat_to_length(((rgb - mean) / std).movedim(-4, 0), self.num_frames).movedim(0, -4)

    def log_mels(self, ambisonics: torch.Tensor, views: Views) -> torch.Tensor:
        """Hear sounds ``(..., 4, n)`` at ``sampling_rate`` facing views ``(..., K, 4)``.

        Returns:
            ``(..., K, num_channels, time, bands)``.
        """
        return self.spectrograms(self.cutter.sounds(ambisonics, views))

    def spectrograms(self, sounds: torch.Tensor) -> torch.Tensor:
        """Compute log-mels of sounds as they are, ``(..., channels, n)``: ``(..., channels, time, bands)``."""
        decibels = self.decibels(sounds)
        mean, std = (decibels.new_tensor(values) for values in (self.spectrogram_mean, self.spectrogram_std))
        return (decibels - mean) / (std + 1e-5)

    def decibels(self, sounds: torch.Tensor) -> torch.Tensor:
        """Compute the same before the bands are standardised."""
        return log_mel_spectrogram(
            fit_length(sounds, int(self.audio_duration * self.sampling_rate)),
            self.sampling_rate,
            self.fft_size,
            self.hop_length,
            self.num_spectrogram_frames,
            self.num_mel_bands,
            self.top_db,
        )

    def _read_sound(self, reader: MediaReader, start: float) -> torch.Tensor:
        stream = reader.audio
        if stream.channels < FIRST_ORDER_CHANNELS:
            step = "Is it the film's sound for headphones? Ambisonics have W, Y, Z and X."
            text = explain(f"sound of {reader.info.name}", f"{stream.channels} channels", "4 or more", step)
            raise DecodeError(text, reader.info.name, stream.index)
        return reader.read_audio(start, self.audio_duration, self.sampling_rate, channels=None).samples[
            :FIRST_ORDER_CHANNELS
        ]

    def _own_sound(self, samples: torch.Tensor, sampling_rate: int) -> torch.Tensor:
        if len(samples) < FIRST_ORDER_CHANNELS:
            expected = "first-order ambisonics (W, Y, Z, X), or a higher order"
            raise InvalidValueError(explain("audio item", f"{len(samples)} channels", expected))
        return TAF.resample(samples[:FIRST_ORDER_CHANNELS], sampling_rate, self.sampling_rate)
