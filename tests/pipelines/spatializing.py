"""Very small networks that spatialise, and short 360° films for them."""

from pathlib import Path

import torch

from avssl_hub.media import write_media
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenModel, SpatialAudioGenProcessor
from avssl_hub.pipelines.spatialize import SpatializationPipeline
from tests.models.test_spatial_audio_gen import small_config

RATE = 1200  # chunks of 120 samples are then 0.1 s
CHUNK = 120


def network(**changes) -> SpatialAudioGenModel:
    """Make a small random network, whose last layer places sound loudly."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SpatialAudioGenModel(
            small_config(**{"encoders": ("audio", "video"), "sampling_rate": RATE, **changes})
        ).eval()
        for parameter in model.localization.output.parameters():
            torch.nn.init.normal_(parameter)
    return model


def processor(model: SpatialAudioGenModel) -> SpatialAudioGenProcessor:
    config = model.config
    names = ("encoders", "sampling_rate", "context_samples", "chunk_samples", "image_size")
    return SpatialAudioGenProcessor(**{name: getattr(config, name) for name in names})


def pipeline(model: SpatialAudioGenModel | None = None, **options) -> SpatializationPipeline:
    model = model or network()
    return SpatializationPipeline(model, processor(model), **options)


def noise(channels: int, seconds: float, rate: int = 8000) -> torch.Tensor:
    return torch.rand(channels, round(seconds * rate), generator=torch.Generator().manual_seed(1)) - 0.5


def pictures(count: int, height: int = 32, width: int = 64) -> torch.Tensor:
    """Smooth pictures, uint8 ``(count, H, W, 3)``, that change with time."""
    small = torch.rand(count, 3, 4, 8, generator=torch.Generator().manual_seed(2)) * 255
    large = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    return large.permute(0, 2, 3, 1).to(torch.uint8)


def film(path: Path, sound: torch.Tensor | None = None, frames: torch.Tensor | None = None, rate: int = 8000) -> Path:
    """Write a film of 1.6 s in mono, or of other sound or frames, at 10 frames a second."""
    sound = noise(1, 1.6) if sound is None else sound
    return write_media(path, pictures(16) if frames is None else frames, 10, sound, rate, crf=0)
