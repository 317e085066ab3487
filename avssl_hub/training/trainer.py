"""The training loop: a recipe in, a model folder out, killed and resumed at will."""

from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import ProjectConfiguration, set_seed

from ..errors import InvalidValueError, explain
from .broken import TooManyBrokenError
from .checkpoints import list_checkpoints
from .recipe import Recipe
from .run import CHECKPOINTS, Run
from .run_folder import check_folder, note_recipe
from .sources import open_source
from .start import noted_processor, start, start_again
from .termination import TrainingTerminated, heard_termination

Progress = Callable[[int, int, dict[str, float]], None]


def train(
    recipe: Recipe,
    output_dir: Path | str,
    resume: bool = False,
    progress: Progress | None = None,
    preparing: Callable[[int, int], None] | None = None,
) -> Path:
    """Train a model.

    Args:
        recipe: The run; see :func:`load_recipe`.
        output_dir: Where the model, ``recipe.yaml``, ``metrics.json``, ``checkpoints/`` and the trackers' ``logs/`` go.
        resume: Go on from the newest checkpoint in ``output_dir``, or start there if it has none. On a CPU the
            result equals that of an uninterrupted run on as many threads bit for bit.
        progress: Called after each step with steps done, steps in all, and the step's losses.
        preparing: Called with items done and in all while the objective works between steps, as AVID-CMA's search for
            positives does.

    Returns:
        ``output_dir``, with ``config.json``, ``model.safetensors``, ``preprocessor_config.json``; for a run that starts
        from this one ``memory_banks.safetensors`` if the objective has banks; and ``broken.csv`` if recordings could
        not be used.

    Raises:
        InvalidValueError: The folder holds another run, or one that was not asked to be resumed; the run to start
            from is of another network or other data; or this machine cannot compute in the type asked for.
        CheckpointError: The checkpoint to resume from, or the run to start from, is damaged.
        OutputError: ``output_dir`` cannot be written; what was finished is kept.
        TooManyBrokenError: More recordings than ``data.max_broken`` cannot be used.
        DecodingCrashedError: A process that decodes died.
        TrainingDivergedError: The loss is no number any more.
        TrainingTerminated: SIGTERM came; the state after the step under way is saved.
    """
    output_dir = Path(output_dir)
    with_gpu = torch.accelerator.is_available()
    if recipe.loop.mixed_precision == "fp16" and not with_gpu:
        raise InvalidValueError(explain("recipe key 'loop.mixed_precision'", "'fp16' without a GPU", "'no' or 'bf16'"))
    # Accelerate keeps the first run's precision for the whole process.
    AcceleratorState._reset_state()
    accelerator = Accelerator(
        mixed_precision=recipe.loop.mixed_precision,
        # Unless told that it is on CPUs, Accelerate makes each process of torchrun a run of its own.
        cpu=not with_gpu,
        log_with=list(recipe.loop.trackers) or None,
        project_config=ProjectConfiguration(str(output_dir), logging_dir=str(output_dir / "logs")),
    )
    run = _begin(recipe, output_dir, resume, accelerator)
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
    accelerator.end_training()
    if done < steps:
        got, rule = f"SIGTERM in step {done}", f"{steps} steps"
        raise TrainingTerminated(explain(f"training into {output_dir}", got, rule, "Its state is saved: resume it."))
    return output_dir


def _begin(recipe: Recipe, output_dir: Path, resume: bool, accelerator: Accelerator) -> Run:
    """Make the run, or take it up again from its newest checkpoint; claim its folder once it can begin."""
    parts = accelerator.num_processes * recipe.loop.accumulation
    if recipe.loop.batch_size % parts:
        rule = f"a multiple of {parts}: {accelerator.num_processes} processes, each in {recipe.loop.accumulation} parts"
        raise InvalidValueError(explain("recipe key 'loop.batch_size'", recipe.loop.batch_size, rule))
    is_new = check_folder(output_dir, recipe, resume)
    source = open_source(recipe)
    # Refused now, if the list is shorter than a batch.
    recipe.epoch_steps(source.num_items)
    going_on = not is_new and bool(list_checkpoints(output_dir / CHECKPOINTS))
    set_seed(recipe.seed)
    model, processor, objective = start_again(recipe, source, output_dir) if going_on else start(recipe, source)
    least = parts * objective.least_clips
    if recipe.loop.batch_size < least:
        rule, step = f"at least {least}, {objective.least_clips} in each part", "Raise it, or take fewer processes."
        raise InvalidValueError(explain("recipe key 'loop.batch_size'", recipe.loop.batch_size, rule, step))
    # Only now, so that a start that fails leaves no folder behind; all ranks have looked at it before.
    accelerator.wait_for_everyone()
    if accelerator.is_main_process and not going_on:
        note_recipe(output_dir, recipe)
        processor.save_pretrained(output_dir)
    accelerator.wait_for_everyone()
    # One rank's statistics are everybody's, now and when the run is resumed.
    run = Run(recipe, source, (model, noted_processor(output_dir), objective), output_dir, accelerator)
    if going_on:
        run.resume()
    return run


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
