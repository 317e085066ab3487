"""The picture of how alike sound and picture are through a film."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..outputs import replacing
from ._figure_style import FONT, INK, LINE
from .similarity import Similarity

_REST = "#8c8c8c"
_LEAST_RANGE = 0.5  # of the colours, so that a model to which all is alike looks that way


def draw_similarity(result: Similarity, path: str | Path, subtitle: str) -> None:
    """Write the timeline, and the cosines of all pictures with all sounds, as a PNG.

    Args:
        result: What to draw.
        path: Where to write.
        subtitle: What was compared, for the second line of the title.

    Raises:
        OutputError: The picture cannot be written.
    """
    figure = Figure(figsize=(8, 9.5), dpi=130, facecolor="white", layout="constrained")
    line, matrix = figure.subplots(2, 1, height_ratios=(1, 1.8))
    figure.suptitle(f"Does the sound go with the picture?\n{subtitle}", fontsize=FONT + 2, color=INK)
    _draw_line(line, result)
    image = _draw_matrix(matrix, result)
    bar = figure.colorbar(image, ax=matrix)
    bar.set_label("cosine similarity", fontsize=FONT - 1)
    for axes in (line, matrix, bar.ax):
        axes.tick_params(labelsize=FONT - 2)
    with replacing(Path(path)) as partial:
        figure.savefig(partial, format="png")


def _draw_line(axes: Axes, result: Similarity) -> None:
    axes.plot(result.time, result.own, color=LINE, marker="o", markersize=4, label="with its own sound")
    axes.plot(result.time, result.others, color=_REST, linestyle="--", label="with the sound of other moments, mean")
    axes.set_xlabel("seconds of the film", fontsize=FONT)
    axes.set_ylabel("cosine of the picture", fontsize=FONT)
    axes.legend(fontsize=FONT - 2, loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_matrix(axes: Axes, result: Similarity):
    values = result.cosines
    limit = max(_LEAST_RANGE, values.nan_to_num().abs().max().item())
    half = (result.time[1] - result.time[0]).item() / 2 if len(result.time) > 1 else 0.5
    first, last = result.time[0].item() - half, result.time[-1].item() + half
    axes.set_facecolor("#e6e6e6")  # where picture or sound is missing
    image = axes.imshow(
        values.numpy(), cmap="PuOr_r", vmin=-limit, vmax=limit, extent=(first, last, last, first), interpolation="none"
    )
    axes.set_xlabel("sound at second", fontsize=FONT)
    axes.set_ylabel("picture at second", fontsize=FONT)
    return image
