"""All trials of a protocol put to a model, each kept, so that a run that was cut goes on."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch

from ...data.manifest import Manifest
from ...errors import InvalidValueError, explain
from ...jobs.ranks import Ranks
from ..features import FeatureStore, content_key
from ..scored_model import ScoredModel
from .protocol import LeftOut, MeasuredProtocol, Trial


class Measured(NamedTuple):
    """What :func:`measure_all` found.

    Attributes:
        keys: The content of each recording.
        rows: Of the manifest, those whose trials have scores.
        figures: By name, a value for each of ``rows``.
        left_out: Number of trials without scores, by the reason.
        reused: Number of trials that were known before.
    """

    keys: list[str]
    rows: list[int]
    figures: dict[str, list[float]]
    left_out: dict[str, int]
    reused: int


def measure_all(
    protocol: MeasuredProtocol,
    model: ScoredModel,
    manifest: Manifest,
    cache: Path,
    progress: Callable[[int, int], object] | None = None,
    ranks: Ranks | None = None,
) -> Measured:
    """Put all trials to a model.

    Args:
        protocol: The protocol.
        model: What it needs of a model.
        manifest: The recordings.
        cache: Folder that keeps figures between runs.
        progress: Called with the number of trials done and of all in this process's share.
        ranks: The processes of the job; by default this one. The first has the outcome.

    Raises:
        InvalidValueError: The list lacks what the protocol needs, or no trial has a score.
        MediaError: A recording cannot be read, or lacks picture or sound. What is finished is kept.
    """
    ranks = ranks or Ranks()
    trials = protocol.trials(manifest)
    settings = {"measured": protocol.name, "version": protocol.version, **asdict(protocol)}
    store = FeatureStore(cache, {**model.fingerprint(), **settings})
    keys = ranks.from_first([content_key(item) for item in manifest] if ranks.first else [])
    share = ranks.share(range(len(trials)), seed=0)
    found, reused = {}, 0
    for number, index in enumerate(share):
        if progress:
            progress(number, len(share))
        trial = trials[index]
        known_by = {"recordings": [keys[row] for row in trial.rows], "truth": dict(trial.truth)}
        found[index] = store.noted(known_by)
        reused += found[index] is not None
        if found[index] is None:
            found[index] = _measured(protocol, manifest, trial, model)
            store.note(known_by, found[index])
    if progress:
        progress(len(share), len(share))
    parts = ranks.to_first((found, reused))
    everyone = {index: told for part, _ in parts for index, told in part.items()}
    return _gathered(protocol, trials, keys, everyone, sum(reused for _, reused in parts))


@torch.inference_mode()
def _measured(protocol: MeasuredProtocol, manifest: Manifest, trial: Trial, model: ScoredModel) -> dict:
    try:
        return {"figures": protocol.measure([manifest[row] for row in trial.rows], trial.truth, model)}
    except LeftOut as reason:
        return {"left_out": str(reason)}


def _gathered(
    protocol: MeasuredProtocol, trials: list[Trial], keys: list[str], told: dict[int, dict], reused: int
) -> Measured:
    scored = [index for index in sorted(told) if "figures" in told[index]]
    reasons = Counter(each["left_out"] for each in told.values() if "left_out" in each)
    if told and not scored:
        got = "; ".join(f"{count} left out: {reason}" for reason, count in reasons.items())
        raise InvalidValueError(explain(f"trials of protocol {protocol.name}", got, "at least one with a score"))
    names = told[scored[0]]["figures"] if scored else {}
    figures = {name: [told[index]["figures"][name] for index in scored] for name in names}
    return Measured(keys, [trials[index].rows[0] for index in scored], figures, dict(reasons), reused)
