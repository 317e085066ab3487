"""The training loop: a recipe in, a model folder out, killed and resumed at will."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.logging import get_logger
from accelerate.state import AcceleratorState
from accelerate.utils import ProjectConfiguration, set_seed
from torch import Tensor, nn

from ..errors import InvalidValueError, explain
from ..layers.sync_batch_norm import synchronize_batch_norm
from ..models.avid import AvidModel, AvidProcessor
from ..objectives import Objective
from .batch import Batch
from .broken import BROKEN_FILE, BrokenItems
from .checkpoints import list_checkpoints, save_checkpoint
from .recipe import Recipe
from .run_folder import check_folder, note_recipe, write_metrics
from .schedule import learning_rate_factor
from .sources import Source, open_source
from .start import save_banks, start
from .termination import TrainingTerminated, heard_termination

logger = get_logger(__name__)

Progress = Callable[[int, int, dict[str, float]], None]


class RunState:
    """What a run remembers besides weights: what its items are, steps done, seconds spent, and its log."""

    def __init__(self, items: str):
        self.items = items
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict[str, float]] = []

    def state_dict(self) -> dict:
        return dict(vars(self))

    def load_state_dict(self, state: dict) -> None:
        if state["items"] != self.items:
            step = "Resume with the list of recordings it was started with."
            raise InvalidValueError(explain("resuming", "items of another list, or in another order", "the same", step))
        vars(self).update(state)


def train(recipe: Recipe, output_dir: Path | str, resume: bool = False, progress: Progress | None = None) -> Path:
    """Train a model.

    Args:
        recipe: The run; see :func:`load_recipe`.
        output_dir: Where the model, ``recipe.yaml``, ``metrics.json``, ``checkpoints/`` and the trackers' ``logs/`` go.
        resume: Go on from the newest checkpoint in ``output_dir``, or start there if it has none. On a CPU the
            result equals that of an uninterrupted run on as many threads bit for bit.
        progress: Called after each step with steps done, steps in all, and the step's losses.

    Returns:
        ``output_dir``, with ``config.json``, ``model.safetensors``, ``preprocessor_config.json``; for a run that starts
        from this one ``memory_banks.safetensors`` if the objective has banks; and ``broken.csv`` if recordings could
        not be used.

    Raises:
        InvalidValueError: The folder holds another run, or one that was not asked to be resumed; the run to start
            from is of another network or other data; or this machine cannot compute in the type asked for.
        TooManyBrokenError: More recordings than ``data.max_broken`` cannot be used.
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
    parts = accelerator.num_processes * recipe.loop.accumulation
    if recipe.loop.batch_size % parts:
        rule = f"a multiple of {parts}: {accelerator.num_processes} processes, each in {recipe.loop.accumulation} parts"
        raise InvalidValueError(explain("recipe key 'loop.batch_size'", recipe.loop.batch_size, rule))
    is_new = check_folder(output_dir, recipe, resume)
    source = open_source(recipe)
    steps = recipe.num_steps(source.num_items)
    set_seed(recipe.seed)
    beginning = start(recipe, source)
    # Only now, so that a start that fails leaves no folder behind; all ranks have looked at it before.
    accelerator.wait_for_everyone()
    if is_new and accelerator.is_main_process:
        note_recipe(output_dir, recipe)
    accelerator.wait_for_everyone()

    done = _run(recipe, source, beginning, output_dir, resume, progress, accelerator)
    # The wrapped model goes before the process group does: were the group's last reference the model's, the interpreter
    # could wait for a thread that waits for the interpreter.
    accelerator.free_memory()
    accelerator.wait_for_everyone()
    accelerator.end_training()
    if done < steps:
        got, rule = f"SIGTERM in step {done}", f"{steps} steps"
        raise TrainingTerminated(explain(f"training into {output_dir}", got, rule, "Its state is saved: resume it."))
    return output_dir


