"""Folders of prepared 360° videos, as ``avssl data prepare-360`` makes them."""

from pathlib import Path

import pyarrow as pa

from ...errors import explain
from ..manifest import Manifest
from ..media_files import NoMediaError
from ..spatial import is_spatial_folder
from ._match import Found


def build(root: str | Path) -> Found:
    """List the prepared folders in a folder, without a look at the thousands of files in each.

    Raises:
        NoMediaError: ``root`` is no folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise NoMediaError(explain(f"looking for prepared videos in {root}", "no such folder", "an existing one"))
    names = sorted(path.name for path in root.iterdir() if is_spatial_folder(path))
    manifest = Manifest(pa.table({"path": pa.array(names, pa.string())}), root) if names else None
    return Found(manifest, len(names), [], 0, [])
