"""VGG Sound Source (Chen et al., 2021): boxes around what is heard in clips of VGG-Sound's test set."""

import json
from collections.abc import Iterator
from pathlib import Path

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ._boxes import boxes_text, with_stills
from ._match import Found, Listed, match


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the clips of ``vggss.json``.

    The file is a list of ``{"file": "<id>_<start>", "class": ..., "bbox": [[x1, y1, x2, y2], ...]}``, boxes from 0 to
    1. A clip lies anywhere below ``root`` as a video, or as a sound with the annotated frame beside it as a picture of
    the same name, as in the folders ``audio`` and ``frames`` that followers use.

    Args:
        root: Folder of the clips.
        listing: The official JSON file.
        split: Must be None: there is none.

    Returns:
        What was found; the manifest has columns ``boxes``, in JSON, and ``still`` where there are pictures.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, or has a bad entry.
    """
    if split is not None:
        raise ManifestError(explain("split of vggss", repr(split), "none: all clips are to test on"))
    return with_stills(match(_listed(Path(listing)), root), root)


def _listed(listing: Path) -> Iterator[Listed]:
    try:
        entries = json.loads(listing.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(explain(f"reading list {listing}", error, "vggss.json as published")) from error
    if not isinstance(entries, list):
        raise ManifestError(explain(f"list {listing}", type(entries).__name__, "a list of annotations"))
    for number, entry in enumerate(entries, start=1):
        place = f"list {listing}, entry {number}"
        if not isinstance(entry, dict):
            raise ManifestError(explain(place, repr(entry), "a mapping with file, class and bbox"))
        file, label = (_text(entry, key, place) for key in ("file", "class"))
        yield Listed(place, file, label, columns={"boxes": boxes_text(entry.get("bbox"), 1.0, place)})


def _text(entry: dict, key: str, place: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ManifestError(explain(f"{place}, {key}", repr(value), "some text"))
    return value
