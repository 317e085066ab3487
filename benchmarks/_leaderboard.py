"""The leaderboard in a folder: page, plots, Markdown, and each model's results as the Hub reads them."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

import yaml

from avssl_hub.outputs import check_new, make_folder, replacing

from ._board import Entry, published
from ._hub_metadata import eval_entries, model_index
from ._page import PAGE, write_page
from ._plots import alone, draw_all
from ._tables import board_table, model_table


def write_leaderboard(out: Path, entries: Sequence[Entry], force: bool) -> Path:
    """Write ``index.html`` with ``results/``, ``plots/``, ``leaderboard.md`` and ``models/<model>/<revision>/``.

    Args:
        out: Folder; made if it is not there.
        entries: Our results.
        force: Replace what an earlier call wrote.

    Returns:
        The page.

    Raises:
        OutputError: There is a page and ``force`` is not given, or a file cannot be written.
        TaskError: Published figures are wrong.
    """
    figures = published()
    make_folder(out)
    check_new(out / PAGE, force)
    plots = draw_all(entries)
    texts = {f"plots/{_file_name(title)}.svg": alone(svg) for title, svg in plots.items()}
    texts["leaderboard.md"] = board_table(entries, PurePosixPath("results")) + "\n"
    for place, text in {**texts, **_of_models(entries)}.items():
        make_folder((out / place).parent)
        with replacing(out / place) as partly:
            partly.write_text(text, encoding="utf-8")
    write_page(out, entries, figures, plots)
    return out / PAGE


def _of_models(entries: Sequence[Entry]) -> dict[str, str]:
    """Return texts by place, for each revision of each model that has scores of its own."""
    controls = [entry for entry in entries if entry.kind == "control"]
    texts = {}
    own = sorted((entry for entry in entries if entry.kind == "model"), key=_revision)
    for folder, group in groupby(own, _revision):
        held = list(group)
        index = {"model-index": model_index(held[0].model, held)}
        texts[f"models/{folder}/scores.md"] = model_table(held, controls) + "\n"
        texts[f"models/{folder}/model-index.yaml"] = _yaml(index)
        if told := eval_entries(held):
            texts[f"models/{folder}/.eval_results/avssl_hub.yaml"] = _yaml(told)
    return texts


def _revision(entry: Entry) -> str:
    return entry.place.parent.as_posix()


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
