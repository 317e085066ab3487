"""Classes painted over an equirectangular picture, each in its colour, with a legend of those that show most."""

import colorsys
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F

_OPAQUE = 0.5
# Eighths of the colour circle from one class to the next; saturation and brightness change after eight of them.
_EIGHTHS = 3
_TONES = ((0.9, 1.0), (0.45, 1.0), (0.9, 0.6), (0.4, 0.7))

_LEGEND_CLASSES = 8
_LEGEND_LEAST = 0.01  # share of the sphere
_LINE = 1 / 24  # of the picture's height
_LEAST_LINE = 9  # pixels, below which names cannot be read


def class_colours(number: int) -> torch.Tensor:
    """Choose colours, uint8 ``(number, 3)``, the first 32 of which can be told apart."""
    colours = [
        colorsys.hsv_to_rgb(_EIGHTHS * index / 8 % 1, *_TONES[index // 8 % len(_TONES)]) for index in range(number)
    ]
    return (torch.tensor(colours) * 255).round().to(torch.uint8)


def overlay_classes(frame: torch.Tensor, classes: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Paint a map of classes over a frame, half opaque.

    Args:
        frame: uint8 ``(H, W, 3)``.
        classes: uint8 ``(h, w)``, enlarged to the frame, every pixel taking the class of the nearest.
        colours: uint8 ``(classes, 3)``.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    large = F.interpolate(classes[None, None].float(), frame.shape[:2], mode="nearest-exact")[0, 0].long()
    return torch.lerp(frame.float(), colours.float()[large], _OPAQUE).round().to(torch.uint8)


def add_legend(frame: torch.Tensor, names: Sequence[str], shares: torch.Tensor, colours: torch.Tensor) -> None:
    """Write the names of the classes that show most into a frame's lower left corner, in the order of the classes.

    Args:
        frame: uint8 ``(H, W, 3)``, which is painted on.
        names: Of the classes.
        shares: Share of the sphere of each.
        colours: uint8 ``(classes, 3)``.
    """
    most = shares.argsort(descending=True)[:_LEGEND_CLASSES]
    chosen = sorted(index for index in most.tolist() if shares[index] >= _LEGEND_LEAST)
    line = max(_LEAST_LINE, round(frame.shape[0] * _LINE))
    told = tuple((names[index], tuple(colours[index].tolist())) for index in chosen)
    if not told:
        return
    legend = _legend(told, line)[: frame.shape[0], : frame.shape[1]]
    height, width = legend.shape[:2]
    frame[frame.shape[0] - height :, :width] = legend


@lru_cache(maxsize=32)
def _legend(told: tuple[tuple[str, tuple[int, int, int]], ...], line: int) -> torch.Tensor:
    """Draw names behind squares of their colours, uint8 ``(lines, width, 3)``."""
    width = round(line * (2 + 0.62 * max(len(name) for name, _ in told)))
    figure = Figure(figsize=(width / 100, line * len(told) / 100), dpi=100, facecolor="#202020")
    for number, (name, colour) in enumerate(told):
        middle = 1 - (number + 0.5) / len(told)
        style = {"va": "center", "fontsize": 0.72 * line * 0.72, "family": "DejaVu Sans Mono"}
        square = {"color": [value / 255 for value in colour]}
        figure.text(0.35 * line / width, middle, "\N{BLACK SQUARE}", **style, **square)
        figure.text(1.3 * line / width, middle, name, color="white", **style)
    return torch.from_numpy(_pixels(figure))


def _pixels(figure: Figure) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]
