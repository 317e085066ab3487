"""Talking faces, a folder for each speaker, as VoxCeleb and GRID are laid out."""

from pathlib import Path, PurePath

import pyarrow as pa

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ..media_files import media_below
from ._match import Found


def build(root: str | Path) -> Found:
    """List all media files below a folder; the folder within it that a file is in, however deep, is its label.

    Args:
        root: The folder with the speakers' folders, such as ``mp4`` of VoxCeleb or that of GRID with ``s1``, ``s2``.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: A file lies in ``root`` itself, so it is of no speaker.
    """
    paths = list(media_below(root))
    for path in paths:
        if len(PurePath(path).parts) < 2:
            rule, step = "a file in a speaker's folder", "Move it there, or pass a manifest with a column 'label'."
            raise ManifestError(explain(f"speakers in {root}", f"{path} beside their folders", rule, step))
    if not paths:
        return Found(None, 0, [], 0, [])
    labels = [PurePath(path).parts[0] for path in paths]
    return Found(Manifest(pa.table({"path": paths, "label": labels}), root), len(paths), [], 0, [])
