"""The training loop: a recipe in, a model folder out, killed and resumed at will."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import yaml
from accelerate import Accelerator
from accelerate.logging import get_logger
from accelerate.state import AcceleratorState
from accelerate.utils import ProjectConfiguration, set_seed
from safetensors.torch import save_file

from ..errors import InvalidValueError, explain
from ..layers.sync_batch_norm import synchronize_batch_norm
from ..objectives import BANKS_FILE
from .checkpoints import list_checkpoints, save_checkpoint
from .recipe import OptimizerSettings, Recipe
from .start import start
from .termination import TrainingTerminated, heard_termination
from .world_batches import AVWorldBatches

logger = get_logger(__name__)

RECIPE_FILE = "recipe.yaml"
METRICS_FILE = "metrics.json"


class RunState:
    """What a run remembers besides weights: steps done, seconds spent, and its log."""

    def __init__(self):
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict[str, float]] = []

    def state_dict(self) -> dict:
        return dict(vars(self))

    def load_state_dict(self, state: dict) -> None:
        vars(self).update(state)


def train(
    recipe: Recipe,
    output_dir: Path | str,
    resume: bool = False,
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
) -> Path:
    """Train a model.

    Args:
        recipe: The run; see :func:`load_recipe`.
        output_dir: Where the model, ``recipe.yaml``, ``metrics.json`` and ``checkpoints/`` go.
        resume: Go on from the newest checkpoint in ``output_dir``, or start there if it has none. On a CPU the
            result equals that of an uninterrupted run on as many threads bit for bit.
        progress: Called after each step with steps done, steps in all, and the step's losses.

    Returns:
        ``output_dir``, with ``config.json``, ``model.safetensors``, ``preprocessor_config.json``, and
        for a run that starts from this one ``memory_banks.safetensors`` if the objective has banks.

    Raises:
        InvalidValueError: The folder holds another run, or one that was not asked to be resumed; the run to start
            from is of another network or other data; or this machine cannot compute in the type asked for.
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
    _claim_folder(output_dir, recipe, resume, accelerator)
    if recipe.loop.batch_size % accelerator.num_processes:
        rule = f"a multiple of the {accelerator.num_processes} processes"
        raise InvalidValueError(explain("recipe key 'loop.batch_size'", recipe.loop.batch_size, rule))

    done = _run(recipe, output_dir, resume, progress, accelerator)
    # The wrapped model goes before the process group does: were the group's last reference the model's, the interpreter
    # could wait for a thread that waits for the interpreter.
    accelerator.free_memory()
    accelerator.wait_for_everyone()
    accelerator.end_training()
    if done < recipe.loop.steps:
        got, rule = f"SIGTERM in step {done}", f"{recipe.loop.steps} steps"
        raise TrainingTerminated(explain(f"training into {output_dir}", got, rule, "Its state is saved: resume it."))
    return output_dir