def _run(
    recipe: Recipe,
    source: Source,
    beginning: tuple[AvidModel, AvidProcessor, Objective],
    output_dir: Path,
    resume: bool,
    progress: Progress | None,
    accelerator: Accelerator,
) -> int:
    """Take the steps and write what the run leaves; return the number of steps done, fewer if terminated."""
    model, processor, objective = beginning
    objective.to(accelerator.device)
    if recipe.loop.sync_batch_norm:
        synchronize_batch_norm(model)
    settings, steps, epoch_steps = (
        recipe.optimizer,
        recipe.num_steps(source.num_items),
        recipe.epoch_steps(source.num_items),
    )
    parameters = [*model.parameters(), *objective.parameters()]
    optimizer = torch.optim.Adam(
        parameters, settings.learning_rate, eps=settings.epsilon, weight_decay=settings.weight_decay
    )
    model, optimizer = accelerator.prepare(model, optimizer)
    # Not prepared: Accelerate would advance it once a process.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer.optimizer, lambda step: learning_rate_factor(step, steps, epoch_steps, settings)
    )
    state = RunState(source.fingerprint)
    broken = BrokenItems(source.name, source.num_items, recipe.data.max_broken, output_dir / BROKEN_FILE)
    accelerator.register_for_checkpointing(objective, schedule, state, broken)
    checkpoints = output_dir / "checkpoints"
    if resume and list_checkpoints(checkpoints):
        accelerator.load_state(str(list_checkpoints(checkpoints)[-1]))
        logger.info("resumed at step %d", state.step)
    if recipe.loop.trackers:
        accelerator.init_trackers(recipe.name.replace(".", "-"))
    batches = source.batches(
        processor, objective, broken, accelerator.device, accelerator.process_index, accelerator.num_processes
    )

    def save() -> None:
        save_checkpoint(
            checkpoints,
            state.step,
            recipe.loop.keep_checkpoints,
            lambda folder: accelerator.save_state(str(folder)),
            accelerator.is_main_process,
            accelerator.wait_for_everyone,
        )

    model.train()
    last_time = time.monotonic()
    coming = batches.from_step(state.step)
    with heard_termination() as terminated:
        while state.step < steps:
            objective.before_step(state.step, epoch_steps)
            losses = _backward(model, objective, next(coming), recipe.loop.accumulation, accelerator)
            # Data parallel training averages the gradients of the model alone.
            for parameter in objective.parameters():
                parameter.grad = accelerator.reduce(parameter.grad, "mean")
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()

            state.step += 1
            now = time.monotonic()
            state.seconds, last_time = state.seconds + now - last_time, now
            # What one rank has been told or has found out, all have to act on after the same step.
            flags = {"told": float(terminated()), "news": float(bool(broken.news))}
            flags = {name: torch.tensor(value, device=accelerator.device) for name, value in flags.items()}
            losses = {name: value.item() for name, value in accelerator.reduce({**losses, **flags}, "mean").items()}
            ending = losses.pop("told") > 0
            if losses.pop("news") > 0:
                broken.share(accelerator)
            if progress is not None and accelerator.is_main_process:
                progress(state.step, steps, losses)
            if state.step % recipe.loop.log_every == 0 or state.step == steps:
                rate = state.step * recipe.loop.batch_size / state.seconds
                state.history.append({"step": state.step, **losses})
                accelerator.log(
                    {**losses, "learning_rate": schedule.get_last_lr()[0], "clips_per_second": rate}, state.step
                )
                logger.info("step %d: loss %.4f, %.1f clips/s", state.step, losses["loss"], rate)
            if ending or state.step % recipe.loop.checkpoint_every == 0:
                save()
            if ending:
                break
    if state.step == steps and accelerator.is_main_process:
        accelerator.unwrap_model(model).save_pretrained(output_dir)
        processor.save_pretrained(output_dir)
        save_banks(objective, output_dir, source)
        about = {"name": recipe.name, "seed": recipe.seed, "device": str(accelerator.device)}
        write_metrics(output_dir, {**about, **state.state_dict(), "broken": len(broken.reasons)})
    return state.step


def _backward(
    model: nn.Module, objective: Objective, batch: Batch, parts: int, accelerator: Accelerator
) -> dict[str, Tensor]:
    """Add up the gradients of a batch, part by part; return its losses."""
    sums: dict[str, Tensor] = {}
    for number, part in enumerate(batch.parts(parts), start=1):
        # Ranks exchange gradients once, with the last part.
        waiting = accelerator.no_sync(model) if number < parts else contextlib.nullcontext()
        with waiting:
            output = model(pixel_values_videos=part.pixel_values_videos, input_features=part.input_features)
            result = objective(output.video_embeds, output.audio_embeds, part.indices, part.negatives)
            accelerator.backward(result.loss / parts)
        for name, value in {"loss": result.loss.detach(), **result.terms}.items():
            sums[name] = sums.get(name, 0.0) + value / parts
    return sums
