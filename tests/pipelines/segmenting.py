"""A network that knows bright from dark, and films of 360 degrees for it."""

import math
from pathlib import Path

import torch

from avssl_hub.media import SpatialAudio, SphericalVideo, write_media, write_spatial_metadata
from avssl_hub.models.avsa import AvsaConfig, AvsaForSemanticSegmentation, AvsaProcessor
from avssl_hub.models.avsa.segmentation_avsa import AvsaSegmentationOutput
from avssl_hub.pipelines.segment import SegmentationPipeline

NAMES = ("dark", "bright", "nothing")
SMALL = {
    "video_depth": 10,
    "video_hidden_sizes": [4, 4, 6, 8],
    "num_frames": 2,
    "audio_hidden_sizes": [4, 4, 6, 8],
    "translation_intermediate_size": 12,
    "segmentation_hidden_size": 6,
    "segmentation_branch_size": 4,
    "segmentation_norm_groups": 2,
}


def config(condition: str | None = None) -> AvsaConfig:
    return AvsaConfig(**SMALL, segmentation_condition=condition, id2label=dict(enumerate(NAMES)))


def processor() -> AvsaProcessor:
    bands = {"num_mel_bands": 12, "spectrogram_mean": [0.0] * 12, "spectrogram_std": [1.0] * 12}
    sound = {"sampling_rate": 8000, "audio_duration": 0.6, "fft_size": 128, "hop_length": 160}
    return AvsaProcessor(num_frames=2, fps=4.0, view_size=16, projection="camera", **sound, **bands)


class KnowsBrightness(AvsaForSemanticSegmentation):
    """Calls a pixel bright if the clip's first frame is so there."""

    def forward(self, pixel_values_videos, input_features=None, labels=None, return_dict=None):
        red = pixel_values_videos[:, :, 0, 0]
        logits = torch.stack([-20 * red, 20 * red, torch.full_like(red, -99)], 2)
        return AvsaSegmentationOutput(logits=logits)


class Hears(AvsaForSemanticSegmentation):
    """Remembers the log-mels it was given, and calls all bright where there is any sound."""

    def forward(self, pixel_values_videos, input_features=None, labels=None, return_dict=None):
        loud = input_features.amax((2, 3, 4)) > -50
        logits = torch.zeros(*pixel_values_videos.shape[:2], 3, *pixel_values_videos.shape[-2:])
        logits[:, :, 0], logits[:, :, 1] = (10.0 * own[..., None, None] for own in (~loud, loud))
        return AvsaSegmentationOutput(logits=logits)


def pipeline(kind: type = KnowsBrightness, condition: str | None = None) -> SegmentationPipeline:
    return SegmentationPipeline(kind(config(condition)), processor())


def left_bright(seconds: float, height: int = 48) -> torch.Tensor:
    """Frames, 8 a second: white to the left of the camera, black to its right; from one second on the other way."""
    frame = torch.zeros(height, 2 * height, 3, dtype=torch.uint8)
    frame[:, :height] = 255
    return torch.stack([frame if number < 8 else frame.flip(1) for number in range(math.ceil(seconds * 8))])


def film(path: Path, seconds: float = 2.0, sound: torch.Tensor | None = None, height: int = 48) -> Path:
    """Write a film with four channels of sound, or other sound."""
    if sound is None:
        sound = 0.1 * torch.rand(4, round(seconds * 8000), generator=torch.Generator().manual_seed(0))
    write_media(path, left_bright(seconds, height), 8, sound, 8000)
    return write_spatial_metadata(path, path, SphericalVideo(), SpatialAudio(), overwrite=True)
