"""The part of a card's header that the Hub reads, made from our own part."""

import re
from collections.abc import Sequence
from typing import Any

from ._cards import ModelCard, Score

# The Hub's task, and further words to be found by, for each of ours.
_TASKS = {
    "audio-visual-feature-extraction": ("feature-extraction", ()),
    "audio-visual-spatial-alignment": ("feature-extraction", ("spatial-audio", "ambisonics", "360-video")),
    "audio-visual-synchronization": ("video-classification", ()),
    "sound-localization": ("video-classification", ()),
    "audio-visual-separation": ("audio-to-audio", ("source-separation",)),
    "audio-source-separation": ("audio-to-audio", ("source-separation",)),
    "mono-to-ambisonics": ("audio-to-audio", ("spatial-audio", "ambisonics", "360-video")),
}
# Licences of weights that the Hub has a key for; it reads the others by name and link.
_LICENCES = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0")
_METRICS = {"R@1": "recall_at_1", "top-1": "accuracy"}
_AVWORLD = "avworld"


def hub_header(card: ModelCard, benchmarks: Sequence[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the keys of a card's header that the Hub reads, in their order.

    Args:
        card: The card; its data sets on the Hub, if it names any, stay.
        benchmarks: Results of the benchmarks, as ``model-index`` has them; by default those that the card has.
    """
    if benchmarks is None:
        kept = [result for index in card.metadata.model_index for result in index["results"]]
        benchmarks = [result for result in kept if result["dataset"]["type"] != _AVWORLD]
    results = [*_own_results(card), *benchmarks]
    return {
        **_licence(card),
        "library_name": "transformers",
        "pipeline_tag": _TASKS[card.tasks[0]][0],
        "tags": _tags(card),
        **({"datasets": list(card.metadata.datasets)} if card.metadata.datasets else {}),
        **({"model-index": [{"name": card.name, "results": results}]} if results else {}),
    }


def _licence(card: ModelCard) -> dict[str, str]:
    weights = card.licence.weights
    if weights.lower() in _LICENCES:
        return {"license": weights.lower()}
    name = re.sub(r"[^a-z0-9.]+", "-", weights.partition("(")[0].lower()).strip("-")
    link = {"license_link": card.original.code} if card.original else {}
    return {"license": "other", "license_name": name, **link}


def _tags(card: ModelCard) -> list[str]:
    tags = ["audio-visual", "self-supervised-learning"]
    tags += ["video"] * bool(card.input.frames) + ["audio"] * bool(card.input.sampling_rate)
    tags += [card.family, *card.torch_hub.entry_points, *card.tasks]
    tags += [word for task in card.tasks for word in _TASKS[task][1]]
    tags += ["toy"] * (card.original is None)
    return list(dict.fromkeys(tag.replace("_", "-") for tag in tags))


def _own_results(card: ModelCard) -> list[dict[str, Any]]:
    """What this project measured on its procedural world; figures of others are theirs to report."""
    metrics = [_metric(score) for score in card.scores if score.source == "measured"]
    if not metrics:
        return []
    task = {"type": _TASKS[card.tasks[0]][0], "name": card.tasks[0]}
    return [{"task": task, "dataset": {"name": "AVWorld", "type": _AVWORLD}, "metrics": metrics}]


def _metric(score: Score) -> dict[str, Any]:
    # The Hub's accuracies are shares.
    unit, what = (100, score.metric.removesuffix("%").rstrip(", ")) if score.metric.endswith("%") else (1, score.metric)
    arguments = {"spread_over_seeds": score.spread, "random_weights": score.baseline}
    known = next((kind for start, kind in _METRICS.items() if score.metric.startswith(start)), None)
    plain = re.sub(r"[^a-z0-9]+", "_", score.metric.partition(",")[0].lower()).strip("_")
    return {
        "type": known or plain,
        "value": round(score.value / unit, 6),
        "name": f"{what}; {score.protocol}",
        "args": {name: round(value / unit, 6) for name, value in arguments.items() if value is not None},
    }
