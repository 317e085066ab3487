"""Any folder of media files."""

from pathlib import Path, PurePath

import pyarrow as pa

from ..manifest import Manifest
from ..media_files import media_below
from ._match import Found


def build(root: str | Path) -> Found:
    """List all media files in a folder and those below it, sorted; the folder a file lies in is its label.

    AVID trained on every file of Kinetics-400's train folder that it found so. The authors took them in the order in
    which the file system listed them; a sorted list numbers the same copy in the same way on every machine.

    Args:
        root: The folder; files that lie in it itself have no label.

    Raises:
        NoMediaError: ``root`` is no folder.
    """
    paths = [*media_below(root)]
    if not paths:
        return Found(None, 0, [], 0, [])
    labels = pa.array([PurePath(path).parent.name or None for path in paths], pa.string())
    return Found(Manifest(pa.table({"path": paths, "label": labels}), root), len(paths), [], 0, [])
