"""The runs of a claim: planned, trained several at a time, scored, and passed over where they are finished."""

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from ...outputs import replacing
from ...training import load_recipe, train
from ...training.run_folder import check_folder
from ...training.run_settings import RunSettings
from ...training.termination import EXIT_STATUS
from .claim import Claim

SCORES_FILE = "scores.json"


@dataclass(frozen=True)
class Run:
    """One training of a claim: a variant with a seed.

    Attributes:
        variant: Name of the variant.
        recipe: All that decides it.
        folder: Where it lies.
        score: Scores it, in percent.
    """

    variant: str
    recipe: RunSettings
    folder: Path
    score: Callable[[Path], dict[str, float]]

    def outcome(self) -> dict | None:
        """Read its ``scores`` in percent, and ``score_seconds``; None before it is scored."""
        file = self.folder / SCORES_FILE
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def plan(
    claim: Claim, folder: Path | str, seeds: Sequence[int], steps: int | None = None, overrides: Sequence[str] = ()
) -> list[Run]:
    """List the runs of a claim, each after the one it starts from.

    Args:
        claim: What is tried.
        folder: Where the runs go, a folder each.
        seeds: Seeds of each variant.
        steps: Steps of a whole run; the claim's own if left out.
        overrides: Settings of every run that differ from its recipe's, ``section.key=value`` each.

    Raises:
        RecipeError: An override is wrong.
        InvalidValueError: A run in the folder was made with other settings.
    """
    folder = Path(folder).resolve()
    runs = []
    for name, variant in claim.variants.items():
        own_steps = max(1, round(variant.share * (steps or claim.steps)))
        settings = [*variant.overrides, *overrides, f"name={claim.name}_{name}.avworld", f"loop.steps={own_steps}"]
        for seed in seeds:
            start = [f"start_from={_place(folder, variant.start, seed)}"] if variant.start else []
            source = variant.recipe or Path(__file__).with_name(f"{claim.miniature}.yaml")
            recipe = load_recipe(source, [*settings, f"seed={seed}", *start])
            runs.append(Run(name, recipe, _place(folder, name, seed), claim.score))
    for run in runs:
        check_folder(run.folder, run.recipe, resume=True)
    return runs


def _place(folder: Path, variant: str, seed: int) -> Path:
    return folder / "runs" / f"{variant}-seed{seed}"


def execute(
    runs: Sequence[Run],
    jobs: int = 2,
    progress: Callable[[int, int, str], None] | None = None,
) -> None:
    """Train and score what is not finished yet; whatever ends this, the same call goes on from there.

    Each run computes on one thread, so that its numbers do not depend on ``jobs``.

    Args:
        runs: What :func:`plan` lists.
        jobs: Runs at a time, a process each.
        progress: Called twice a second with steps done, steps in all, and a remark.
    """
    context = multiprocessing.get_context("spawn")
    done, stop = context.Array("q", len(runs), lock=False), context.Event()
    for number, run in enumerate(runs):
        done[number] = run.recipe.loop.steps if run.outcome() else 0
    waiting = {number: run for number, run in enumerate(runs) if not run.outcome()}
    total, running = sum(run.recipe.loop.steps for run in runs), {}
    planned = {str(run.folder) for run in runs}
    with ProcessPoolExecutor(jobs, context, _prepare_process, (done, stop)) as pool:
        try:
            while waiting or running:
                for number, run in list(waiting.items()):
                    start = run.recipe.start_from
                    if start not in planned or (Path(start) / SCORES_FILE).exists():
                        running[pool.submit(_work, number, waiting.pop(number))] = run
                finished, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in finished:
                    del running[future]
                    future.result()
                if progress is not None:
                    progress(sum(done), total, f"{len(running) + len(waiting)} of {len(runs)} runs left")
        except BaseException:
            # The runs under way save themselves before the pool is left.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


_shared: tuple = ()


def _prepare_process(done, stop) -> None:
    global _shared
    _shared = done, stop
    # An interrupt of the terminal reaches this process too; it waits to be told to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    disable_progress_bar()
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(EXIT_STATUS)


def _work(number: int, run: Run) -> None:
    done, stop = _shared
    # The pool hands out a run ahead, which cannot be called back.
    if stop.is_set():
        return

    def move(step: int, steps: int, losses: dict[str, float]) -> None:
        done[number] = step
        if stop.is_set():
            signal.raise_signal(signal.SIGTERM)

    finish(run, move)


def finish(run: Run, progress: Callable[[int, int, dict[str, float]], None] | None = None) -> None:
    """Train and score one run in this process, from where it was left."""
    train(run.recipe, run.folder, resume=True, progress=progress)
    begun = time.monotonic()
    outcome = {"scores": run.score(run.folder)}
    outcome["score_seconds"] = time.monotonic() - begun
    with replacing(run.folder / SCORES_FILE) as partial:
        partial.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    # Nothing resumes a finished run.
    shutil.rmtree(run.folder / "checkpoints", ignore_errors=True)
