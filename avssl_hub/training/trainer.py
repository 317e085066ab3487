"""Pretraining from a recipe: a model folder out, killed and resumed at will."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import set_seed

from ..errors import InvalidValueError, explain
from .checkpoints import list_checkpoints
from .loop import Progress, carry_out
from .run import CHECKPOINTS, Run
from .run_folder import check_folder, note_recipe, noted_processor
from .run_settings import RunSettings
from .tasks import TASKS


def train(
    recipe: RunSettings,
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
    carry_out(recipe, output_dir, partial(_begin, recipe, output_dir, resume), progress, preparing)
    return output_dir


def _begin(recipe: RunSettings, output_dir: Path, resume: bool, accelerator: Accelerator) -> Run:
    """Make the run, or take it up again from its newest checkpoint; claim its folder once it can begin."""
    recipe.check_processes(accelerator.num_processes)
    is_new = check_folder(output_dir, recipe, resume)
    task = TASKS[recipe.task]
    source = task.open_source(recipe)
    # Refused now, if the list is shorter than a batch.
    recipe.epoch_steps(source.num_items)
    going_on = not is_new and bool(list_checkpoints(output_dir / CHECKPOINTS))
    set_seed(recipe.seed)
    begun = task.start_again(recipe, source, output_dir) if going_on else task.start(recipe, source)
    model, processor, objective = begun
    least = accelerator.num_processes * recipe.loop.accumulation * objective.least_clips
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
    noted = noted_processor(output_dir, task.processor)
    run = task.run(recipe, source, (model, noted, objective), output_dir, accelerator)
    if going_on:
        run.resume()
    return run
