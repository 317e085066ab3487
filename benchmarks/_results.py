"""Results as data: where they lie, and what must hold of them."""

import itertools
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from avssl_hub.errors import AvsslError, InvalidValueError, explain

from ._data import part_of
from ._metrics import is_share
from ._tasks import Task, load_task

try:
    from jsonschema import Draft202012Validator
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        explain("benchmark results", "no jsonschema", "the extra 'metrics'", "Run: pip install 'avssl-hub[metrics]'")
    ) from error

SCHEMA = Path(__file__).with_name("result.schema.json")
_TOLERANCE = 1e-9
_NUMBERS = re.compile(r"\[\n[-+.,\deE\s]*\]")


class ResultError(InvalidValueError):
    """A result breaks the schema, or contradicts itself or its task."""


def protocol_label(name: str, settings: Mapping[str, Any]) -> str:
    """Return what tells a protocol's results apart: its name, and its recipe where it has any."""
    if "recipe" not in settings:
        return name
    return f"{name}.{settings['recipe']}{'-changed' if settings['changed'] else ''}"


def place_of(
    task: Task, data: str | None, modality: str, protocol: str, model: str, revision: str, control: str | None
) -> Path:
    """Return where a result lies in a folder of results, ``<model>/<revision>/<task>.json``.

    The name also has that of one's own data, the modality where the task leaves it open, the protocol's label where it
    is not the task's default, and the control where it is one, so that no two runs share a place.
    """
    default = next(iter(task.protocols))
    looked_at = modality if task.modality == "any" else None
    parts = [task.name, data, looked_at, protocol if protocol != default else None, control]
    return Path(model, revision, ".".join(filter(None, parts)) + ".json")


def check_result(result: Any, where: str) -> None:
    """Refuse a result that is incomplete or wrong.

    Args:
        result: The content of the file.
        where: What messages call it.

    Raises:
        ResultError: A rule is broken; the text names the place.
    """
    errors = sorted(_validator().iter_errors(result), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        place = "/".join(map(str, errors[0].absolute_path)) or "the whole"
        raise ResultError(explain(f"{where}, {place}", errors[0].message, "what result.schema.json says"))
    for holds, place, got, rule in _rules(result):
        if not holds:
            raise ResultError(explain(f"{where}, {place}", got, rule))


def check_file(path: Path) -> dict[str, Any]:
    """Read a result and check it, and that it lies where it belongs.

    Raises:
        ResultError: It cannot be read, or a rule is broken.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultError(explain(f"reading result {path}", error, "a JSON file")) from error
    check_result(result, str(path))
    task, model = load_task(result["task"]["name"]), result["model"]
    protocol = protocol_label(result["protocol"]["name"], result["protocol"]["settings"])
    data, modality = result["data"]["name"], result["task"]["modality"]
    belongs = place_of(task, data, modality, protocol, model["name"], model["revision"], result["control"])
    if path.absolute().parts[-3:] != belongs.parts:
        raise ResultError(explain(f"place of result {path}", "/".join(path.parts[-3:]), f"…/{belongs}"))
    return result


def text_of(result: Any) -> str:
    """Return the text of a result's file, with a line for each list of numbers."""
    text = json.dumps(result, indent=1)
    return _NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text) + "\n"


def _rules(result: dict[str, Any]):
    """Yield (whether it holds, place, what was met, rule) of what a schema cannot say."""
    try:
        task = load_task(result["task"]["name"])
    except AvsslError as error:
        yield False, "task/name", error, "a task"
        return
    data, score = result["data"], result["score"]
    for place, figure, values in _figures(result):
        rule = "shares, 0 to 1"
        yield not is_share(figure) or all(0 <= value <= 1 for value in values), place, values, rule
    several = len(data["classes"]) > 1
    yield several != task.measured, "data/classes", len(data["classes"]), "none" if task.measured else "at least two"
    official = [(split.name, split.train, split.test) for split in task.splits]
    told = [(split["name"], split["official_train"], split["official_test"]) for split in data["splits"]]
    yield not official or told == official, "data/splits", told, f"every official split, {official}"
    whole = task.recordings
    yield data["official_recordings"] == whole, "data/official_recordings", data["official_recordings"], whole
    part = part_of(data)
    yield result["task"]["part"] == part, "task/part", result["task"]["part"], repr(part)
    yield result["protocol"]["name"] in task.protocols, "protocol/name", result["protocol"]["name"], "one of the task's"
    scored = {split["name"]: split["test"] for split in data["splits"] if split["test"]}
    if result["protocol"]["settings"].get("first_split"):
        scored = dict(itertools.islice(scored.items(), 1))
    for name, layer in result["layers"].items():
        names = [split["name"] for split in layer["splits"]]
        rule = f"every split with test recordings that the protocol scores, {list(scored)}"
        yield names == list(scored), f"layers/{name}/splits", names, rule
        for figure in ("accuracy", "clip_accuracy"):
            if layer[figure] is None:
                continue
            mean = sum(split[figure] for split in layer["splits"]) / len(layer["splits"])
            near = abs(mean - layer[figure]) < _TOLERANCE
            yield near, f"layers/{name}/{figure}", layer[figure], f"the mean over the splits, {mean}"
    best = max(layer["accuracy"] for layer in result["layers"].values())
    reported = result["layers"].get(score["layer"], {})
    same = {**score, "splits": reported.get("splits")} == {**reported, "layer": score["layer"]}
    yield same and score["accuracy"] == best, "score", score, "that of the best of the layers"
    if "splits" in reported:
        means = [(split["name"], split["accuracy"]) for split in reported["splits"]]
        told = [(split["name"], sum(split["hits"]) / max(len(split["hits"]), 1)) for split in result["hits"]]
        near = len(told) == len(means) and all(
            name == other and abs(mean - share) < _TOLERANCE for (name, mean), (other, share) in zip(means, told)
        )
        yield near, "hits", told, f"the splits and scores of the reported layer, {means}"
        lengths = [(len(split["groups"]), len(split["hits"])) for split in result["hits"]]
        rule = [(test, test) for test in scored.values()]
        yield lengths == rule, "hits", f"{lengths} groups and hits", f"{rule}, those tested"
    tested, size = sum(scored.values()), len(data["classes"])
    counted = sum(map(sum, result["confusion"]))
    # Each draw of a protocol that trains several times counts them once more.
    fits = counted > 0 and counted % tested == 0 if size else counted == 0
    yield fits, "confusion", f"{counted} recordings", f"{tested}, those tested"
    yield {len(row) for row in [result["confusion"], *result["confusion"]]} == {size}, "confusion", "its shape", size


def _figures(result: dict[str, Any]):
    """Yield (place, name of the figure, values)."""
    metric = result["metric"]
    for name, layer in result["layers"].items():
        clips = [] if layer["clip_accuracy"] is None else [layer["clip_accuracy"]]
        yield f"layers/{name}", metric, [layer["accuracy"], *layer["interval"], *clips]
        for figure, value in layer["further"].items():
            yield f"layers/{name}/further/{figure}", figure, [value]
    for split in result["hits"]:
        yield f"hits/{split['name']}", metric, split["hits"]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
