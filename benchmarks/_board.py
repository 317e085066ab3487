"""What the leaderboard shows: our results, checked, and the figures that others published."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avssl_hub.errors import InvalidValueError, explain

from ._metrics import number, rank
from ._results import ResultError, check_file, protocol_label
from ._tasks import ROOT, ExternalFigure, external_figures, list_tasks, load_task

OWN = ROOT / "results"
KINDS = ("model", "baseline", "control")
_CLIP = re.compile(r"(?P<frames>\d+)(?:x\d| frames)|(?P<seconds>\d+(?:\.\d+)?) s\b")


@dataclass(frozen=True)
class Entry:
    """One of our results.

    Attributes:
        result: Its content.
        file: Where it was read.
    """

    result: dict[str, Any]
    file: Path

    @property
    def place(self) -> Path:
        """Where it lies in a folder of results: ``<model>/<revision>/<task>.json``."""
        return Path(*self.file.absolute().parts[-3:])

    @property
    def model(self) -> str:
        return self.result["model"]["name"]

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`; a baseline has nothing that was, or could be, learned."""
        if self.result["control"]:
            return "control"
        return "model" if self.result["model"]["parameters"] else "baseline"

    @property
    def kind_in_words(self) -> str:
        return f"control: {self.result['control'].replace('-', ' ')}" if self.result["control"] else self.kind

    @property
    def data(self) -> str:
        """The data set by the name that is true of this result: a part is called a part, an old version old."""
        task, data = self.result["task"], self.result["data"]
        name = f"own data: {data['name']}" if data["name"] else task["title"]
        notes = []
        if task["part"]:
            whole = data["official_recordings"] or data["recordings"] + len(data["missing"])
            fewer = data["recordings"] != whole
            notes.append(f"{data['recordings']} of {whole} recordings" if fewer else task["part"])
        current = load_task(task["name"]).version
        if task["version"] != current:
            notes.append(f"version {task['version']}, now {current}")
        return f"{name} ({'; '.join(notes)})" if notes else name

    @property
    def protocol(self) -> str:
        told = self.result["protocol"]
        return f"{protocol_label(told['name'], told['settings'])} v{told['version']}"

    @property
    def pretrain_data(self) -> str:
        if self.result["control"] == "random-weights":
            return "nothing"
        return self.result["model"]["pretrain_data"] or "not told"

    @property
    def clip(self) -> str:
        """The length of a clip: frames of a video, seconds of a sound."""
        given = self.result["input"]
        if "frames" in given:
            return f"{given['frames']} frames"
        return f"{given['seconds']:g} s" if given["seconds"] is not None else "whole recording"


def collect(folders: Iterable[Path] | None = None) -> list[Entry]:
    """Read and check all results in some folders, in the order of the leaderboard.

    Args:
        folders: Searched to any depth; by default the project's own, which may have none yet.

    Returns:
        By data, protocol, kind and falling score.

    Raises:
        ResultError: A result breaks a rule, or two are of the same run.
        InvalidValueError: A folder does not exist.
    """
    entries: dict[Path, Entry] = {}
    for folder in [OWN] if folders is None else folders:
        if not folder.is_dir() and folder != OWN:
            raise InvalidValueError(explain("folder of results", folder, "a folder that exists"))
        for file in sorted(folder.rglob("*.json")):
            entry = Entry(check_file(file), file)
            if entry.place in entries:
                got = f"{entries[entry.place].file} and {file}"
                raise ResultError(explain(f"results {entry.place}", got, "one", "Leave out one of the folders."))
            entries[entry.place] = entry
    return sorted(entries.values(), key=_order)


def published() -> list[tuple[str, ExternalFigure]]:
    """Return the title of the data set and the figure, for all that others published."""
    titles = {name: load_task(name).title for name in list_tasks()}
    return [(title, figure) for name, title in titles.items() for figure in external_figures(name)]


def clip_of_figure(figure: ExternalFigure) -> str:
    """Return the length of a clip as :attr:`Entry.clip` puts it, where the figure's text begins with one."""
    found = _CLIP.match(figure.input or "")
    if not found:
        return "not told"
    return f"{found['frames']} frames" if found["frames"] else f"{float(found['seconds']):g} s"


def interval(entry: Entry) -> str:
    """Write a result's 95 % interval, in its metric's unit."""
    return " to ".join(number(entry.result["metric"], end) for end in entry.result["score"]["interval"])


def comparable(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Group results by data and metric: those scored on the same recordings under the same name.

    The key is a title. Copies with other recordings that would have the same title are told apart by a digest.
    """
    groups: dict[tuple, list[Entry]] = {}
    for entry in entries:
        result = entry.result
        key = (entry.data, result["task"]["modality"], result["metric"], result["data"]["contents_sha256"])
        groups.setdefault(key, []).append(entry)
    bare = [key[:3] for key in groups]
    titles = {}
    for (data, modality, metric, digest), held in groups.items():
        copy = f" (copy {digest[:8]})" if bare.count((data, modality, metric)) > 1 else ""
        titles[f"{data}{copy}, {modality}: {metric}"] = held
    return titles


def _order(entry: Entry) -> tuple:
    result = entry.result
    kind = KINDS.index(entry.kind)
    place = rank(result["metric"], result["score"]["accuracy"])
    return (entry.data, result["task"]["modality"], entry.protocol, kind, place, entry.place)
