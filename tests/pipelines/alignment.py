"""A network whose judgement can be read, and films that flash and sound."""

import numpy as np
from torch.nn import functional as F

from avssl_hub import MultisensoryConfig, MultisensoryForAlignment, MultisensoryProcessor
from avssl_hub.models.multisensory.modeling_multisensory import MultisensoryAlignmentOutput
from tests.media.corpus import Sound, make

FPS, RATE = 16, 8000
SIZES = {"video_hidden_sizes": (4, 6, 8, 8), "audio_hidden_sizes": (4, 6, 6, 8, 4), "fusion_hidden_size": 8}


def small_config(**changes) -> MultisensoryConfig:
    return MultisensoryConfig.localization(**SIZES, **changes)


def small_processor(**changes) -> MultisensoryProcessor:
    """Clips of two seconds, which give four maps."""
    settings = {"num_frames": 32, "fps": FPS, "crop_size": 32, "legacy_resize": True, "sampling_rate": RATE}
    return MultisensoryProcessor(**{**settings, **changes})


class FlashReader(MultisensoryForAlignment):
    """Takes for in synchrony what sounds when it flashes; its maps are the brightness, 0 to 1, at each place."""

    def __init__(self):
        super().__init__(small_config())
        self.looked = 0

    def forward(self, pixel_values_videos, input_values, audio_mask=None):
        self.looked += 1
        brightness = pixel_values_videos.mean(2) / 2 + 0.5
        frames = brightness.shape[1]
        flashes = brightness.mean((2, 3))[:, None]
        level = F.adaptive_avg_pool1d(input_values.abs().mean(2), frames)
        both = [(x - x.mean(-1, keepdim=True)) for x in (flashes, level)]
        norms = [x.norm(dim=-1) + 1e-6 for x in both]
        logits = (both[0] * both[1]).sum(-1) / (norms[0] * norms[1]) - 0.5
        maps = F.adaptive_avg_pool3d(brightness, (frames // 8, 4, 4))[:, None].expand(-1, logits.shape[1], -1, -1, -1)
        return MultisensoryAlignmentOutput(None, logits, maps, audio_mask)


def flashing_film(path, seconds=5.0, delay=0.0, gain=1.0, channels=1, rate=RATE, codec="pcm_s16le", **kwargs):
    """Write frames that are white in their left half at times drawn at random, and noise ``delay`` s after each."""
    frames = round(seconds * FPS)
    rng = np.random.default_rng(3)
    lit = rng.random(frames) < 0.25

    def picture(number):
        image = np.zeros((48, 64, 3), np.uint8)
        image[:, :32] = 255 * lit[number]
        return image

    gate = np.roll(np.repeat(lit, rate // FPS), round(delay * rate)).astype(np.float32)
    wave = 0.5 * gain * gate * rng.uniform(-1, 1, len(gate)).astype(np.float32)
    sound = Sound(np.repeat(wave[None], channels, 0), rate, codec, "mono" if channels == 1 else "stereo")
    kwargs = {"pictures": picture, **kwargs}
    return make(path, [i / FPS for i in range(frames)], (sound,), fps=FPS, **kwargs)
