"""The picture of a film's synchrony: its score over time, and over shifts of its sound."""

from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..outputs import replacing
from ._figure_style import BEST, FONT, INK, LINE
from .synchronize import Synchrony


def draw_synchrony(result: Synchrony, path: str | Path, subtitle: str) -> None:
    """Write the scores as a PNG.

    Args:
        result: What to draw; with a single offset, only the score over time.
        path: Where to write.
        subtitle: What was scored, for the second line of the title.

    Raises:
        OutputError: The picture cannot be written.
    """
    shifted = len(result.offsets) > 1
    figure = Figure(figsize=(10, 7.5 if shifted else 4.5), dpi=130, facecolor="white", layout="constrained")
    axes = figure.subplots(2 if shifted else 1, 1, squeeze=False)[:, 0]
    figure.suptitle(f"Is the sound in time with the picture?\n{subtitle}", fontsize=FONT + 2, color=INK)
    _draw_over_time(axes[0], result)
    if shifted:
        _draw_over_offset(axes[1], result)
    for part in axes:
        part.axhline(0, color=INK, linewidth=0.8)
        part.tick_params(labelsize=FONT - 2)
        part.spines[["top", "right"]].set_visible(False)
    with replacing(Path(path)) as partial:
        figure.savefig(partial, format="png")


def _draw_over_time(axes: Axes, result: Synchrony) -> None:
    # Each window is a bar, as wide as it is long; where bars overlap the line of their middles tells them apart.
    for begin, end, logit in zip(result.start.tolist(), result.end.tolist(), result.logits.tolist()):
        axes.fill_between([begin, end], logit, color=LINE, alpha=0.15, linewidth=0)
    axes.plot((result.start + result.end) / 2, result.logits, marker="o", color=LINE)
    axes.set_xlabel("seconds of the film", fontsize=FONT)
    axes.set_ylabel("score\n(above 0: in synchrony)", fontsize=FONT)


def _draw_over_offset(axes: Axes, result: Synchrony) -> None:
    scores, best = result.scores, result.best_offset
    axes.plot(result.offsets, scores, marker="o", color=LINE)
    score = scores[(result.offsets - best).abs().argmin()]
    axes.plot([best], [score], marker="o", markersize=12, markerfacecolor="none", color=BEST)
    axes.annotate(f"best: {best:+g} s", (best, score), xytext=(10, 6), textcoords="offset points", color=BEST)
    axes.set_xlabel("sound taken from so many seconds later than the picture", fontsize=FONT)
    axes.set_ylabel("score", fontsize=FONT)
    if not torch.isfinite(scores).all():
        axes.set_title("where there is no dot, too little sound is left to compare", fontsize=FONT - 2, color=INK)
