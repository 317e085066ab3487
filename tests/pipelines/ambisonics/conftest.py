"""Ambisonic files of noise from known directions."""

from math import radians

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import AMBIX, convert, encode, named_convention
from avssl_hub.media import write_sound

RATE = 16000


def scene(azimuth: float, elevation: float = 0.0, order: int = 1, seconds: float = 1.0) -> torch.Tensor:
    """Noise from one direction in degrees, ``(channels, samples)`` in ACN and SN3D."""
    noise = torch.from_numpy(0.1 * np.random.RandomState(0).standard_normal((1, round(seconds * RATE)))).float()
    return encode(noise, torch.tensor([radians(azimuth)]), torch.tensor([radians(elevation)]), order)


@pytest.fixture
def written(tmp_path):
    """Return ``write(samples, convention, name)``: the path of a wav file in floats."""

    def write(samples, convention="ambix", name="scene.wav"):
        return write_sound(tmp_path / name, convert(samples, AMBIX, named_convention(convention)), RATE)

    return write
