"""Where the sound of a clip comes from, against annotators' boxes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from ...data.manifest import Manifest, ManifestItem
from ...data.media_files import content_sha256
from ..localization import (
    SUCCESS,
    consensus_iou,
    consensus_of_annotators,
    consensus_of_union,
    threshold_areas,
)
from .clip import middle_clip
from .localizer import CentreLocalizer, Localizer, ZooLocalizer
from .protocol import MeasuredProtocol, Trial

_CONSENSUS: dict[str, Callable[[Sequence], Tensor]] = {
    "annotators": consensus_of_annotators,
    "union": consensus_of_union,
}


@dataclass(frozen=True)
class SoundLocalization(MeasuredProtocol):
    """The map of the middle of each recording is compared with boxes: cIoU, as LVS and its followers measure it.

    Attributes:
        consensus: "annotators" counts a pixel in full where two of them agree, of boxes in pixels of 256; "union"
            counts whatever a box covers, of boxes from 0 to 1.
        threshold: What of a map, scaled to 0 to 1, is its answer; None is what lies above its own median.
    """

    consensus: Literal["annotators", "union"]
    threshold: float | None = None

    name: ClassVar[str] = "sound_localization"
    version: ClassVar[int] = 1
    metric: ClassVar[str] = "cIoU@0.5"
    model: ClassVar = Localizer
    from_zoo: ClassVar = ZooLocalizer
    baselines: ClassVar = MappingProxyType({"centre": CentreLocalizer})

    def trials(self, manifest: Manifest) -> list[Trial]:
        boxes = map(json.loads, manifest.column("boxes").to_pylist())
        stills = manifest.column("still").to_pylist() if "still" in manifest.columns else [None] * len(manifest)
        told = (_truth(marked, still, manifest.root) for marked, still in zip(boxes, stills))
        return [Trial((row,), truth) for row, truth in enumerate(told)]

    def measure(self, items: list[ManifestItem], truth: Mapping[str, Any], model: Localizer) -> dict[str, float]:
        clip = middle_clip(items[0], model.form, truth.get("still"))
        heat = model.locate(clip.frames, clip.sound)
        iou = consensus_iou(heat[None], _CONSENSUS[self.consensus](truth["boxes"])[None], self.threshold).item()
        return {"cIoU@0.5": float(iou >= SUCCESS), "AUC": threshold_areas(np.array([iou])).item(), "mean cIoU": iou}


def _truth(boxes: list[list[float]], still: str | None, root: Path) -> dict[str, Any]:
    if still is None:
        return {"boxes": boxes}
    return {"boxes": boxes, "still": str(root / still), "still_sha256": content_sha256(root / still)}
