"""What a run begins with: fresh weights and banks, or those of a finished run."""

from inspect import signature
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from .._loading import load_strictly
from ..errors import CheckpointError, explain
from ..models.avid import AvidConfig, AvidModel, AvidProcessor
from ..objectives import BANKS_FILE, Objective
from ._typed import require
from .recipe import STATISTICS, Recipe
from .world_batches import measure_spectrogram


def start(recipe: Recipe) -> tuple[AvidModel, AvidProcessor, Objective]:
    """Make a run's model, processor and objective.

    Raises:
        CheckpointError: A file of the run to start from is missing or damaged.
        RecipeError: That run's network or inputs are not those of the recipe.
        InvalidValueError: Its memory banks are of other items.
    """
    config = AvidConfig(**recipe.model)
    objective = recipe.build_objective((config.projection_widths or config.video_hidden_sizes)[-1])
    if not recipe.start_from:
        return AvidModel(config), AvidProcessor(**recipe.processor, **measure_spectrogram(recipe)), objective

    folder = Path(recipe.start_from)
    banks = [BANKS_FILE] if objective.bank_tensors() else []
    for name in ("config.json", "preprocessor_config.json", *banks):
        if not (folder / name).is_file():
            step = "Give the folder that avssl train wrote."
            raise CheckpointError(explain(f"start_from {folder}", f"no {name}", "the folder of a finished run", step))
    model, processor = load_strictly(AvidModel, folder), AvidProcessor.from_pretrained(folder)
    for section, wanted, found, fixed in (
        ("model", config, model.config, set()),
        ("processor", recipe.processor_in_decibels(), processor, STATISTICS),
    ):
        for key in signature(type(wanted)).parameters.keys() - {"kwargs"} - fixed:
            rule = f"{getattr(found, key)!r}, as in {folder}"
            require(getattr(wanted, key) == getattr(found, key), f"{section}.{key}", repr(getattr(wanted, key)), rule)
    try:
        objective.load_bank_tensors(load_file(folder / BANKS_FILE) if banks else {})
    except SafetensorError as error:
        got = str(error)
        raise CheckpointError(
            explain(f"memory banks {folder / BANKS_FILE}", got, "a whole safetensors file")
        ) from error
    return model, processor, objective
