"""The leaderboard as a static page: one file that needs no server, with copies of the results beside it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avssl_hub.outputs import make_folder, replacing

from ._board import Entry, clip_of_figure, comparable
from ._metrics import UNITS, unit
from ._tasks import ExternalFigure, load_task

PAGE = "index.html"
_PARTS = Path(__file__).with_name("page")
_MOST_CLASSES = 25  # more do not fit as a table: the most frequent confusions stand for it
_CONFUSIONS = 20
_PLACE = re.compile(r"<!-- page:(\w+) -->")
# So that no name in the data can end the script element or begin a comment in it.
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_page(
    out: Path,
    entries: Sequence[Entry],
    figures: Sequence[tuple[str, ExternalFigure]],
    plots: Mapping[str, str],
) -> None:
    """Write the page, and copies of the results that it links.

    Args:
        out: Folder of the page; exists.
        entries: Our results.
        figures: As :func:`~benchmarks._board.published` returns them.
        plots: As :func:`~benchmarks._plots.draw_all` returns them for the same entries.

    Raises:
        OutputError: A file cannot be written.
    """
    for entry in entries:
        place = out / "results" / entry.place
        make_folder(place.parent)
        with replacing(place) as partly:
            partly.write_bytes(entry.file.read_bytes())
    with replacing(out / PAGE) as partly:
        partly.write_text(page(entries, figures, plots), encoding="utf-8")


def page(entries: Sequence[Entry], figures: Sequence[tuple[str, ExternalFigure]], plots: Mapping[str, str]) -> str:
    """Return the text of the page; see :func:`write_page`."""
    board = {
        "ours": [_ours(entry) for entry in entries],
        "published": [_published(*figure) for figure in figures],
        "plots": [[_id(entry) for entry in held] for held in comparable(entries).values()],
        "units": UNITS,
    }
    parts = {
        "style": (_PARTS / "board.css").read_text(encoding="utf-8"),
        "script": (_PARTS / "board.js").read_text(encoding="utf-8"),
        "data": json.dumps(board, ensure_ascii=False).translate(_IN_SCRIPT),
        "plots": "\n".join(f"<figure>{svg}</figure>" for svg in plots.values()),
    }
    return _PLACE.sub(lambda found: parts[found[1]], (_PARTS / "template.html").read_text(encoding="utf-8"))


def _ours(entry: Entry) -> dict[str, Any]:
    result = entry.result
    data, cost, run, hardware = result["data"], result["cost"], result["run"], result["hardware"]
    return {
        "id": _id(entry),
        "file": f"results/{entry.place.as_posix()}",
        "task": load_task(result["task"]["name"]).title,
        "data": entry.data,
        "kind": entry.kind,
        "kind_text": entry.kind_in_words,
        "protocol": entry.protocol,
        "pretrain": entry.pretrain_data,
        "clip": entry.clip,
        "chance": 1 / len(data["classes"]) if data["classes"] else None,
        "gmacs": cost["gmacs_per_clip"],
        "seconds": sum(value for name, value in run.items() if name.endswith("_seconds")),
        "recordings": data["recordings"],
        "missing": len(data["missing"]),
        "machine": f"{hardware['cpu']}, {hardware['cores']} cores, on {hardware['device']}",
        "splits": data["splits"],
        "confusion": _confusion(result),
        **{key: result[key] for key in ("model", "metric", "score", "layers", "input", "seed", "run", "cost")},
        "part": result["task"]["part"],
        "modality": result["task"]["modality"],
        "selection": result["protocol"]["selection"],
        "settings": result["protocol"]["settings"],
    }


def _id(entry: Entry) -> str:
    return entry.place.with_suffix("").as_posix()


def _published(title: str, figure: ExternalFigure) -> dict[str, Any]:
    return {
        "task": title,
        "dataset": figure.dataset,
        "model": figure.method,
        "backbone": figure.backbone or "not told",
        "pretrain": figure.pretrain_data or "not told",
        "protocol": figure.protocol,
        "input": figure.input or "not told",
        "clip": clip_of_figure(figure),
        "metric": figure.metric,
        "value": figure.value,
        "unit": unit(figure.metric),
        "evidence": figure.kind,
        "source": figure.source,
        "note": figure.note,
    }


def _confusion(result: dict[str, Any]) -> dict[str, Any]:
    """Return the whole matrix of a few classes, or the most frequent confusions among many."""
    classes, counts = result["data"]["classes"], np.array(result["confusion"])
    if len(classes) <= _MOST_CLASSES:
        return {"classes": classes, "matrix": result["confusion"]}
    wrong = np.where(np.eye(len(classes), dtype=bool), 0, counts)
    first = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
    pairs = [(int(row), int(column)) for row, column in zip(*np.unravel_index(first, wrong.shape))]
    return {"pairs": [[classes[row], classes[col], int(wrong[row, col])] for row, col in pairs if wrong[row, col]]}
