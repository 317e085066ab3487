"""The leaderboard as Markdown: for the README, and a model's own rows for its card."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from ._board import Entry, interval
from ._metrics import score_text

NONE = "No results yet."
_ESCAPED = str.maketrans({"|": "\\|", "\n": " ", "<": "&lt;", "`": "'", "[": "\\[", "]": "\\]"})


def board_table(entries: Sequence[Entry], results: PurePosixPath) -> str:
    """Render all of our results, one row each.

    Args:
        entries: In the order of the rows.
        results: The folder of results as seen from the file that holds the table; each score links there.
    """
    columns = ["data", "protocol", "model", "what it is", "metric", "score %", "95 % interval", "GMACs a clip"]
    rows = []
    for entry in entries:
        score = f"[{_score(entry)}]({quote((results / entry.place).as_posix())})"
        rows.append([entry.data, entry.protocol, entry.model, entry.kind_in_words, entry.result["metric"], score])
        rows[-1] += [interval(entry), _gmacs(entry)]
    return _table(columns, rows, raw=5) if rows else NONE


def model_table(entries: Sequence[Entry], controls: Sequence[Entry]) -> str:
    """Render one model's results beside what the same run gives by chance.

    Args:
        entries: Of one model and revision.
        controls: Of any; those of the same model, data and protocol are taken.
    """
    columns = [
        "data",
        "metric",
        "score %",
        "95 % interval",
        "random weights",
        "shuffled labels",
        "protocol",
        "reported",
    ]
    rows = []
    for entry in entries:
        chance = [_chance(entry, controls, name) for name in ("random-weights", "shuffled-labels")]
        rows.append([entry.data, entry.result["metric"], _score(entry), interval(entry), *chance])
        rows[-1] += [entry.protocol, entry.result["protocol"]["selection"]]
    return _table(columns, rows) if rows else NONE


def same_run(one: Entry, other: Entry) -> bool:
    """Whether two results differ only in the model or the control."""
    return all(
        one.result[part][key] == other.result[part][key]
        for part, keys in {
            "task": ("name", "version", "modality"),
            "protocol": ("name", "version", "settings"),
            "data": ("name", "manifest_sha256", "contents_sha256"),
        }.items()
        for key in keys
    )


def _chance(entry: Entry, controls: Sequence[Entry], name: str) -> str:
    found = [
        _score(other)
        for other in controls
        if other.result["control"] == name and other.model == entry.model and same_run(entry, other)
    ]
    return ", ".join(found) or "–"


def _score(entry: Entry) -> str:
    return score_text(entry.result["metric"], entry.result["score"]["accuracy"])


def _gmacs(entry: Entry) -> str:
    return f"{entry.result['cost']['gmacs_per_clip']:.3g}"


def _table(columns: list[str], rows: list[list[str]], raw: int | None = None) -> str:
    """Lay out a table; all cells but that at place ``raw`` are plain text."""
    plain = [[cell if place == raw else cell.translate(_ESCAPED) for place, cell in enumerate(row)] for row in rows]
    lines = [columns, ["---"] * len(columns), *plain]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
