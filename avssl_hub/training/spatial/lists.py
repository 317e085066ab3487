"""Which prepared recordings are learned from, and which of their channels were recorded."""

import logging
from pathlib import Path

import torch
from torch import Tensor

from ...data.spatial import MissingPartError, SpatialFolderError, channel_mask, is_spatial_folder
from ...errors import explain
from .recipe import ChunkSettings

logger = logging.getLogger(__name__)


def listed_folders(data: ChunkSettings) -> list[Path]:
    """Find the recordings that a recipe names, in the order of their names; say which are not there.

    Raises:
        MissingPartError: There is none.
        SpatialFolderError: The list cannot be read.
    """
    root = Path(data.folder)
    if data.listing:
        names = sorted({line.strip() for line in _lines(Path(data.listing)) if line.strip()})
    else:
        names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    found = [root / name for name in names if is_spatial_folder(root / name)]
    if not found:
        step = "Prepare them with avssl data prepare-360."
        raise MissingPartError(explain(f"recordings in {root}", f"none of {len(names)}", "prepared folders", step))
    if data.listing and len(found) < len(names):
        gone = sorted(set(names) - {path.name for path in found})
        logger.warning("%d of %d listed recordings are not in %s: %s", len(gone), len(names), root, ", ".join(gone))
    return found


def recorded_channels(data: ChunkSettings, names: list[str]) -> Tensor:
    """Tell which of Y, Z and X each recording has, ``(N, 3)``; all, if no layouts are given.

    Raises:
        SpatialFolderError: The list of layouts cannot be read, or leaves a recording out.
    """
    if not data.layouts:
        return torch.ones(len(names), 3, dtype=torch.bool)
    layouts = {}
    for number, line in enumerate(_lines(Path(data.layouts)), start=1):
        name, space, layout = line.partition(" ")
        if not space:
            what = f"{data.layouts}, line {number}"
            raise SpatialFolderError(explain(what, repr(line), "a recording's name and WXYZ or WXY"))
        layouts[name] = layout.strip()
    if missing := [name for name in names if name not in layouts]:
        step = "Add them, or leave data.layouts out if all channels were recorded."
        raise SpatialFolderError(explain(data.layouts, f"no layout of {', '.join(missing[:8])}", "one of each", step))
    return torch.stack([channel_mask(layouts[name])[1:] > 0 for name in names])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        got = " ".join(str(error).split())
        raise SpatialFolderError(explain(f"list {path}", got, "a text file that can be read")) from error
