"""Score against the work of the network, as SVG that follows the colours of the page it stands in."""

import io
import itertools
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ._board import Entry, comparable
from ._metrics import LOWER_IS_BETTER, is_share, scaled, unit

_INK = "#010203"  # stands for the colour of the text around
_SIZE = (7.2, 4.4)  # inches
_LINE = 0.045  # height of a name, as a share of that of the plot
_NEAR = 3.0  # costs within about this factor share a column of names
_ASIDE = 1.1  # factor of cost between the marks and the names of a column
_MARKS = "osD^vP*X"
_COLOURS = {"model": "#2f7ed8", "baseline": "#d9822b", "control": "#8a8f98"}  # legible on white and on black
_STYLE = {
    "svg.fonttype": "path",  # no font is needed where it is shown
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}
# In a file of its own it has no text around it.
_ALONE = "<style>svg{color:#1c1e21}@media(prefers-color-scheme:dark){svg{color:#e4e6eb}}</style>"


def draw_all(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Draw one plot for each set of results that are of the same recordings and metric.

    Returns:
        SVG by title.
    """
    return {title: draw(title, held) for title, held in comparable(entries).items()}


def draw(title: str, entries: Sequence[Entry]) -> str:
    """Return an SVG: a mark a result, at its GMACs a clip and its score, with the 95 % interval."""
    protocols = sorted({entry.protocol for entry in entries})
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(_SIZE, layout="constrained")
        axes = figure.subplots()
        heights = _heights(entries)
        for number, (entry, place) in enumerate(zip(entries, _name_places(entries, _LINE * (heights[1] - heights[0])))):
            gid = f"{entry.kind}-{zlib.crc32(title.encode())}-{number}"  # the page hides controls by its beginning
            _draw_entry(axes, entry, _MARKS[protocols.index(entry.protocol) % len(_MARKS)], place, gid)
        for mark, protocol in zip(itertools.cycle(_MARKS), protocols):
            axes.plot([], [], mark, color=_INK, markerfacecolor="none", label=protocol)
        _scale(axes, [_cost(entry) for entry in entries])
        axes.set_ylim(heights)
        axes.set_xlabel("GMACs a clip")
        metric = entries[0].result["metric"]
        remark = unit(metric) or ("less is better" if metric in LOWER_IS_BETTER else "")
        axes.set_ylabel(f"{metric}, {remark}" if remark else metric)
        axes.set_title(title, fontsize=10, loc="left")
        axes.grid(color=_INK, alpha=0.12)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.14))
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _cleaned(text.getvalue(), title)


def alone(svg: str) -> str:
    """Return a plot as a file of its own, which follows the viewer's light or dark mode."""
    return re.sub(r"(<svg[^>]*>)", rf"\1{_ALONE}", svg, count=1)


def _cost(entry: Entry) -> float:
    return entry.result["cost"]["gmacs_per_clip"]


def _draw_entry(axes: Axes, entry: Entry, mark: str, place: tuple[float, float], gid: str) -> None:
    score, cost, colour = entry.result["score"], _cost(entry), _COLOURS[entry.kind]
    value, low, high = (scaled(entry.result["metric"], end) for end in (score["accuracy"], *score["interval"]))
    face = "none" if entry.kind == "control" else colour
    name = f"{entry.model} ({entry.kind_in_words})" if entry.kind == "control" else entry.model
    line = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4, "relpos": (0, 0.5)}
    label = axes.annotate(name, (cost, value), place, va="center", fontsize=8, arrowprops=line)
    drawn = [
        label,
        label.arrow_patch,
        *axes.plot([cost, cost], [low, high], color=colour, linewidth=1.5, alpha=0.6),
        *axes.plot(cost, value, mark, color=colour, markerfacecolor=face, markersize=7),
    ]
    for part, artist in zip(("name", "line", "interval", "mark"), drawn):
        artist.set_gid(f"{gid}-{part}")


def _heights(entries: Sequence[Entry]) -> tuple[float, float]:
    """Return the lowest and highest value of the plot: all shares there are, or a little more than is taken."""
    metric = entries[0].result["metric"]
    if is_share(metric):
        return 0.0, 100.0
    ends = [end for entry in entries for end in entry.result["score"]["interval"]]
    low, high = min(ends), max(ends)
    if unit(metric):
        return math.floor(low) - 1.0, math.ceil(high) + 1.0
    margin = max(high - low, abs(high) / 10, 1e-3) / 2
    return low - margin, high + margin


def _name_places(entries: Sequence[Entry], line: float) -> list[tuple[float, float]]:
    """Return where each name, ``line`` high, stands, in GMACs and the metric's unit.

    Names of like cost stand in one column right of all its marks, and no two at the same height.
    """
    columns: dict[int, list[int]] = {}
    for index in sorted(range(len(entries)), key=lambda index: entries[index].result["score"]["accuracy"]):
        columns.setdefault(round(math.log(max(_cost(entries[index]), 1e-9), _NEAR)), []).append(index)
    places = [(0.0, 0.0)] * len(entries)
    for indices in columns.values():
        right, top = max(_cost(entries[index]) for index in indices), -math.inf
        for index in indices:
            result = entries[index].result
            top = max(scaled(result["metric"], result["score"]["accuracy"]), top + line)
            places[index] = (right * _ASIDE, top)
    return places


def _scale(axes: Axes, costs: Sequence[float]) -> None:
    """Scale by logarithm, with a place for 0, and with room for names at the right."""
    above = [cost for cost in costs if cost] or [1.0]
    left, right = min(above) / 2, max(above) * _NEAR * 2
    has_zero = 0 in costs
    axes.set_xscale("symlog", linthresh=left, linscale=0.3)
    axes.set_xlim(-left / 4 if has_zero else left, right)
    steps = [digit * 10.0**power for power in range(-9, 7) for digit in (1, 2, 5)]
    ticks = [step for step in steps if left <= step <= right]
    axes.set_xticks(([0] if has_zero else []) + ticks[:: 1 + len(ticks) // 9], minor=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def _cleaned(svg: str, title: str) -> str:
    svg = svg[svg.index("<svg") + len("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    return f'<svg role="img" aria-label="{escape(title)}"{svg.replace(_INK, "currentColor")}'
