"""A run under way: one optimiser step after another, and all that a checkpoint of it holds."""

import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.logging import get_logger
from safetensors import SafetensorError
from torch import Tensor, nn

from ..errors import AvsslError, CheckpointError, InvalidValueError, explain
from ..layers.sync_batch_norm import synchronize_batch_norm
from ..objectives import Objective, ObjectiveOutput
from .broken import BROKEN_FILE, BrokenItems
from .checkpoints import explained_writing, list_checkpoints, save_checkpoint
from .items import Items, Parted
from .layout import channels_last
from .run_folder import write_metrics
from .run_settings import RunSettings
from .schedule import build_optimizer, learning_rate_factor

logger = get_logger(__name__)

CHECKPOINTS = "checkpoints"


class TrainingDivergedError(AvsslError):
    """The loss is no number any more."""


class RunState:
    """What a run remembers besides weights.

    Attributes:
        items: Fingerprint of what it trains on.
        step: Steps done.
        seconds: Time spent on them.
        waited: Time of that spent waiting for batches.
        history: Its log.
    """

    def __init__(self, items: str):
        self.items = items
        self.step = 0
        self.seconds = 0.0
        self.waited = 0.0
        self.history: list[dict[str, float]] = []

    def state_dict(self) -> dict:
        return dict(vars(self))

    def load_state_dict(self, state: dict) -> None:
        if state["items"] != self.items:
            step = "Resume with the list of recordings it was started with."
            raise InvalidValueError(explain("resuming", "items of another list, or in another order", "the same", step))
        vars(self).update(state)


