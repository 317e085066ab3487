"""What annotated recordings share: boxes as text of a column, and stills that lie beside sounds."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import pyarrow as pa

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ._match import Found

_STILLS = frozenset({".jpg", ".jpeg", ".png"})


def boxes_text(boxes: object, most: float, place: str) -> str:
    """Check boxes (x1, y1, x2, y2) and write them as JSON.

    A box may reach beyond the picture, by less than its size, and is cut off there when scored.

    Args:
        boxes: What the annotation has.
        most: Right and lower border of the picture in the boxes' units; the others are 0.
        place: What messages call the annotation.

    Raises:
        ManifestError: It is no list of such boxes, or has none.
    """
    if not isinstance(boxes, Sequence) or isinstance(boxes, str) or not boxes:
        raise ManifestError(explain(f"{place}, boxes", repr(boxes), "a list of at least one"))
    for box in boxes:
        numbers = isinstance(box, Sequence) and len(box) == 4 and all(map(_is_number, box))
        if not numbers or not _inside(box, most):
            rule = f"x1, y1, x2, y2 within 0 to {most:g}, the second point right of and below the first"
            raise ManifestError(explain(f"{place}, box", repr(box), rule))
    return json.dumps([list(map(float, box)) for box in boxes])


def with_stills(found: Found, root: str | Path | Manifest) -> Found:
    """Add a column ``still`` with the picture of the same name, where a folder has pictures beside its recordings.

    Raises:
        ManifestError: Two pictures have the same name.
    """
    if found.manifest is None or isinstance(root, Manifest):
        return found
    stills: dict[str, str] = {}
    for path in sorted(file for file in Path(root).rglob("*") if file.suffix.lower() in _STILLS):
        name = path.relative_to(root).as_posix()
        if stills.setdefault(path.stem, name) != name:
            got = f"both {stills[path.stem]} and {name}"
            raise ManifestError(explain(f"pictures in {root}", got, "one of each name", "Keep one of them."))
    held = [stills.get(PurePath(item.path).stem) for item in found.manifest]
    if not any(held):
        return found
    table = found.manifest.table.append_column("still", pa.array(held, pa.string()))
    return replace(found, manifest=Manifest(table, found.manifest.root))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _inside(box: Sequence[float], most: float) -> bool:
    left, top, right, bottom = box
    bounded = -most < min(box) and max(box) < 2 * most
    return bounded and left < min(right, most) and top < min(bottom, most) and right > 0 and bottom > 0
