"""A picture of power maps: the whole sphere over the whole sound, and below it which azimuths were loud when."""

from os import PathLike
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ...outputs import replacing
from .maps import PowerMaps

_RANGE = 20  # decibels below the loudest that the colours show
_COLOURS = "inferno"
_INK = "#222222"


def draw_power_maps(maps: PowerMaps, path: str | PathLike, title: str) -> None:
    """Write the picture as PNG.

    Args:
        maps: What to draw.
        path: Where to write.
        title: For the first line.

    Raises:
        OutputError: The picture cannot be written.
    """
    figure = Figure(figsize=(10, 9), dpi=110, facecolor="white", layout="constrained")
    sphere, course = figure.subplots(2, 1, height_ratios=(3, 2))
    figure.suptitle(title, fontsize=14, color=_INK)
    image = _draw_sphere(sphere, maps)
    _draw_course(course, maps)
    bar = figure.colorbar(image, ax=[sphere, course], shrink=0.6)
    bar.set_label("level relative to the loudest (dB)", color=_INK)
    with replacing(Path(path)) as partial:
        figure.savefig(partial, format="png")


def _draw_sphere(axes: Axes, maps: PowerMaps) -> AxesImage:
    half = 90 / (len(maps.mean) - 1)
    image = axes.imshow(
        _decibels(maps.mean).roll(1, 1).numpy(),  # the last column, at -180 degrees, is as well the first
        extent=(180 + half, -180 + half, -90 - half, 90 + half),
        cmap=_COLOURS,
        vmin=-_RANGE,
        vmax=0,
    )
    place = maps.mean.argmax()
    azimuth, elevation = (
        f"{angles.flatten()[place].item():.0f}°" for angles in (maps.azimuth_degrees, maps.elevation_degrees)
    )
    loudest = f"loudest towards azimuth {azimuth}, elevation {elevation}" if maps.mean.any() else "silence"
    axes.set_title(f"Mean over the whole sound: {loudest}", color=_INK)
    axes.set_xticks(range(-135, 181, 45))
    axes.set_yticks(range(-90, 91, 45))
    axes.set_xlabel("azimuth (°), left positive", color=_INK)
    axes.set_ylabel("elevation (°)", color=_INK)
    axes.grid(color="white", alpha=0.25, linewidth=0.6)
    return image


def _draw_course(axes: Axes, maps: PowerMaps) -> None:
    # Rows near the poles stand for less of the sphere.
    weights = torch.cos(torch.deg2rad(maps.elevation_degrees))
    level = ((maps.maps.square() * weights).sum(1) / weights.sum(0)).sqrt()
    half = 90 / (len(maps.mean) - 1)
    axes.imshow(
        _decibels(level).T.roll(1, 0).numpy(),
        extent=(0, len(level) * maps.seconds, -180 + half, 180 + half),
        aspect="auto",
        cmap=_COLOURS,
        vmin=-_RANGE,
        vmax=0,
        interpolation="nearest",
    )
    axes.set_title("All elevations together, over time", color=_INK)
    axes.set_yticks(range(-90, 181, 90))
    axes.set_xlabel("time (s)", color=_INK)
    axes.set_ylabel("azimuth (°)", color=_INK)


def _decibels(level: torch.Tensor) -> torch.Tensor:
    """Level in decibels relative to the loudest; silence is the bottom of the colours."""
    loudest = level.max().clamp_min(torch.finfo(level.dtype).tiny)
    return 20 * torch.log10((level / loudest).clamp_min(10 ** (-_RANGE / 20)))