class Run(ABC):
    """A run under way, on this process. A subclass says what is trained, on what, and what is left of it.

    Args:
        recipe: What to do.
        source: The items.
        model: What is trained.
        objective: What is minimised.
        folder: Where the run is kept.
        accelerator: The processes.
    """

    def __init__(
        self,
        recipe: RunSettings,
        source: Items,
        model: nn.Module,
        objective: Objective,
        folder: Path,
        accelerator: Accelerator,
    ):
        self.recipe, self.source, self.folder, self.accelerator = recipe, source, folder, accelerator
        self.steps = recipe.num_steps(source.num_items)
        self.epoch_steps = recipe.epoch_steps(source.num_items)
        self.objective = objective.to(accelerator.device)
        if recipe.loop.sync_batch_norm:
            synchronize_batch_norm(model)
        if recipe.loop.channels_last:
            channels_last(model)
        if recipe.loop.compile:
            model.compile()
        settings = recipe.optimizer
        optimizer = build_optimizer(self.parameters(model), settings)
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.model.train()
        # Not prepared: Accelerate would advance it once a process.
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer.optimizer, lambda step: learning_rate_factor(step, self.steps, self.epoch_steps, settings)
        )
        self.state = RunState(source.fingerprint)
        self.broken = BrokenItems(source.name, source.num_items, recipe.data.max_broken, folder / BROKEN_FILE)
        # The state first, which says what is wrong where the banks would not fit.
        accelerator.register_for_checkpointing(self.state, self.objective, self.schedule, self.broken)
        self.checkpoints = folder / CHECKPOINTS

    @abstractmethod
    def parameters(self, model: nn.Module) -> list[nn.Parameter] | list[dict[str, Any]]:
        """Choose what is trained, or groups of it with learning rates of their own."""

    @abstractmethod
    def batches(self) -> Iterator[Parted]:
        """Make this process's share of the batches that are left."""

    @abstractmethod
    def rate(self, part: Parted) -> ObjectiveOutput:
        """Run the model on a batch or a part of it, and compute the loss."""

    @abstractmethod
    def write(self, model: nn.Module) -> None:
        """Write what the run is for, on the main process."""

    @property
    def is_done(self) -> bool:
        """Whether all steps are taken."""
        return self.state.step >= self.steps

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one.

        Raises:
            CheckpointError: It is damaged.
            InvalidValueError: The run was started on other items.
            TooManyBrokenError: It stopped over broken recordings, and no more of them are allowed now.
        """
        if not (found := list_checkpoints(self.checkpoints)):
            return
        try:
            self.accelerator.load_state(str(found[-1]))
        # PyTorch raises RuntimeError for a file cut short, and pickle its own for one that was overwritten.
        except (OSError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
            got, step = " ".join(str(error).split()), "Remove that folder, to go on from the checkpoint before it."
            raise CheckpointError(explain(f"resuming from {found[-1]}", got, "a whole checkpoint", step)) from error
        self.broken.check()
        logger.info("resumed at step %d", self.state.step)

    def take_step(
        self,
        batches: Iterator[Parted],
        terminated: Callable[[], bool],
        preparing: Callable[[int, int], None] | None = None,
    ) -> tuple[dict[str, float], bool]:
        """Take one step; return its losses, and whether any process was told to end.

        Raises:
            TooManyBrokenError: More recordings than allowed cannot be used.
            TrainingDivergedError: The loss is no number any more.
        """
        begun = time.monotonic()
        self.objective.before_step(self.state.step, self.epoch_steps, preparing)
        asked = time.monotonic()
        batch = next(batches)
        self.state.waited += time.monotonic() - asked
        losses = self._backward(batch)
        # Data parallel training averages the gradients of the model alone.
        for parameter in self.objective.parameters():
            parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        if self.recipe.optimizer.max_norm:
            trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
            self.accelerator.clip_grad_norm_(trained, self.recipe.optimizer.max_norm)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.state.step += 1

        # What one process has been told or has found out, all have to act on after the same step.
        flags = {"told": float(terminated()), "news": float(bool(self.broken.news))}
        losses = self._mean_over_processes({**losses, **flags})
        told, news = losses.pop("told") > 0, losses.pop("news") > 0
        self.state.seconds += time.monotonic() - begun
        if not math.isfinite(losses["loss"]):
            step = "Lower optimizer.learning_rate or raise optimizer.warmup_steps, and start anew."
            got = f"a loss of {losses['loss']} in step {self.state.step}"
            raise TrainingDivergedError(explain(f"training into {self.folder}", got, "a finite one", step))
        if news:
            self.broken.share(self.accelerator)
        return losses, told

    def _mean_over_processes(self, values: dict[str, Tensor | float]) -> dict[str, float]:
        device = self.accelerator.device
        together = torch.stack(
            [torch.as_tensor(value, dtype=torch.float32, device=device) for value in values.values()]
        )
        return dict(zip(values, self.accelerator.reduce(together, "mean").tolist()))

    def _backward(self, batch: Parted) -> dict[str, Tensor]:
        """Add up the gradients of a batch, part by part; return its losses."""
        parts = self.recipe.loop.accumulation
        sums: dict[str, Tensor] = {}
        for number, part in enumerate(batch.parts(parts), start=1):
            # Processes exchange gradients once, with the last part.
            waiting = self.accelerator.no_sync(self.model) if number < parts else contextlib.nullcontext()
            with waiting:
                result = self.rate(part)
                self.accelerator.backward(result.loss / parts)
            for name, value in {"loss": result.loss.detach(), **result.terms}.items():
                sums[name] = sums.get(name, 0.0) + value / parts
        return sums

    def log(self, losses: dict[str, float]) -> None:
        """Note the losses of a step in the run's record and in its trackers."""
        state = self.state
        state.history.append({"step": state.step, **losses})
        speed = {
            "clips_per_second": state.step * self.recipe.loop.batch_size / state.seconds,
            "share_of_time_waiting_for_batches": state.waited / state.seconds,
        }
        rates = {"learning_rate": self.schedule.get_last_lr()[0]}
        self.accelerator.log({**losses, **rates, **speed}, step=state.step)
        logger.info("step %d: loss %.4f, %.1f clips/s", state.step, losses["loss"], speed["clips_per_second"])

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            self.checkpoints,
            self.state.step,
            self.recipe.loop.keep_checkpoints,
            lambda folder: self.accelerator.save_state(str(folder)),
            self.accelerator.is_main_process,
            self.accelerator.wait_for_everyone,
        )

    def finish(self) -> None:
        """Write what the run leaves, on the main process."""
        if not self.accelerator.is_main_process:
            return
        about = {"name": self.recipe.name, "seed": self.recipe.seed, "device": str(self.accelerator.device)}
        with explained_writing(self.folder / "model.safetensors"):
            self.write(self.accelerator.unwrap_model(self.model))
            write_metrics(self.folder, {**about, **self.state.state_dict(), "broken": len(self.broken.reasons)})
