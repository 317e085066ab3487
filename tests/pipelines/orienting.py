"""A judge whose answer is known, and 360° films whose picture and sound have one direction each."""

import math

import torch

from avssl_hub.audio.ambisonics import encode
from avssl_hub.media import SpatialAudio, SphericalVideo, write_media, write_spatial_metadata
from avssl_hub.models.avsa import AvsaForPreTraining, AvsaProcessor
from avssl_hub.pipelines.orient import OrientationPipeline
from avssl_hub.video.equirectangular import pixel_directions
from tests.models.test_avsa import small_config

RATE, FPS = 8000, 4.0
CLIP = 0.5  # seconds
UP = math.radians(40)


def small_processor(**changes) -> AvsaProcessor:
    settings = {"num_frames": 2, "fps": FPS, "view_size": 16, "projection": "camera", "turns": "yaw_first"}
    settings |= {"sampling_rate": RATE, "audio_duration": CLIP, "fft_size": 128, "hop_length": 160, "num_mel_bands": 12}
    settings |= {"spectrogram_mean": [0.0] * 12, "spectrogram_std": [1.0] * 12}
    return AvsaProcessor(**settings | {"image_mean": [0.0] * 3, "image_std": [1.0] * 3} | changes)


def small_network(kind: type = AvsaForPreTraining, **changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(small_config(num_frames=2, **changes)).eval()
        # As they begin, features hardly differ from one input to another.
        for weights in model.parameters():
            if weights.ndim > 1:
                torch.nn.init.kaiming_normal_(weights)
    return model


class CosineJudge:
    """Compares cosines of the angle between a view and the film's direction, as seen and as heard.

    Pictures of ``bright_towards`` have a mean of ``0.5 + 0.4 * k * cosine`` in a view, k being the mean length along
    its axis of the directions in it; of a sound from one direction X is to W as the cosine is to 1.
    """

    least_views = 1

    def see(self, pixels):
        half = math.pi / 4
        places = half * (1 - (2 * torch.arange(16) + 1) / 16)
        axis = (1 + places[:, None] ** 2 + places**2).rsqrt().mean()
        return ((pixels.mean((2, 3, 4, 5)) - 0.5) / (0.4 * axis)).abs()[..., None]

    def hear(self, log_mels):
        return 10 ** ((log_mels[:, 3] - log_mels[:, 0]).mean((1, 2)) / 10)[:, None]

    def fit(self, video, audio):
        return -(video - audio).square().mean((-1, -2))


def pipeline(**settings) -> OrientationPipeline:
    """A pipeline asking ``CosineJudge``."""
    made = OrientationPipeline(small_network(), small_processor(), **settings)
    made.judge = CosineJudge()
    return made


def bright_towards(azimuth: float, elevation: float = UP, height: int = 32) -> torch.Tensor:
    """A picture that is the brighter the nearer to a direction, uint8 ``(H, 2 H, 3)``."""
    left, up = pixel_directions(height, 2 * height)
    cosine = up.sin() * math.sin(elevation) + up.cos() * math.cos(elevation) * torch.cos(left - azimuth)
    return (255 * (0.5 + 0.4 * cosine))[..., None].expand(-1, -1, 3).round().to(torch.uint8)


def sound_from(azimuth: float, elevation: float = UP, seconds: float = 2.0, order: int = 1) -> torch.Tensor:
    """Noise from a direction, ``((order + 1)², n)``."""
    noise = 0.4 * (torch.rand(1, round(seconds * RATE), generator=torch.Generator().manual_seed(1)) - 0.5)
    return encode(noise, torch.tensor([azimuth]), torch.tensor([elevation]), order)


def film(path, seen: float = 0.0, sound: torch.Tensor | None = None, seconds: float = 2.0, metadata: bool = True):
    """Write a film that is bright towards azimuth ``seen``, with a sound or one from ahead."""
    sound = sound_from(0.0) if sound is None else sound
    frames = bright_towards(seen).expand(round(8 * seconds), -1, -1, -1)
    write_media(path, frames, 8, sound, RATE, crf=1)
    if metadata:
        write_spatial_metadata(path, path, SphericalVideo(), SpatialAudio(), overwrite=True)
    return path
