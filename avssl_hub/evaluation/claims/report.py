"""The outcome of a claim: every number, what the rule makes of them, and the table a reader gets."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch

from ... import __version__
from ...outputs import replacing
from ...training.run_folder import METRICS_FILE
from .claim import Claim, Comparison
from .runs import Run

RULE = (
    "Shown: better with every seed, and by more on average than the standard deviation of the differences over seeds."
)


def summarize(claim: Claim, runs: Sequence[Run]) -> dict:
    """Gather the outcome of finished runs, as JSON holds it.

    Returns:
        ``claim`` and what it says; ``variants`` with settings and, by seed, scores in percent and seconds;
        ``comparisons`` with gains by seed, their mean and spread, and whether they are ``shown``; the ``rule``; the
        ``machine``; the ``recipe`` of the first run; ``run_seconds``, the sum over all runs.
    """
    variants = {}
    for name, variant in claim.variants.items():
        own = [run for run in runs if run.variant == name]
        seeds = {str(run.recipe.seed): _numbers(run) for run in own}
        scores = {key: [run["scores"][key] for run in seeds.values()] for key in next(iter(seeds.values()))["scores"]}
        variants[name] = {
            "label": variant.label,
            "recipe": variant.recipe or None,
            "overrides": list(variant.overrides),
            "starts_from": variant.start or None,
            "steps": own[0].recipe.loop.steps,
            "mean": {key: statistics.mean(values) for key, values in scores.items()},
            "spread": {key: statistics.stdev(values) for key, values in scores.items()},
            "seeds": seeds,
        }
    comparisons = [judge(comparison, variants) for comparison in claim.comparisons]
    return {
        "claim": claim.name,
        "title": claim.title,
        "source": claim.source,
        "remarks": claim.remarks,
        "rule": RULE,
        "shown": all(comparison["shown"] for comparison in comparisons),
        "comparisons": comparisons,
        "variants": variants,
        "run_seconds": sum(
            sum(run[part] for part in ("train_seconds", "score_seconds"))
            for variant in variants.values()
            for run in variant["seeds"].values()
        ),
        "machine": describe_machine(),
        "recipe": runs[0].recipe.to_dict(),
    }


def _numbers(run: Run) -> dict:
    metrics = json.loads((run.folder / METRICS_FILE).read_text(encoding="utf-8"))
    return run.outcome() | {"train_seconds": metrics["seconds"]}


def judge(comparison: Comparison, variants: dict) -> dict:
    """Apply the rule to one comparison of summarized variants."""
    better, worse = (variants[name]["seeds"] for name in (comparison.better, comparison.worse))
    sign = -1 if comparison.lower else 1
    against = comparison.against or comparison.score
    gains = [sign * (better[seed]["scores"][comparison.score] - worse[seed]["scores"][against]) for seed in better]
    mean, spread = statistics.mean(gains), statistics.stdev(gains)
    return {
        "statement": comparison.statement,
        "score": comparison.score,
        "against": against,
        "better": comparison.better,
        "worse": comparison.worse,
        "lower_is_better": comparison.lower,
        "gains": dict(zip(better, gains)),
        "mean": mean,
        "spread": spread,
        "shown": min(gains) > 0 and mean > spread,
    }


def describe_machine() -> dict:
    """Say on what the numbers were computed."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "avssl_hub": __version__,
    }


def write_report(summary: dict, folder: Path) -> tuple[Path, Path]:
    """Write ``results.json`` and ``table.md``; return both."""
    written = folder / "results.json", folder / "table.md"
    for path, text in zip(written, (json.dumps(summary, indent=2) + "\n", render_table(summary))):
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")
    return written


def render_table(summary: dict) -> str:
    """Lay the outcome out in Markdown."""
    variants, machine = summary["variants"], summary["machine"]
    seeds = list(next(iter(variants.values()))["seeds"])
    lines = [
        f"# {summary['title']}",
        "",
        f"{summary['source']}, in miniature on AVWorld: {'shown' if summary['shown'] else 'not shown in full'}.",
        "",
        summary["remarks"],
        "",
        f"Rule, the same for all claims. {summary['rule']} Gains are in percentage points, mean ± standard deviation.",
        "",
        *_table(["statement", "score", "gain", *(f"seed {seed}" for seed in seeds), "outcome"], _verdicts(summary)),
        "",
        "Scores in percent, mean ± standard deviation over seeds.",
        "",
    ]
    # A way of training that makes another kind of network has other scores.
    names = list(dict.fromkeys(key for variant in variants.values() for key in variant["mean"]))
    rows = [
        [variant["label"], *(_spread(mean[key], variant["spread"][key]) if key in mean else "" for key in names)]
        for variant in variants.values()
        for mean in [variant["mean"]]
    ]
    lines += [*_table(["variant", *names], rows), "", "Scores by seed, and seconds of training on one thread.", ""]
    rows = [
        [
            variant["label"],
            seed,
            *(_figure(run["scores"][key]) if key in run["scores"] else "" for key in names),
            variant["steps"],
            f"{run['train_seconds']:.0f}",
        ]
        for variant in variants.values()
        for seed, run in variant["seeds"].items()
    ]
    lines += [*_table(["variant", "seed", *names, "steps", "seconds"], rows), "", "Settings of each variant.", ""]
    rows = [
        [variant["label"], variant["recipe"] or "", variant["starts_from"] or "", "; ".join(variant["overrides"])]
        for variant in variants.values()
    ]
    lines += [*_table(["variant", "recipe", "starts from", "settings beside those in results.json"], rows), ""]
    lines.append(
        f"Training and scoring took {summary['run_seconds'] / 60:.1f} minutes, if one run follows another and each has "
        f"one thread, on {machine['processor']} "
        f"({machine['cores']} cores, {machine['system']}, Python {machine['python']}, torch {machine['torch']}, "
        f"avssl_hub {machine['avssl_hub']})."
    )
    return "\n".join(lines) + "\n"


def _verdicts(summary: dict) -> list[list[str]]:
    return [
        [
            comparison["statement"],
            f"{comparison['score']}, {'lower' if comparison['lower_is_better'] else 'higher'} is better",
            _spread(comparison["mean"], comparison["spread"], "+"),
            *(_figure(gain, "+") for gain in comparison["gains"].values()),
            "shown" if comparison["shown"] else "**not shown**",
        ]
        for comparison in summary["comparisons"]
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows)]


def _spread(mean: float, spread: float, sign: str = "") -> str:
    return f"{mean:{sign}.1f} ± {spread:.1f}"


def _figure(value: float, sign: str = "") -> str:
    return f"{value:{sign}.1f}"
