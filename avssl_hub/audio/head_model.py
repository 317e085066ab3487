"""A head where none was measured: a rigid sphere.

After Brown and Duda (1998), "A structural model for binaural sound synthesis". It tells left from right, but neither
front from back nor up from down.
"""

from math import pi

import torch

from .ambisonics.directions import picture_grid, unit_vectors
from .ambisonics.encode import SPEED_OF_SOUND
from .head_responses import HeadResponses

RADIUS = 0.0875  # metres
# The ear farthest in the shadow is not the one opposite the sound: around a sphere it is bright there again.
_DARKEST = 150 / 180 * pi
_LEAST_HIGHS = 0.1
_TAPS = 128
_LEAD = 16  # samples before the earliest response, for what rings ahead of a delay that is no whole number
_STEP_DEGREES = 5


def spherical_head(sampling_rate: int) -> HeadResponses:
    """Compute the responses of both ears, at the ends of an axis through a sphere, for directions every 5 degrees.

    Args:
        sampling_rate: Samples per second; 128 taps are computed, enough for rates up to 192 kHz.
    """
    vectors = unit_vectors(*picture_grid(_STEP_DEGREES)).flatten(0, 1)
    ears = torch.tensor([[0, 1, 0], [0, -1, 0]], dtype=torch.float64)
    angle = torch.acos((vectors @ ears.T).clamp(-1, 1))[..., None]
    frequency = 2 * pi * torch.fft.rfftfreq(_TAPS, 1 / sampling_rate, dtype=torch.float64)
    corner = 0.5j * frequency * RADIUS / SPEED_OF_SOUND
    highs = (1 + _LEAST_HIGHS / 2) + (1 - _LEAST_HIGHS / 2) * torch.cos(angle / _DARKEST * pi)
    shadow = (1 + highs * corner) / (1 + corner)
    # The straight way to an ear in the light, around the sphere to one in the shadow.
    way = RADIUS * (1 + torch.where(angle < pi / 2, -torch.cos(angle), angle - pi / 2))
    delay = way / SPEED_OF_SOUND + _LEAD / sampling_rate
    responses = torch.fft.irfft(shadow * torch.exp(-1j * frequency * delay), _TAPS)
    return HeadResponses(vectors.float(), responses.float(), sampling_rate)
