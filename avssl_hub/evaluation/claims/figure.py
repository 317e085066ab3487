"""The picture of a claim: each compared score, a bar a variant and a dot a seed."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...outputs import replacing

_INK, _BAR = "#222222", "#9ecae1"
_FONT = 11


def draw_claim(summary: dict, path: Path) -> None:
    """Write the figure of a summarized claim as a PNG."""
    compared = list(dict.fromkeys(comparison["score"] for comparison in summary["comparisons"]))
    rows = len(summary["variants"])
    figure = Figure(figsize=(3.4 + 3.2 * len(compared), 1.9 + 0.5 * rows), dpi=130, facecolor="white")
    panels = figure.subplots(1, len(compared), sharey=True, squeeze=False)[0]
    for axes, score in zip(panels, compared):
        _draw_score(axes, summary, score)
    panels[0].set_yticks(range(rows), [variant["label"] for variant in summary["variants"].values()], fontsize=_FONT)
    panels[0].invert_yaxis()
    figure.suptitle(summary["title"], fontsize=_FONT + 3, weight="bold")
    seeds = len(next(iter(summary["variants"].values()))["seeds"])
    key = f"Bars: mean of {seeds} seeds, lines: standard deviation, dots: seeds. AVWorld, a procedural toy world."
    figure.supxlabel(key, fontsize=_FONT - 2, color=_INK)
    figure.tight_layout()
    with replacing(path) as partial:
        figure.savefig(partial, format="png")


def _draw_score(axes: Axes, summary: dict, score: str) -> None:
    for row, variant in enumerate(summary["variants"].values()):
        if score not in variant["mean"]:
            continue
        axes.barh(row, variant["mean"][score], xerr=variant["spread"][score], color=_BAR, ecolor=_INK, height=0.6)
        values = [run["scores"][score] for run in variant["seeds"].values()]
        axes.scatter(values, [row] * len(values), s=18, color=_INK, zorder=3)
    outcomes = [comparison for comparison in summary["comparisons"] if comparison["score"] == score]
    held = sum(comparison["shown"] for comparison in outcomes)
    shown = {0: "not shown", len(outcomes): "shown"}.get(held, f"{held} of {len(outcomes)} shown")
    lower = ", lower is better" if outcomes[0]["lower_is_better"] else ""
    axes.set_title(f"{score.replace('_', ' ')}: {shown}", fontsize=_FONT, color=_INK)
    axes.set_xlabel(f"percent{lower}", fontsize=_FONT - 1)
    axes.spines[["top", "right"]].set_visible(False)
