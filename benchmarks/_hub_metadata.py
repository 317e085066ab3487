"""Our results as the Hub reads them: ``model-index`` in a card, and entries for ``.eval_results/``."""

from collections.abc import Sequence
from typing import Any

from huggingface_hub import EvalResult, EvalResultEntry, eval_result_entries_to_yaml
from huggingface_hub.repocard_data import eval_results_to_model_index

from ._board import Entry

# Repository that gathers results of ``.eval_results/``; its tasks are named as :func:`eval_entries` names them.
BENCHMARK = "avssl-hub/benchmarks"
_METRIC_TYPES = {
    "top-1 accuracy": "accuracy",
    "R@1": "recall_at_1",
    "SDR": "sdr",
    "cIoU@0.5": "ciou",
    "STFT": "stft_distance",
}
# The Hub's names of tasks; of classification it has one for each modality.
_TASK_TYPES = {"SDR": "audio-to-audio", "STFT": "audio-to-audio", "cIoU@0.5": "sound-localization"}


def model_index(model: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the value of a card's key ``model-index``; empty without results.

    Controls and baselines are no scores of a model and are left out. A part of a data set is called one.
    """
    results = [_result(entry) for entry in entries if entry.kind == "model"]
    return eval_results_to_model_index(model, results) if results else []


def eval_entries(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return what goes into a model repository's ``.eval_results/``, which feeds rankings.

    Only whole data sets of the project's own tasks go there: rankings show no remark that a figure is of a part.
    """
    told = [
        EvalResultEntry(
            dataset_id=BENCHMARK,
            task_id=f"{result['task']['name']}.{result['protocol']['name']}",
            value=result["score"]["accuracy"],
            date=result["run"]["date"],
            notes=f"{result['metric']}, {entry.protocol}, task version {result['task']['version']}",
        )
        for entry in entries
        for result in [entry.result]
        if entry.kind == "model" and result["task"]["part"] is None and result["data"]["official_recordings"]
    ]
    return eval_result_entries_to_yaml(told)


def _result(entry: Entry) -> EvalResult:
    result = entry.result
    task, data, score, metric = result["task"], result["data"], result["score"], result["metric"]
    return EvalResult(
        task_type=_TASK_TYPES.get(
            metric, f"{task['modality']}-{'retrieval' if metric.startswith('R@') else 'classification'}"
        ),
        dataset_type=task["name"],
        dataset_name=entry.data,
        # Results of which these two differ never stand under one name.
        dataset_config=f"task version {task['version']}",
        dataset_revision=data["contents_sha256"],
        dataset_args={"recordings": data["recordings"], "part": task["part"]},
        metric_type=_METRIC_TYPES.get(metric, metric),
        metric_name=f"{metric}, {entry.protocol}, {score['layer']}",
        metric_value=score["accuracy"],
        metric_args={
            "confidence_interval_95": score["interval"],
            "protocol": entry.protocol,
            "selection": result["protocol"]["selection"],
            "seed": result["seed"],
        },
    )
