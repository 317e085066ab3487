"""A model and a processor whose embeddings can be read: what of the file was looked at, and where."""

from types import SimpleNamespace

import torch
from torch import nn

from tests.media.corpus import Sound, make, noise, number_in

RATE = 24000
TENTHS = [i / 10 for i in range(40)]  # four seconds, ten frames a second


class ReadableProcessor:
    """Windows of one second with half a second of picture, two frames at 4 a second, in the middle."""

    audio_duration, video_duration, fps, num_frames, sampling_rate = 1.0, 0.5, 4.0, 2, RATE

    def __call__(self, videos=None, audio=None, sampling_rate=None):
        if videos is not None:
            numbers = [[number_in(frame) for frame in clip] for clip in videos]
            return {"pixel_values_videos": torch.tensor(numbers, dtype=torch.float32)}
        assert sampling_rate == RATE
        return {"input_features": torch.stack([sound[[0, -1]] for sound in audio])}

    def to_json_string(self):
        return '{"of": "tests"}'


class ReadableModel(nn.Module):
    """Embeds a picture clip as the numbers its two frames show, and sound as its first and last sample."""

    def __init__(self):
        super().__init__()
        self.register_buffer("anything", torch.zeros(3))
        self.batches = []

    def forward(self, pixel_values_videos=None, input_features=None):
        given = pixel_values_videos if input_features is None else input_features
        self.batches.append(len(given))
        return SimpleNamespace(video_embeds=pixel_values_videos, audio_embeds=input_features)


def film(path, seconds_of_sound=4.0, seed=0, start=0.0):
    """Write four seconds of numbered frames with lossless noise."""
    sounds = (Sound(noise(seconds_of_sound, RATE, seed=seed), RATE, "flac", start=start),) if seconds_of_sound else ()
    return make(path, TENTHS, sounds)


def sample(index, seed=0, seconds=4.0):
    """Value of sample ``index`` of the noise as 16-bit sound holds it."""
    return round(noise(seconds, RATE, seed=seed)[0, index] * 32767) / 32767
