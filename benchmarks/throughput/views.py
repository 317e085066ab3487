"""How fast views are cut out of 360° clips as AVSA's release does: all at once, beside a view at a time.

The scalar way goes pixel by pixel through Python, the vectorised one frame by frame through NumPy. Both follow the
description of the released rule, and all give the same bytes. The library's camera answers another question, and is
timed with them.
"""

import math
import sys

import numpy as np
import torch
from torch import Tensor

from avssl_hub.video.view_rules import ViewRules
from avssl_hub.views import ViewCutter

from ._measure import Laps, bar, by_turns, torch_threads

SPEED_UP = 10.0
SCALAR, VECTORISED, LIBRARY, CAMERA = "pixel by pixel", "frame by frame, NumPy", "library", "library, camera"


def by_pixels(frame: np.ndarray, view: list[float], size: tuple[int, int]) -> np.ndarray:
    """Cut one view out of one frame ``(H, W, 3)``, a pixel at a time."""
    height, width, _ = frame.shape
    x, y, horizontal, vertical = view
    shift = _shift(x, width)
    latitude = (2 * y - 1) * math.pi / 2
    seen = np.empty((*size, 3), np.uint8)
    for row in range(size[0]):
        for column in range(size[1]):
            right = (2 * (column / size[1]) - 1) * math.pi * horizontal
            down = (2 * (row / size[0]) - 1) * math.pi / 2 * vertical
            length = math.sqrt(right * right + down * down)
            sine, cosine, divisor = math.sin(math.atan(length)), math.cos(math.atan(length)), max(length, 1e-4)
            below = math.asin(cosine * math.sin(latitude) + down * sine * math.cos(latitude) / divisor)
            beside = math.atan2(right * sine, length * math.cos(latitude) * cosine - down * math.sin(latitude) * sine)
            u = (beside / math.pi + 1) / 2 % 1 * width
            v = (below / (math.pi / 2) + 1) / 2 % 1 * height
            x0, y0 = math.floor(u), math.floor(v)
            x2, y2 = (x0 + 1) % width, min(y0 + 1, height - 1)
            first, second = (x0 + shift) % width, (x2 + shift) % width
            for channel in range(3):
                value = (x2 - u) * (y2 - v) * int(frame[y0, first, channel])
                value += (x2 - u) * (v - y0) * int(frame[y2, first, channel])
                value += (u - x0) * (y2 - v) * int(frame[y0, second, channel])
                value += (u - x0) * (v - y0) * int(frame[y2, second, channel])
                seen[row, column, channel] = round(value) % 256
    return seen


def by_frames(frame: np.ndarray, view: list[float], size: tuple[int, int]) -> np.ndarray:
    """Cut one view out of one frame ``(H, W, 3)`` with arrays."""
    height, width, _ = frame.shape
    x, y, horizontal, vertical = view
    turned = np.roll(frame, -_shift(x, width), 1)
    down, right = ((2 * (np.arange(count) / count) - 1) * math.pi for count in size)
    right, down = np.meshgrid(right * horizontal, down / 2 * vertical)
    length, latitude = np.sqrt(right * right + down * down), (2 * y - 1) * math.pi / 2
    sine, cosine, divisor = np.sin(np.arctan(length)), np.cos(np.arctan(length)), np.maximum(length, 1e-4)
    below = np.arcsin(cosine * np.sin(latitude) + down * sine * np.cos(latitude) / divisor)
    beside = np.arctan2(right * sine, length * np.cos(latitude) * cosine - down * np.sin(latitude) * sine)
    u = (beside / math.pi + 1) / 2 % 1 * width
    v = (below / (math.pi / 2) + 1) / 2 % 1 * height
    x0, y0 = np.floor(u).astype(int), np.floor(v).astype(int)
    x2, y2 = (x0 + 1) % width, np.minimum(y0 + 1, height - 1)
    value = ((x2 - u) * (y2 - v))[..., None] * turned[y0, x0]
    value += ((x2 - u) * (v - y0))[..., None] * turned[y2, x0]
    value += ((u - x0) * (y2 - v))[..., None] * turned[y0, x2]
    value += ((u - x0) * (v - y0))[..., None] * turned[y2, x2]
    return np.round(value).astype(np.int64).astype(np.uint8)


def _shift(x: float, width: int) -> int:
    return int(((2 * x - 1) * math.pi / math.pi + 1) / 2 * width - width // 2)


@torch_threads(1)
def run(rounds: int, frames: int = 8, height: int = 224, size: int = 112) -> dict:
    """Measure all ways on one thread.

    Args:
        rounds: How often each runs.
        frames: Frames of a clip, twice as wide as high.
        height: Their height.
        size: Side of a view.

    Returns:
        The section of the report.
    """
    generator = torch.Generator().manual_seed(0)
    clip = torch.randint(0, 256, (frames, height, 2 * height, 3), dtype=torch.uint8, generator=generator)
    views = ViewRules().sample(height, 2 * height, generator)
    found: dict[str, Tensor] = {}

    def one_by_one(name, cut):
        rows = views.rows.tolist()
        seen = np.stack([[cut(frame, view, (size, size)) for frame in clip.numpy()] for view in rows])
        found[name] = torch.from_numpy(seen).permute(0, 1, 4, 2, 3)

    def library(name, cutter):
        found[name] = cutter.pictures(clip.permute(0, 3, 1, 2), views)

    ways = {
        SCALAR: lambda: one_by_one(SCALAR, by_pixels),
        VECTORISED: lambda: one_by_one(VECTORISED, by_frames),
        LIBRARY: lambda: library(LIBRARY, ViewCutter((size, size))),
        CAMERA: lambda: library(CAMERA, ViewCutter((size, size), "camera")),
    }
    print("views", file=sys.stderr, flush=True)
    laps = Laps()
    by_turns(ways, rounds, laps)
    return {
        "title": f"{len(views.rows)} views of {size} × {size} pixels of a clip, one thread",
        "setting": {"rounds": rounds, "frames": frames, "height": height},
        "rows": [{**laps.row(name), "name": name} for name in ways],
        "figures": _figures(laps, found),
    }


def _figures(laps: Laps, found: dict[str, Tensor]) -> list[dict]:
    figures = []
    for slow, limit in ((SCALAR, SPEED_UP), (VECTORISED, None)):
        wall, cpu = laps.ratio(slow, LIBRARY)
        figures.append(bar(f"library over {slow}", wall, limit, cpu=cpu))
        unequal = (found[slow] != found[LIBRARY]).sum().item()
        figures.append(bar(f"{slow}: bytes that differ", unequal, 0, at_least=False, unit=""))
    return figures
