"""How a film's picture covers the sphere: what it says, or what can be taken for granted, and how to unfold it."""

from dataclasses import dataclass

import torch
from torchvision.transforms.v2 import functional as TF

from ..errors import InvalidValueError, explain, unknown_name
from ..media import SpatialMetadata, SphericalVideo, VideoStreamInfo
from ..media.spherical import EQUIRECTANGULAR
from ..media.spherical import STEREO as ALL_STEREO
from ..video.cube import CUBEMAP, EAC, cube_to_equirectangular, left_eye

_CUBES = {"cubemap": CUBEMAP, "eac": EAC}
PROJECTIONS = (EQUIRECTANGULAR, *_CUBES)
STEREO = tuple(name for name in ALL_STEREO if name != "custom")

# What is not seen of the sphere is painted so.
_GREY = 128

# A picture whose sides are as 2 to 1, up to a share that rounding to whole blocks makes.
_SLACK = 0.02


@dataclass(frozen=True)
class Sphere:
    """A picture of the sphere.

    Attributes:
        projection: One of ``PROJECTIONS``.
        stereo: One of ``STEREO``: how the eyes' pictures lie in it.
        bounds: Shares of the sphere that are left out at the top, bottom, left and right.
        metadata: What a film with this picture says of it; None if there are no words for it.
        notes: What was taken for granted.
    """

    projection: str
    stereo: str
    bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    metadata: SphericalVideo | None = None
    notes: tuple[str, ...] = ()

    def decoded_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width to decode pictures at, of which equirectangular ones of a size are made."""
        if self.projection in _CUBES:
            # As many pixels a face as the result is high, so that it can be scaled down.
            upright = self.projection == "eac" and self.stereo in ("left-right", "right-left")
            height, width = (3 * height, 2 * height) if upright else (2 * height, 3 * height)
        if self.stereo == "mono":
            return height, width
        return (2 * height, width) if self.stereo == "top-bottom" else (height, 2 * width)

    def unfolded(self, frame: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Make the left eye's equirectangular picture, uint8 ``(height, width, 3)``, of a frame so decoded."""
        picture = left_eye(frame.permute(2, 0, 1), self.stereo, self.projection == "eac")
        if self.projection in _CUBES:
            large = cube_to_equirectangular(picture.float(), (2 * height, 2 * width), _CUBES[self.projection])
            picture = torch.nn.functional.avg_pool2d(large, 2).round().to(torch.uint8)
        if any(self.bounds):
            picture = self._placed(picture, height, width)
        return picture.permute(1, 2, 0)

    def shown(self, height: int, width: int) -> tuple[slice, slice]:
        """Return the rows and columns of a whole equirectangular picture of a size that the film's picture shows."""
        top, bottom, left, right = self.bounds
        rows = slice(round(top * height), max(round(top * height) + 1, round((1 - bottom) * height)))
        columns = slice(round(left * width), max(round(left * width) + 1, round((1 - right) * width)))
        return rows, columns

    def _placed(self, picture: torch.Tensor, height: int, width: int) -> torch.Tensor:
        rows, columns = self.shown(height, width)
        whole = torch.full((3, height, width), _GREY, dtype=torch.uint8)
        seen = whole[:, rows, columns]
        seen.copy_(TF.resize(picture, list(seen.shape[1:]), antialias=True))
        return whole


def find_sphere(
    name: str,
    stream: VideoStreamInfo,
    found: SpatialMetadata,
    projection: str | None = None,
    stereo: str | None = None,
) -> Sphere:
    """Decide how a picture covers the sphere.

    A film's own metadata is believed, unless ``projection`` is given. A film without is taken for equirectangular if
    its picture is twice as wide as high.

    Args:
        name: Name of the file.
        stream: Its picture.
        found: Its metadata.
        projection: What it is, whatever the film says.
        stereo: The same of the eyes' pictures; by default what the film says, or mono.

    Raises:
        UnknownNameError: There is no such projection, or no such stereo.
        InvalidValueError: The film is not of 360 degrees, as far as can be told, or says that it is of a projection or
            stereo that is not understood.
    """
    for kind, given, known in (("projection", projection, PROJECTIONS), ("stereo", stereo, STEREO)):
        if given is not None and given not in known:
            raise unknown_name(kind, given, known)
    size = f"{stream.width} × {stream.height} pixels"
    said = found.video
    notes = list(found.notes)
    bounds = (0.0,) * 4
    if projection is None and said is None:
        if abs(stream.width / stream.height - 2) > 2 * _SLACK or stream.rotation:
            step = "If it is equirectangular all the same, pass --projection equirectangular."
            expected = "spherical metadata in an mp4 or mov, or a picture twice as wide as high"
            raise InvalidValueError(explain(f"360° picture of {name!r}", f"{size} and no metadata", expected, step))
        projection = EQUIRECTANGULAR
        notes.append("no spherical metadata: taken for equirectangular, since the picture is twice as wide as high")
    elif projection is None:
        projection, bounds = said.projection, said.bounds
        # The cube map's box is all zeros for the one layout that has a number.
        if projection not in PROJECTIONS or (projection in _CUBES and any(said.details)):
            step = "If it is YouTube's cube map, pass --projection eac; convert any other."
            got = f"{projection!r}, laid out in a way of its own" if projection in PROJECTIONS else repr(projection)
            raise InvalidValueError(explain(f"projection of {name!r}", got, f"one of {', '.join(PROJECTIONS)}", step))
    elif said is None or said.projection != projection:
        said = None
        notes.append(f"taken for {projection}, as told")
    if stereo is None:
        stereo = said.stereo if said else "mono"
        if stereo not in STEREO:
            step = "Pass --stereo if it is one of them after all; convert the film if not."
            raise InvalidValueError(explain(f"stereo of {name!r}", repr(stereo), f"one of {', '.join(STEREO)}", step))
    elif said and said.stereo != stereo:
        said = None
    if projection == EQUIRECTANGULAR and stereo == "mono" and not any(bounds) and stream.width != 2 * stream.height:
        notes.append(f"frames of {size} squeezed to twice as wide as high")
    if said is None or not (said.details or projection == EQUIRECTANGULAR):
        said = _words(projection, stereo, notes)
    return Sphere(projection, stereo, bounds, said, tuple(notes))


def _words(projection: str, stereo: str, notes: list[str]) -> SphericalVideo | None:
    if projection == "eac":
        notes.append("the film will not say what its picture is: there is no public name for YouTube's cube map")
        return None
    # The cube map's own box: version, layout 0, and no padding.
    return SphericalVideo(projection, stereo, details=bytes(12) if projection == "cubemap" else b"")