def _run(
    recipe: Recipe,
    output_dir: Path,
    resume: bool,
    progress: Callable[[int, int, dict[str, float]], None] | None,
    accelerator: Accelerator,
) -> int:
    """Take the steps and write what the run leaves; return the number of steps done, fewer if terminated."""
    set_seed(recipe.seed)
    model, processor, objective = start(recipe)
    objective.to(accelerator.device)
    if recipe.loop.sync_batch_norm:
        synchronize_batch_norm(model)
    settings = recipe.optimizer
    parameters = [*model.parameters(), *objective.parameters()]
    optimizer = torch.optim.Adam(
        parameters, settings.learning_rate, eps=settings.epsilon, weight_decay=settings.weight_decay
    )
    model, optimizer = accelerator.prepare(model, optimizer)
    # Not prepared: Accelerate would advance it once a process.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer.optimizer, lambda step: learning_rate_factor(step, recipe.loop.steps, settings)
    )
    state = RunState()
    accelerator.register_for_checkpointing(objective, schedule, state)
    checkpoints = output_dir / "checkpoints"
    if resume and list_checkpoints(checkpoints):
        accelerator.load_state(str(list_checkpoints(checkpoints)[-1]))
        logger.info("resumed at step %d", state.step)
    if recipe.loop.trackers:
        accelerator.init_trackers(recipe.name.replace(".", "-"))
    batches = AVWorldBatches(
        recipe, processor, objective, accelerator.device, accelerator.process_index, accelerator.num_processes
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
    epoch_steps = recipe.data.items // recipe.loop.batch_size
    last_time = time.monotonic()
    with heard_termination() as terminated:
        while state.step < recipe.loop.steps:
            objective.before_step(state.step, epoch_steps)
            batch = batches(state.step)
            output = model(pixel_values_videos=batch.pixel_values_videos, input_features=batch.input_features)
            result = objective(output.video_embeds, output.audio_embeds, batch.indices, batch.negatives)
            accelerator.backward(result.loss)
            # Data parallel training averages the gradients of the model alone.
            for parameter in objective.parameters():
                parameter.grad = accelerator.reduce(parameter.grad, "mean")
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()

            state.step += 1
            now = time.monotonic()
            state.seconds, last_time = state.seconds + now - last_time, now
            # All ranks have to end after the same step, whichever of them was told to.
            told = torch.tensor(float(terminated()), device=accelerator.device)
            losses = accelerator.reduce({"loss": result.loss.detach(), **result.terms, "told": told}, "mean")
            losses = {name: value.item() for name, value in losses.items()}
            ending = losses.pop("told") > 0
            if progress is not None and accelerator.is_main_process:
                progress(state.step, recipe.loop.steps, losses)
            if state.step % recipe.loop.log_every == 0 or state.step == recipe.loop.steps:
                state.history.append({"step": state.step, **losses})
                accelerator.log(losses, step=state.step)
                rate = state.step * recipe.loop.batch_size / state.seconds
                logger.info("step %d: loss %.4f, %.1f clips/s", state.step, losses["loss"], rate)
            if ending or state.step % recipe.loop.checkpoint_every == 0:
                save()
            if ending:
                break
    if state.step == recipe.loop.steps and accelerator.is_main_process:
        accelerator.unwrap_model(model).save_pretrained(output_dir)
        processor.save_pretrained(output_dir)
        if banks := objective.bank_tensors():
            save_file(banks, output_dir / BANKS_FILE)
        metrics = {"name": recipe.name, "seed": recipe.seed, "device": str(accelerator.device), **state.state_dict()}
        (output_dir / METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return state.step


def learning_rate_factor(step: int, steps: int, settings: OptimizerSettings) -> float:
    """Return the share of the peak learning rate at ``step`` of ``steps``, the first being 0."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return 1.0
    done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _claim_folder(output_dir: Path, recipe: Recipe, resume: bool, accelerator: Accelerator) -> None:
    """Note the recipe in a new folder; accept an old one only to resume the very same recipe."""
    noted = output_dir / RECIPE_FILE
    settings = json.loads(json.dumps(recipe.to_dict()))
    if not noted.exists():
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            output_dir.mkdir(parents=True, exist_ok=True)
            noted.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        accelerator.wait_for_everyone()
        return
    accelerator.wait_for_everyone()
    if not resume:
        raise InvalidValueError(
            explain(
                f"training into {output_dir}",
                "a folder that holds a run",
                "a new folder",
                "Resume it, or choose another folder.",
            )
        )
    before = yaml.safe_load(noted.read_text(encoding="utf-8"))
    changed = [key for key in settings if settings[key] != before.get(key)]
    if changed:
        raise InvalidValueError(
            explain(
                f"resuming {output_dir}",
                f"a recipe that differs in {', '.join(changed)}",
                f"the recipe in {noted}",
                "Resume with that recipe, or choose another folder.",
            )
        )
