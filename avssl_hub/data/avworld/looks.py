"""How the classes look: one sprite a class, its shape in the first channel and its texture in the second."""

from functools import cache

import torch
from torch import Tensor

SPRITE_SIZE = 64


def _disc(x, y):
    return 1 - torch.hypot(x, y)


def _polygon(sides):
    def shape(x, y):
        wedge = torch.atan2(y, x).remainder(2 * torch.pi / sides) - torch.pi / sides
        return torch.cos(torch.tensor(torch.pi / sides)) - torch.hypot(x, y) * torch.cos(wedge)

    return shape


def _petals(number, inner):
    def shape(x, y):
        return (1 + inner) / 2 + (1 - inner) / 2 * torch.cos(number * torch.atan2(y, x)) - torch.hypot(x, y)

    return shape


def _ring(x, y):
    return 0.25 - (torch.hypot(x, y) - 0.72).abs()


def _bar(x, y):
    return torch.minimum(0.95 - x.abs(), 0.35 - y.abs())


def _cross(x, y):
    return torch.maximum(_bar(x, y), _bar(y, x))


def _crescent(x, y):
    return torch.minimum(_disc(x, y), torch.hypot(x - 0.5, y) - 0.75)


def _plain(x, y):
    return torch.ones_like(x)


def _stripes(x, y):
    return (torch.sin(3 * torch.pi * y) > 0).float()


def _checks(x, y):
    return (torch.sin(2.5 * torch.pi * x) * torch.sin(2.5 * torch.pi * y) > 0).float()


def _dots(x, y):
    return (torch.cos(3 * torch.pi * x) + torch.cos(3 * torch.pi * y) < 0.5).float()


def _target(x, y):
    return (torch.cos(4 * torch.pi * torch.hypot(x, y)) > 0).float()


# In the order of the classes; shapes are positive inside, on coordinates from -1 to 1.
LOOKS = (
    (_disc, _plain),
    (_polygon(3), _stripes),
    (_polygon(4), _checks),
    (_petals(5, 0.35), _plain),
    (_ring, _stripes),
    (_cross, _plain),
    (_disc, _dots),
    (_bar, _stripes),
    (_crescent, _plain),
    (_petals(6, 0.6), _target),
)


@cache
def sprites() -> Tensor:
    """Draw every class, as (classes, 2, 64, 64): opacity and texture, both from 0 to 1, the frame transparent."""
    # Slightly beyond the unit circle, so that sampling outside the sprite finds a transparent border.
    axis = torch.linspace(-1.1, 1.1, SPRITE_SIZE)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    softness = axis[1] - axis[0]
    drawn = [torch.stack([(shape(x, y) / softness + 0.5).clamp(0, 1), texture(x, y)]) for shape, texture in LOOKS]
    return torch.stack(drawn)


SPRITE_REACH = 1.1
