"""The loop that every run goes through, from its first step or its newest checkpoint to its end."""

from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, ProjectConfiguration

from ..errors import InvalidValueError, explain
from .broken import TooManyBrokenError
from .run import Run
from .run_settings import RunSettings
from .termination import TrainingTerminated, heard_termination

Progress = Callable[[int, int, dict[str, float]], None]


def carry_out(
    recipe: RunSettings,
    folder: Path,
    begin: Callable[[Accelerator], Run],
    progress: Progress | None = None,
    preparing: Callable[[int, int], None] | None = None,
    *,
    on_cpu: bool = False,
    with_idle_weights: bool = False,
) -> None:
    """Take a run to its end.

    Args:
        recipe: Its settings.
        folder: Where it is kept.
        begin: Makes the run, or takes it up again, on the processes it is given.
        progress: Called after each step with steps done, steps in all, and the step's losses.
        preparing: Called with items done and in all while the objective works between steps.
        on_cpu: Leave a GPU alone.
        with_idle_weights: Whether some of the weights take no part in the loss.

    Raises:
        InvalidValueError: This machine cannot compute in the type asked for.
        AvsslError: What ``begin`` raises, and what ends a run; see :func:`avssl_hub.training.train`.
    """
    on_cpu = on_cpu or not torch.accelerator.is_available()
    if recipe.loop.mixed_precision == "fp16" and on_cpu:
        raise InvalidValueError(explain("recipe key 'loop.mixed_precision'", "'fp16' without a GPU", "'no' or 'bf16'"))
    # Accelerate keeps the first run's precision, and its group of processes, for the whole process.
    AcceleratorState._reset_state(reset_partial_state=True)
    among_others = torch.distributed.is_available() and torch.distributed.is_initialized()
    accelerator = Accelerator(
        mixed_precision=recipe.loop.mixed_precision,
        # Unless told that it is on CPUs, Accelerate makes each process of torchrun a run of its own.
        cpu=on_cpu,
        log_with=list(recipe.loop.trackers) or None,
        project_config=ProjectConfiguration(str(folder), logging_dir=str(folder / "logs")),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=with_idle_weights)],
    )
    run = begin(accelerator)
    if recipe.loop.trackers:
        accelerator.init_trackers(recipe.name.replace(".", "-"))
    _take_steps(run, progress, preparing)
    if run.is_done:
        run.finish()
    done, steps = run.state.step, run.steps
    # The wrapped model goes before the process group does: were the group's last reference the model's, the interpreter
    # could wait for a thread that waits for the interpreter.
    accelerator.free_memory()
    del run
    accelerator.wait_for_everyone()
    if among_others:
        # The group is the caller's.
        for tracker in accelerator.trackers:
            tracker.finish()
    else:
        accelerator.end_training()
    if done < steps:
        got, rule = f"SIGTERM in step {done}", f"{steps} steps"
        raise TrainingTerminated(explain(f"training into {folder}", got, rule, "Its state is saved: resume it."))


def _take_steps(run: Run, progress: Progress | None, preparing: Callable[[int, int], None] | None) -> None:
    """Take the steps that are left, or those until SIGTERM comes, and save on the way."""
    loop, state = run.recipe.loop, run.state
    if not run.accelerator.is_main_process:
        progress = preparing = None
    batches = run.batches()
    with heard_termination() as terminated:
        while not run.is_done:
            try:
                losses, told = run.take_step(batches, terminated, preparing)
            except TooManyBrokenError:
                # All processes raise it after the same step.
                run.save()
                raise
            if progress is not None:
                progress(state.step, run.steps, losses)
            if state.step % loop.log_every == 0 or run.is_done:
                run.log(losses)
            if told or state.step % loop.checkpoint_every == 0:
                run.save()
            if told:
                return
