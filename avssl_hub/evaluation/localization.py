"""Where a sound comes from: consensus IoU of a map with annotated boxes, as sound localisation is scored.

The definitions are those that LVS, EZ-VSL and SLAVC share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import InvalidValueError, explain
from .intervals import mean_interval

SIZE = 224  # pixels of a side, at which maps and boxes are compared
SUCCESS = 0.5
ANNOTATORS_PIXELS = 256  # of a side, in which Flickr-SoundNet's boxes are given
AGREEMENT = 2  # annotators, of three, who together make a pixel count in full

Box = Sequence[float]


@dataclass(frozen=True)
class LocalizationScore:
    """What many maps are worth.

    Attributes:
        clips: Number of maps.
        success: Share of maps with a cIoU of at least 0.5, 0 to 1: what tables call cIoU.
        interval: Its 95 % interval, clips drawn anew.
        auc: Area under the share of maps that reach a threshold, over thresholds from 0 to 1, 0 to 1.
    """

    clips: int
    success: float
    interval: tuple[float, float]
    auc: float


def consensus_of_annotators(boxes: Sequence[Box]) -> Tensor:
    """Draw the boxes of Flickr-SoundNet's annotators: a pixel counts in full where two of them agree.

    Args:
        boxes: (x1, y1, x2, y2) each, in pixels of a picture of 256 x 256.

    Returns:
        Map (224, 224): 0, 0.5 or 1.

    Raises:
        InvalidValueError: No pixel is covered.
    """
    return (_painted(boxes, ANNOTATORS_PIXELS) / AGREEMENT).clamp_max(1)


def consensus_of_union(boxes: Sequence[Box]) -> Tensor:
    """Draw the boxes of VGG-SS: whatever one of them covers.

    Args:
        boxes: (x1, y1, x2, y2) each, from 0 to 1; what lies beyond is cut off.

    Returns:
        Map (224, 224): 0 or 1.

    Raises:
        InvalidValueError: No pixel is covered.
    """
    return _painted(boxes, 1).clamp_max(1)


def consensus_iou(maps: Tensor, consensus: Tensor, threshold: float | None = None) -> Tensor:
    """Measure how well maps cover what annotators marked.

    A map is brought to the consensus's size (bilinear) and to values from 0 to 1; what lies above the threshold is its
    answer.
    The cIoU is what of the consensus lies in the answer, over the consensus and that part of the answer where it is 0.
    A constant map, as silence may make, tells nothing: it has no pixel above any threshold, and its cIoU is 0.

    Args:
        maps: (N, h, w), any values, higher where the sound seems to be.
        consensus: (N, H, W) from 0 to 1.
        threshold: From 0 to 1, or None for each map's own median, which answers with half of all pixels.

    Returns:
        (N,) float64, 0 to 1.

    Raises:
        InvalidValueError: A shape does not fit, a map has values that are not finite, a consensus marks nothing or
            leaves 0 to 1, or the threshold does.

    Example:
        >>> quarter = torch.zeros(1, 4, 4)
        >>> quarter[:, :2, :2] = 1
        >>> consensus_iou(quarter, quarter, 0.5).item()
        1.0
    """
    _check(maps, consensus, threshold)
    sized = F.interpolate(maps[:, None].double(), consensus.shape[1:], mode="bilinear").flatten(1)
    least, most = sized.aminmax(dim=1, keepdim=True)
    scaled = (sized - least) / torch.where(most > least, most - least, 1.0)
    limit = scaled.quantile(0.5, dim=1, keepdim=True) if threshold is None else threshold
    answer = scaled > limit
    marked = consensus.double().flatten(1)
    beside = (answer & (marked == 0)).sum(1)
    return (answer * marked).sum(1) / (marked.sum(1) + beside)


def localization_score(ious: Tensor | np.ndarray, groups: np.ndarray | None = None, seed: int = 0) -> LocalizationScore:
    """Sum up the cIoU of many maps.

    Args:
        ious: (N,), as :func:`consensus_iou` gives them.
        groups: (N,), the same for maps of one clip, which then count as one in the interval; each is its own by
            default.
        seed: Of the interval's draws.

    Raises:
        InvalidValueError: There are none.
    """
    ious = np.asarray(ious, float)
    if not len(ious):
        raise InvalidValueError(explain("localization score", "no maps", "at least one"))
    success = (ious >= SUCCESS).astype(float)
    interval = mean_interval([(success, np.arange(len(ious)) if groups is None else groups)], seed)
    return LocalizationScore(len(ious), float(success.mean()), interval, float(threshold_areas(ious).mean()))


def threshold_areas(ious: np.ndarray) -> np.ndarray:
    """Return the area under "reached or not" over the thresholds 0, 0.05 to 1, of each map; their mean is the AUC."""
    thresholds = np.arange(21) / 20
    return np.trapezoid((ious >= thresholds[:, None]).astype(float), thresholds, axis=0)


def _painted(boxes: Sequence[Box], side: float) -> Tensor:
    """Count the boxes over each of 224 x 224 pixels; edges are rounded down, as the field's evaluations do."""
    if not boxes:
        raise InvalidValueError(explain("boxes of a clip", "none", "at least one", "Leave the clip out."))
    count = torch.zeros(SIZE, SIZE)
    for box in boxes:
        left, top, right, bottom = (int(min(max(edge / side, 0.0), 1.0) * SIZE) for edge in box)
        count[top:bottom, left:right] += 1
    if not count.any():
        rule = f"(x1, y1, x2, y2) within 0 to {side:g}, one of which covers a pixel of {SIZE} x {SIZE}"
        raise InvalidValueError(explain("boxes of a clip", [tuple(box) for box in boxes], rule))
    return count


def _check(maps: Tensor, consensus: Tensor, threshold: float | None) -> None:
    if maps.ndim != 3 or consensus.ndim != 3 or len(maps) != len(consensus):
        got = f"shapes {tuple(maps.shape)} and {tuple(consensus.shape)}"
        raise InvalidValueError(explain("maps and consensus", got, "(N, h, w) and (N, H, W)"))
    if not maps.isfinite().all():
        step = "Leave clips without sound out, and say how many."
        raise InvalidValueError(explain("maps", "values that are not finite", "finite ones", step))
    if not ((consensus >= 0).all() and (consensus <= 1).all() and (consensus > 0).flatten(1).any(1).all()):
        step = "Leave clips in which nothing sounds out, and say how many."
        raise InvalidValueError(
            explain("consensus", "one that marks nothing or leaves 0 to 1", "shares from 0 to 1", step)
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise InvalidValueError(explain("threshold", threshold, "0 to 1, or None for the median"))
