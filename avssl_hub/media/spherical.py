"""What players of 360° films go by: how a picture covers the sphere, and that a sound track is ambisonic."""

from dataclasses import dataclass, field

EQUIRECTANGULAR = "equirectangular"

# By the numbers that stand for them in files.
STEREO = ("mono", "top-bottom", "left-right", "custom", "right-left")


@dataclass(frozen=True)
class SphericalVideo:
    """How a picture covers the sphere.

    Attributes:
        projection: ``"equirectangular"``, ``"cubemap"``, ``"mesh"``, or what else the file says.
        stereo: One of ``STEREO``: whose halves are the left eye's and the right's.
        pose: Yaw, pitch and roll in degrees by which players turn the sphere.
        bounds: Shares of the sphere that the picture leaves out at the top, bottom, left and right.
        software: What is said to have made it.
        details: The projection's own box as version 2 has it, where it is not equirectangular; empty if unknown.
    """

    projection: str = EQUIRECTANGULAR
    stereo: str = "mono"
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    software: str = "avssl_hub"
    details: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class SpatialAudio:
    """What the channels of an ambisonic track are.

    Attributes:
        order: Ambisonic order.
        channel_map: For each ambisonic channel, in ``ordering``, the number of the track's channel that holds it.
        ordering: ``"acn"``, or the number of another ordering.
        normalization: ``"sn3d"``, or the number of another one.
        head_locked: Whether two more channels hold stereo that does not turn with the head.
    """

    order: int = 1
    channel_map: tuple[int, ...] = (0, 1, 2, 3)
    ordering: str = "acn"
    normalization: str = "sn3d"
    head_locked: bool = False


@dataclass(frozen=True)
class SpatialMetadata:
    """The spatial metadata of a file.

    Attributes:
        video: Of the first picture track that has some, or None.
        audio: Of the first sound track that has some, or None.
        notes: What could not be understood; empty if all was.
    """

    video: SphericalVideo | None = None
    audio: SpatialAudio | None = None
    notes: tuple[str, ...] = ()
