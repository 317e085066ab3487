"""What FFmpeg must not see of a file, since it would not survive it."""

from struct import pack, unpack_from
from typing import BinaryIO

from avssl_hub.media._boxes import LARGEST_INDEX, BadBoxesError, is_boxed, outermost

_SA3D = b"SA3D"


def unreadable_boxes(file: BinaryIO, size: int) -> tuple[int, ...]:
    """Find the boxes that say that ambisonic channels are stored in another order than their own.

    FFmpeg 8 frees the list of such an order twice, if the sound is FLAC or PCM. Nothing is lost if it passes over them:
    it hands channels out as they are stored, and the order is read by ``read_spatial_metadata``.

    Args:
        file: A file of any kind.
        size: Its length in bytes.

    Returns:
        Where in the file the kinds of these boxes stand, four bytes each.
    """
    if not is_boxed(file):
        return ()
    try:
        moov = next((span for span in outermost(file, size) if span.kind == b"moov"), None)
    except BadBoxesError:
        return ()
    if moov is None:
        return ()
    file.seek(moov.begin)
    content = file.read(min(moov.end - moov.begin, LARGEST_INDEX))
    found, at = [], content.find(_SA3D)
    while at >= 0:
        if _out_of_order(content, at):
            found.append(moov.begin + at)
        at = content.find(_SA3D, at + 1)
    return tuple(found)


def _out_of_order(content: bytes, at: int) -> bool:
    # Version, type, order, ordering, normalization, and then the list: its length, and a channel in four bytes.
    first = at + 16
    if at < 4 or len(content) < first:
        return False
    (length,), (count,) = unpack_from(">I", content, at - 4), unpack_from(">I", content, first - 4)
    listed = content[first : at - 4 + length]
    return len(listed) == 4 * count and listed != pack(f">{count}I", *range(count))
