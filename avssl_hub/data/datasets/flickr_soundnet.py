"""Flickr-SoundNet with boxes (Senocak et al., 2018): stills and sounds, each marked by three annotators."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ._boxes import boxes_text, with_stills
from ._match import Found, Listed, match

PIXELS = 256
_MOST_BYTES = 1 << 20  # a file has a few hundred; nothing that unfolds is read


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the recordings of a folder of annotations.

    An annotation is ``<name>.xml``: a root with an element for each annotator, in which each ``bbox`` holds a first
    element, which is passed over, then xmin, ymin, xmax and ymax in pixels of a picture of 256 x 256. That form is
    read off the public evaluations of the set, since no official description was at hand. The sound and the picture
    of that name lie anywhere below ``root``.

    Args:
        root: Folder of sounds and pictures.
        listing: Folder of the annotations.
        split: Must be None: there is none.

    Returns:
        What was found; the manifest has columns ``boxes``, in JSON, and ``still``.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: There is no annotation, or one cannot be read.
    """
    if split is not None:
        raise ManifestError(explain("split of flickr_soundnet", repr(split), "none: all are to test on"))
    return with_stills(match(_listed(Path(listing)), root), root)


def _listed(folder: Path) -> Iterator[Listed]:
    files = sorted(folder.glob("*.xml")) if folder.is_dir() else []
    if not files:
        raise ManifestError(explain(f"annotations in {folder}", "no .xml file", "a folder of them"))
    for file in files:
        yield Listed(str(file), file.stem, columns={"boxes": boxes_text(_boxes(file), PIXELS, str(file))})


def _boxes(file: Path) -> list[list[float]]:
    try:
        content = file.read_bytes()
        if len(content) > _MOST_BYTES or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ManifestError(explain(f"annotation {file}", "a document type, or over 1 MiB", "plain elements"))
        tree = ElementTree.fromstring(content)
        return [[float(edge.text) for edge in list(box)[1:]] for box in tree.iter("bbox")]
    except (OSError, ElementTree.ParseError, ValueError, TypeError) as error:
        rule = "XML with bbox elements of a first element and four numbers"
        raise ManifestError(explain(f"reading annotation {file}", error, rule)) from error
