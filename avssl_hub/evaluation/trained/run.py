"""The stages of a trained protocol as runs of the training loop, killed and resumed at will."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from ...errors import CheckpointError, explain
from ...objectives import ObjectiveOutput
from ...outputs import replacing
from ...training.checkpoints import list_checkpoints
from ...training.loop import Progress, carry_out
from ...training.run import CHECKPOINTS, Run
from ...training.run_folder import METRICS_FILE, check_folder, note_recipe
from .network import Classification, Classified
from .settings import Stage
from .source import LabelledBatch, LabelledSource

WEIGHTS = "model.safetensors"


class SupervisedRun(Run):
    """A stage under way, on this process."""

    recipe: Stage
    source: LabelledSource

    def parameters(self, model: Classified) -> list[dict[str, Any]]:
        settings = self.recipe.optimizer
        rate = settings.head_learning_rate or settings.learning_rate
        head = {"params": list(model.head.parameters()), "lr": rate}
        if self.recipe.trained == "head":
            return [head]
        return [{"params": list(model.network.parameters())}, head]

    def batches(self) -> Iterator[LabelledBatch]:
        accelerator = self.accelerator
        share = slice(accelerator.process_index, None, accelerator.num_processes)
        encoder = accelerator.unwrap_model(self.model).encoder
        return self.source.batches(self.recipe, encoder, self.state.step, self.broken, accelerator.device, share)

    def rate(self, part: LabelledBatch) -> ObjectiveOutput:
        return self.objective(self.model(part.inputs), part.labels)

    def write(self, model: nn.Module) -> None:
        with replacing(self.folder / WEIGHTS) as partial_file:
            save_model(model, str(partial_file))


def train_stage(
    stage: Stage,
    source: LabelledSource,
    build: Callable[[], Classified],
    folder: Path,
    *,
    before: Path | None = None,
    progress: Progress | None = None,
    device: torch.device | None = None,
) -> None:
    """Train a model; go on with what the folder holds.

    Args:
        stage: What to do.
        source: What to learn from.
        build: Makes the network with its head, whose weights it draws.
        folder: Of this stage.
        before: Folder of the finished stage that this one goes on from.
        progress: Called after each step with steps done, steps in all, and the step's losses.
        device: Where this process trains; by default the GPU if there is one.

    Raises:
        AvsslError: As :func:`avssl_hub.training.train` raises. What is finished is kept.
    """

    def begin(accelerator: Accelerator) -> SupervisedRun:
        stage.check_processes(accelerator.num_processes)
        is_new = check_folder(folder, stage, resume=True)
        going_on = not is_new and bool(list_checkpoints(folder / CHECKPOINTS))
        set_seed(stage.seed)
        model = build()
        if before:
            load_weights(model, before)
        run = SupervisedRun(stage, source, model.prepare(stage), Classification(), folder, accelerator)
        accelerator.wait_for_everyone()
        if going_on:
            run.resume()
        elif accelerator.is_main_process:
            note_recipe(folder, stage)
        accelerator.wait_for_everyone()
        return run

    if device is not None and device.index is not None:
        # The one that Accelerate takes.
        torch.cuda.set_device(device)
    on_cpu = device is not None and device.type == "cpu"
    carry_out(stage, folder, begin, progress, on_cpu=on_cpu, with_idle_weights=True)


def load_weights(model: Classified, folder: Path) -> None:
    """Load what a finished stage left into a model.

    Raises:
        CheckpointError: It is damaged or of another network.
    """
    try:
        load_model(model, folder / WEIGHTS)
    except (OSError, RuntimeError, SafetensorError) as error:
        got, step = " ".join(str(error).split()), "Remove the folder, to train again."
        raise CheckpointError(explain(f"weights of {folder}", got, "those of a finished run", step)) from error


def record_of(folder: Path) -> dict[str, Any] | None:
    """Read what a stage noted of itself at its very end; None where it has not ended."""
    file = folder / METRICS_FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def drop_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished stage."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
