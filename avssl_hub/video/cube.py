"""Pictures of the sphere on the six faces of a cube, flat or equi-angular, brought to equirectangular ones."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.nn import functional as F

from ..audio.ambisonics.directions import unit_vectors
from ..errors import InvalidValueError, explain
from .equirectangular import pixel_directions

# For each face where its middle lies, where its right edge, and where its upper one.
_FACES = {
    "front": ((1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "right": ((0, -1, 0), (-1, 0, 0), (0, 0, 1)),
    "back": ((-1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "left": ((0, 1, 0), (1, 0, 0), (0, 0, 1)),
    "up": ((0, 0, 1), (0, -1, 0), (-1, 0, 0)),
    "down": ((0, 0, -1), (0, -1, 0), (1, 0, 0)),
}


@dataclass(frozen=True)
class CubeLayout:
    """Where the faces lie in a picture of two rows of three.

    Attributes:
        faces: Their names, row by row.
        turns: Quarter turns to the right by which each is shown turned.
        equiangular: Whether pixels are equal steps of the angle rather than of the place on the face.
    """

    faces: tuple[str, ...]
    turns: tuple[int, ...]
    equiangular: bool


# YouTube's equi-angular cube map.
EAC = CubeLayout(("left", "front", "right", "down", "back", "up"), (0, 0, 0, 3, 1, 3), True)

# Layout 0 of the cube map box of Google's spherical metadata.
CUBEMAP = CubeLayout(("right", "left", "up", "down", "front", "back"), (0,) * 6, False)


def cube_to_equirectangular(frames: torch.Tensor, size: tuple[int, int], layout: CubeLayout = EAC) -> torch.Tensor:
    """Unfold cube maps, bilinearly and differentiably; no colour leaks from one face to its neighbour in the picture.

    Scale down afterwards, not by a small ``size``, which would skip pixels.

    Args:
        frames: Floats ``(..., channels, H, W)``, H a multiple of 2 and W of 3.
        size: Height and width of the equirectangular pictures.
        layout: Where the faces lie.

    Returns:
        ``(..., channels, *size)``.

    Raises:
        InvalidValueError: The faces are no whole number of pixels.
    """
    *batch, channels, height, width = frames.shape
    if height % 2 or width % 3:
        got = f"{width} × {height} pixels"
        raise InvalidValueError(
            explain("cube map", got, "two rows of three faces: a width that 3, a height that 2 divides")
        )
    grid = _places(size, layout, (height // 2, width // 3)).to(frames)
    flat = F.grid_sample(frames.reshape(1, -1, height, width), grid[None], mode="bilinear", align_corners=False)
    return flat.reshape(*batch, channels, *size)


def left_eye(frames: torch.Tensor, stereo: str, equiangular: bool = False) -> torch.Tensor:
    """Cut the left eye's picture out of stereo ones.

    Args:
        frames: ``(..., H, W)``.
        stereo: ``"mono"``, ``"top-bottom"``, ``"left-right"`` or ``"right-left"``.
        equiangular: Whether it is YouTube's cube map, which side by side stands upright, a quarter turn to the left.

    Raises:
        InvalidValueError: ``stereo`` is something else.
    """
    height, width = frames.shape[-2:]
    halves = {
        "mono": frames,
        "top-bottom": frames[..., : height // 2, :],
        "left-right": frames[..., : width // 2],
        "right-left": frames[..., width - width // 2 :],
    }
    if stereo not in halves:
        raise InvalidValueError(explain("stereo", repr(stereo), f"one of {', '.join(halves)}"))
    upright = equiangular and stereo in ("left-right", "right-left")
    return halves[stereo].rot90(-1, (-2, -1)) if upright else halves[stereo]


@lru_cache(maxsize=4)
def _places(size: tuple[int, int], layout: CubeLayout, face_size: tuple[int, int]) -> torch.Tensor:
    """Where in a cube map the pixels of an equirectangular picture lie, as ``grid_sample`` counts: ``(*size, 2)``.

    Kept, since a film asks the same for each of its frames.
    """
    directions = unit_vectors(*(angle.double() for angle in pixel_directions(*size)))
    axes = torch.tensor([_FACES[name] for name in layout.faces], dtype=torch.float64)
    ahead, right, up = torch.einsum("hwd,fad->ahwf", directions, axes)
    face = ahead.argmax(-1)
    ahead, right, up = (values.gather(-1, face[..., None])[..., 0] for values in (ahead, right, up))
    across, down = right / ahead, -up / ahead
    if layout.equiangular:
        across, down = (torch.atan(place) * (4 / math.pi) for place in (across, down))
    turns = torch.tensor(layout.turns)[face]
    for quarter in (1, 2, 3):
        across, down = torch.where(turns >= quarter, -down, across), torch.where(turns >= quarter, across, down)
    # No nearer to a face's edge than its outermost pixels' centres.
    inside = [1 - 1 / pixels for pixels in face_size]
    across, down = across.clamp(-inside[1], inside[1]), down.clamp(-inside[0], inside[0])
    return torch.stack([(2 * (face % 3) + across + 1) / 3 - 1, (2 * (face // 3) + down + 1) / 2 - 1], -1)
