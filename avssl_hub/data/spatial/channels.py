"""Which channels a recording really has: the column ``layout`` of a manifest, "WXYZ" or "WXY"."""

import torch

from ...errors import unknown_name
from ..manifest import Manifest

# What counts of W, Y, Z, X.
_MASKS = {"WXYZ": (1.0, 1.0, 1.0, 1.0), "WXY": (1.0, 1.0, 0.0, 1.0)}


def channel_layouts(manifest: Manifest) -> list[str]:
    """Give each recording's layout; all channels where a manifest has no such column."""
    return manifest.column("layout").to_pylist() if "layout" in manifest.columns else ["WXYZ"] * len(manifest)


def layout_mask(layout: str) -> torch.Tensor:
    """Tell which of W, Y, Z, X count in a recording with the channels ``layout``: (4,), 1 or 0.

    Raises:
        UnknownNameError: The layout is neither "WXYZ" nor "WXY".
    """
    if layout not in _MASKS:
        raise unknown_name("channel layout", layout, _MASKS)
    return torch.tensor(_MASKS[layout])
