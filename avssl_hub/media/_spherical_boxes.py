"""Spatial metadata as bytes: Google's spherical video of version 1 (XML) and 2 (boxes), and its spatial audio box."""

from struct import error as StructError
from struct import pack, unpack_from
from uuid import UUID
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from avssl_hub.media._boxes import Box
from avssl_hub.media.spherical import EQUIRECTANGULAR, STEREO, SpatialAudio, SphericalVideo

SPHERICAL_UUID = UUID("ffcc8263-f855-4a93-8814-587a02521fdd").bytes

_NAMESPACE = "http://ns.google.com/videos/1.0/spherical/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LARGEST_XML = 1 << 16

_PROJECTIONS = {b"equi": EQUIRECTANGULAR, b"cbmp": "cubemap", b"mshp": "mesh"}
_POSE_UNIT, _BOUND_UNIT = 1 << 16, 1 << 32

# An order beyond any microphone; a file that says more is damaged.
_HIGHEST_ORDER = 30


class NotUnderstoodError(ValueError):
    """A box breaks the rules of its kind; the text says how."""


def encode_xml(video: SphericalVideo) -> Box:
    """Write version 1, which has no pose."""
    fields = {
        "Spherical": "true",
        "Stitched": "true",
        "StitchingSoftware": escape(video.software),
        "ProjectionType": escape(video.projection),
    }
    if video.stereo != "mono":
        fields["StereoMode"] = escape(video.stereo)
    lines = "".join(f"<GSpherical:{name}>{value}</GSpherical:{name}>" for name, value in fields.items())
    text = f'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="{_RDF}" xmlns:GSpherical="{_NAMESPACE}">{lines}'
    return Box(b"uuid", SPHERICAL_UUID + f"{text}</rdf:SphericalVideo>".encode())


def decode_xml(box: Box) -> SphericalVideo | None:
    """Read version 1; None if it says that the picture is not spherical.

    Raises:
        NotUnderstoodError: It is no such XML.
    """
    text = bytes(box.head[16:]).rstrip(b"\0")
    # Neither has a place there, and both can make much of a small text.
    if len(text) > _LARGEST_XML or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise NotUnderstoodError("a spherical XML that is too long or defines things")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise NotUnderstoodError(f"a spherical XML that cannot be parsed ({error})") from error
    fields = {child.tag.removeprefix(f"{{{_NAMESPACE}}}"): (child.text or "").strip() for child in root}
    if fields.get("Spherical", "").lower() != "true":
        return None
    return SphericalVideo(
        fields.get("ProjectionType", EQUIRECTANGULAR).lower(),
        fields.get("StereoMode", "mono").lower(),
        bounds=_cropped(fields),
        software=fields.get("StitchingSoftware", ""),
    )


def can_say(video: SphericalVideo) -> bool:
    """Whether there are words for a projection."""
    known = video.projection in _PROJECTIONS.values() or len(video.projection.encode("latin-1", "replace")) == 4
    return video.projection == EQUIRECTANGULAR or (known and bool(video.details))


def encode_sv3d(video: SphericalVideo) -> list[Box]:
    """Write version 2: ``st3d`` and ``sv3d``."""
    header = Box(b"svhd", bytes(4) + video.software.encode() + b"\0")
    pose = Box(b"prhd", bytes(4) + pack(">3i", *(round(degrees * _POSE_UNIT) for degrees in video.pose)))
    kind = next((kind for kind, name in _PROJECTIONS.items() if name == video.projection), b"")
    if video.projection == EQUIRECTANGULAR:
        own = Box(kind, bytes(4) + pack(">4I", *(round(share * _BOUND_UNIT) for share in video.bounds)))
    else:
        own = Box(kind or video.projection.encode("latin-1"), video.details)
    stereo = Box(b"st3d", bytes(4) + bytes([STEREO.index(video.stereo)]))
    return [stereo, Box(b"sv3d", children=[header, Box(b"proj", children=[pose, own])])]


def decode_sv3d(entry: Box) -> SphericalVideo | None:
    """Read version 2 out of a sample entry; None if it has none.

    Raises:
        NotUnderstoodError: A box is too short, or lacks what it must hold.
    """
    sphere = next(entry.find(b"sv3d"), None)
    if sphere is None:
        return None
    try:
        (mode,) = unpack_from(">B", next((box.head for box in entry.find(b"st3d")), bytes(5)), 4)
        software = next((bytes(box.head[4:]).split(b"\0")[0] for box in sphere.find(b"svhd")), b"")
        pose = next((unpack_from(">3i", box.head, 4) for box in sphere.find(b"proj", b"prhd")), (0, 0, 0))
        own = next(box for projection in sphere.find(b"proj") for box in projection.children if box.kind != b"prhd")
        name = _PROJECTIONS.get(own.kind, own.kind.decode("latin-1"))
        bounds = unpack_from(">4I", own.head, 4) if name == EQUIRECTANGULAR else (0, 0, 0, 0)
    except (StructError, StopIteration) as error:
        raise NotUnderstoodError("an sv3d box that is cut or says of no projection") from error
    return SphericalVideo(
        name,
        STEREO[mode] if mode < len(STEREO) else str(mode),
        tuple(angle / _POSE_UNIT for angle in pose),
        tuple(share / _BOUND_UNIT for share in bounds),
        software.decode("utf-8", "replace"),
        b"" if name == EQUIRECTANGULAR else bytes(own.head),
    )


def encode_sa3d(audio: SpatialAudio) -> Box:
    """Write a spatial audio box, version 0; in ACN and SN3D, the one ordering and normalisation it knows."""
    head = pack(">BBIBBI", 0, audio.head_locked << 7, audio.order, 0, 0, len(audio.channel_map))
    return Box(b"SA3D", head + pack(f">{len(audio.channel_map)}I", *audio.channel_map))


def decode_sa3d(box: Box) -> SpatialAudio:
    """Read a spatial audio box.

    Raises:
        NotUnderstoodError: It is cut, of a later version, or its numbers contradict each other.
    """
    try:
        version, kind, order, ordering, normalization, count = unpack_from(">BBIBBI", box.head)
        if version or kind & 0x7F:
            raise NotUnderstoodError(f"an SA3D box of version {version} and type {kind & 0x7F}")
        if order > _HIGHEST_ORDER or count != (order + 1) ** 2 + 2 * (kind >> 7):
            raise NotUnderstoodError(f"an SA3D box of order {order} with {count} channels")
        channel_map = unpack_from(f">{count}I", box.head, 12)
    except StructError as error:
        raise NotUnderstoodError("an SA3D box that is cut") from error
    return SpatialAudio(
        order,
        channel_map,
        "acn" if ordering == 0 else str(ordering),
        "sn3d" if normalization == 0 else str(normalization),
        bool(kind >> 7),
    )


def _cropped(fields: dict[str, str]) -> tuple[float, float, float, float]:
    """Tell what version 1 says of the parts of the sphere that the picture leaves out."""
    names = ("FullPanoWidth", "FullPanoHeight", "CroppedAreaImageWidth", "CroppedAreaImageHeight")
    names = (*names, "CroppedAreaLeft", "CroppedAreaTop")
    try:
        width, height, shown_width, shown_height, left, top = (int(fields[f"{name}Pixels"]) for name in names)
        shares = top / height, 1 - (top + shown_height) / height, left / width, 1 - (left + shown_width) / width
    except (KeyError, ValueError, ArithmeticError):
        return (0.0, 0.0, 0.0, 0.0)
    return shares if all(0 <= share < 1 for share in shares) else (0.0, 0.0, 0.0, 0.0)
