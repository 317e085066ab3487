"""Results of runs that never were, small enough to count by hand: what readers of results are tested on."""

import itertools
import json
from hashlib import sha256
from pathlib import Path

from benchmarks._data import part_of
from benchmarks._results import check_file, place_of, protocol_label
from benchmarks._tasks import load_task

CLASSES = ["chainsaw", "clock_tick", "crackling_fire", "crying_baby", "dog"]
CLASSES += ["helicopter", "rain", "rooster", "sea_waves", "sneezing"]


def made(folder: Path, hits: dict[str, str], **changes) -> Path:
    """Write an ESC-10 result.

    Args:
        folder: Of results.
        hits: Of each fold that is tested a digit a recording, 1 where it was right; recordings are of the classes in
            turn, each its own group, and a wrong one is taken for the next class.
        **changes: ``model``, ``revision``, ``control``, ``protocol``, ``version`` of the protocol, ``settings``,
            ``contents``, ``parameters``, ``weights``, ``gmacs``, ``pretrain_data``, ``metric``.
    """
    name = changes.get("protocol", "linear_probe")
    task, model, revision = load_task("esc10"), changes.get("model", "m"), changes.get("revision", "1")
    control = changes.get("control")
    accuracies = {fold: digits.count("1") / len(digits) for fold, digits in hits.items()}
    mean = sum(accuracies.values()) / len(accuracies)
    confusion = [[0] * len(CLASSES) for _ in CLASSES]
    for digits in hits.values():
        for place, digit in enumerate(digits):
            truth = place % len(CLASSES)
            confusion[truth][truth if digit == "1" else (truth + 1) % len(CLASSES)] += 1
    sizes = {fold: len(digits) for fold, digits in hits.items()}
    total = sum(sizes.values())
    data = {
        "name": None,
        "manifest_sha256": "a" * 64,
        "contents_sha256": changes.get("contents", sha256(str(sizes).encode()).hexdigest()),
        "recordings": total,
        "official_recordings": task.recordings,
        "distinct_contents": total,
        "classes": CLASSES,
        "missing": [],
        "splits": [
            {
                "name": split.name,
                "train": total - sizes.get(split.name, 0),
                "test": sizes.get(split.name, 0),
                "official_train": split.train,
                "official_test": split.test,
            }
            for split in task.splits
        ],
    }
    score = {
        "accuracy": mean,
        "interval": [max(0, mean - 0.1), min(1, mean + 0.1)],
        "clip_accuracy": None,
        "further": {"top-5": 1.0},
    }
    splits = [
        {"name": fold, "accuracy": share, "clip_accuracy": None, "further": {"top-5": 1.0}, "notes": {}}
        for fold, share in accuracies.items()
    ]
    rows = itertools.count()
    told = [
        {"name": fold, "groups": [next(rows) for _ in digits], "hits": list(map(int, digits))}
        for fold, digits in hits.items()
    ]
    result = {
        "schema": 1,
        "task": {"name": "esc10", "title": task.title, "version": task.version, "modality": "audio"}
        | {"part": part_of(data)},
        "model": {
            "name": model,
            "revision": revision,
            "weights_sha256": changes.get("weights", "c" * 64),
            "processor_sha256": "d" * 64,
            "parameters": changes.get("parameters", 1000),
            "pretrain_data": changes.get("pretrain_data", "AudioSet"),
        },
        "input": {"seconds": 2.0, "sampling_rate": 24000, "shape": [1, 200, 257]},
        "control": control,
        "metric": changes.get("metric", "top-1 accuracy"),
        "protocol": {
            "name": name,
            "version": changes.get("version", 1),
            "settings": changes.get("settings", {"clips": 10}),
            "selection": "the only layer",
        },
        "seed": 0,
        "data": data,
        "score": {"layer": "pooled", **score},
        "layers": {"pooled": {**score, "splits": splits}},
        "hits": told,
        "confusion": confusion,
        "software": {"avssl_hub": "0", "torch": "0", "transformers": "0", "scikit-learn": "0"},
        "hardware": {"cpu": "a processor", "cores": 2, "system": "Linux", "device": "cpu"},
        "run": {"date": "2026-01-02", "feature_seconds": 60.0, "classifier_seconds": 30.0, "reused_recordings": 0},
        "cost": {"gmacs_per_clip": changes.get("gmacs", 0.5), "clips": 100, "gmacs": 50.0},
    }
    label = protocol_label(name, result["protocol"]["settings"])
    file = folder / place_of(task, None, "audio", label, model, revision, control)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result))
    check_file(file)
    return file


def whole(share: float) -> dict[str, str]:
    """Return hits on all of ESC-10, in each fold the same share."""
    right = round(80 * share)
    return {f"fold {number}": "1" * right + "0" * (80 - right) for number in range(1, 6)}


def edit(file: Path, change) -> Path:
    """Let ``change`` alter a result in place."""
    result = json.loads(file.read_text())
    change(result)
    file.write_text(json.dumps(result))
    return file
