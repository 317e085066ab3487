"""All stages of a protocol on one split, those that are finished from what they left."""

import copy
import csv
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from ...training.broken import BROKEN_FILE
from ...training.run_folder import FREE_TO_CHANGE, flat
from .job import Job
from .network import Classified, classified
from .run import WEIGHTS, drop_checkpoints, load_weights, record_of, train_stage
from .settings import Stage
from .source import LabelledSource


class StageRecord(NamedTuple):
    """What became of a stage.

    Attributes:
        steps: Steps taken.
        clips: Clips seen.
        passes: The same, counted three times if gradients went through the network.
        loss: That of the last step.
        seconds: Time of the steps.
        broken: Training recordings that could not be used.
    """

    steps: int
    clips: int
    passes: int
    loss: float
    seconds: float
    broken: list[str]


class Trained(NamedTuple):
    """The model after the last stage, the file of its weights, and what became of each stage."""

    model: Classified
    weights: Path
    records: dict[str, StageRecord]


def train_split(job: Job, source: LabelledSource, title: str) -> Trained:
    """Take the stages that are left, in a folder that is known by all that decides their weights.

    Args:
        job: What all splits share.
        source: What to learn from.
        title: What progress calls the split.

    Raises:
        AvsslError: As :func:`avssl_hub.training.train` raises. What is finished is kept.
    """
    classes = int(source.labels.max()) + 1

    def build() -> Classified:
        return classified(job.protocol, copy.deepcopy(job.encoder), classes)

    before, records = None, {}
    for name, stage in job.protocol.stages(job.seed).items():
        place = _place(job, source) / name
        if record_of(place) is None:
            with job.bar(f"{title}: {name}", "steps") as move:
                train_stage(
                    stage,
                    source,
                    build,
                    place,
                    before=before,
                    progress=lambda done, steps, losses, move=move: move(done, steps, f"loss {losses['loss']:.4f}"),
                    device=job.encoder.device,
                )
        if job.ranks.first:
            drop_checkpoints(place)
        records[name] = _record(stage, place)
        before = place
    model = build()
    load_weights(model, before)
    return Trained(model, before / WEIGHTS, records)


def _place(job: Job, source: LabelledSource) -> Path:
    free = {*FREE_TO_CHANGE, "changed"}
    settings = {key: value for key, value in flat(asdict(job.protocol)).items() if not key.startswith("test.")}
    deciding = {
        "protocol": job.protocol.name,
        "version": job.protocol.version,
        "settings": {key: value for key, value in settings.items() if key not in free},
        "encoder": job.encoder.fingerprint(),
        "source": source.fingerprint,
        "seed": job.seed,
    }
    digest = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
    return job.folder / f"run-{digest[:32]}"


def _record(stage: Stage, folder: Path) -> StageRecord:
    told, broken = record_of(folder), []
    if (file := folder / BROKEN_FILE).exists():
        with open(file, newline="", encoding="utf-8") as rows:
            broken = [row["name"] for row in csv.DictReader(rows)]
    clips = told["step"] * stage.loop.batch_size
    passes = clips * (3 if stage.trained == "all" else 1)
    return StageRecord(told["step"], clips, passes, told["history"][-1]["loss"], told["seconds"], broken)
