"""The picture of a film's orientation: how well its sound fits at each angle, as seen from above."""

import math
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from ..outputs import replacing
from ._figure_style import BEST, FONT, INK, LINE
from .orientation import Orientation


def draw_orientation(result: Orientation, path: str | Path, subtitle: str) -> None:
    """Write the score of each angle as a PNG: 0 is ahead, at the top, and the left is on the left.

    Args:
        result: What to draw.
        path: Where to write.
        subtitle: What was scored, for the second line of the title.

    Raises:
        OutputError: The picture cannot be written.
    """
    figure = Figure(figsize=(8, 8.5), dpi=130, facecolor="white", layout="constrained")
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    figure.suptitle(f"By which angle must the sound be turned?\n{subtitle}", fontsize=FONT + 2, color=INK)
    axes.set_theta_zero_location("N")
    _draw(axes, result)
    with replacing(Path(path)) as partial:
        figure.savefig(partial, format="png")


def _draw(axes: PolarAxes, result: Orientation) -> None:
    yaws, scores, spread = (_closed(values) for values in (result.yaws, result.scores, result.spread))
    yaws[-1] += math.tau
    low, high = (scores - spread).min().item(), (scores + spread).max().item()
    room = 0.1 * (high - low) or 1.0
    best, top = result.best_yaw, high + room
    axes.set_rlim(low - 2 * room, top)
    axes.fill_between(yaws, scores - spread, scores + spread, color=LINE, alpha=0.2, linewidth=0)
    axes.plot(yaws, scores, marker="o", color=LINE, label="score, and its spread over the windows")
    axes.plot([best, best], [low - 2 * room, top], color=BEST, linewidth=2, label=f"best: {math.degrees(best):+.0f}°")
    names = {0: "0°\nas it is", 90: "+90°\nleft", -180: "±180°\nbehind", -90: "-90°\nright"}
    angles = range(-180, 180, 30)
    axes.set_xticks([math.radians(angle) for angle in angles])
    # Ticks change the range that is shown.
    axes.set_thetalim(-math.pi, math.pi)
    axes.set_xticklabels([names.get(angle, f"{angle:+d}°") for angle in angles])
    axes.tick_params(labelsize=FONT - 2, colors=INK)
    axes.tick_params(axis="x", pad=14)
    axes.set_rlabel_position(15)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=FONT - 2, frameon=False, ncols=2)


def _closed(values: torch.Tensor) -> torch.Tensor:
    """Repeat the first value at the end, so that a line goes all the way round."""
    return torch.cat([values, values[:1]])
