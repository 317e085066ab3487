"""What a run begins with: fresh weights and banks, or those of a finished run."""

from inspect import signature
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .._loading import load_strictly
from ..errors import CheckpointError, explain
from ..models.avid import AvidConfig, AvidModel, AvidProcessor
from ..objectives import BANKS_FILE, Objective
from ._recipe_error import require
from .recipe import STATISTICS, Recipe
from .run_folder import noted_processor
from .sources import Source

# Metadata of the memory banks: what the items are that their rows stand for.
ITEMS_KEY = "items"


def start(recipe: Recipe, source: Source) -> tuple[AvidModel, AvidProcessor, Objective]:
    """Make a run's model, processor and objective.

    Raises:
        CheckpointError: A file of the run to start from is missing or damaged.
        RecipeError: That run's network or inputs are not those of the recipe.
        InvalidValueError: Its memory banks are of other items.
    """
    config = AvidConfig(**recipe.model)
    objective = _objective(recipe, source, config)
    if not recipe.start_from:
        return AvidModel(config), source.processor(), objective

    folder = Path(recipe.start_from)
    banks = [BANKS_FILE] if objective.bank_tensors() else []
    for name in ("config.json", "preprocessor_config.json", *banks):
        if not (folder / name).is_file():
            step = "Give the folder that avssl train wrote."
            raise CheckpointError(explain(f"start_from {folder}", f"no {name}", "the folder of a finished run", step))
    try:
        model, processor = load_strictly(AvidModel, folder), noted_processor(folder, AvidProcessor)
    except OSError as error:
        got = " ".join(str(error).split())
        raise CheckpointError(explain(f"start_from {folder}", got, "the folder of a finished run")) from error
    for section, wanted, found, fixed in (
        ("model", config, model.config, set()),
        ("processor", recipe.processor_in_decibels(), processor, STATISTICS),
    ):
        for key in signature(type(wanted)).parameters.keys() - {"kwargs"} - fixed:
            rule = f"{getattr(found, key)!r}, as in {folder}"
            require(getattr(wanted, key) == getattr(found, key), f"{section}.{key}", repr(getattr(wanted, key)), rule)
    if banks:
        _load_banks(objective, folder / BANKS_FILE, source)
    # Into memory of its own: where in a file's memory weights lie can decide how sums are rounded, and a resumed run
    # has to round alike.
    fresh = AvidModel(config)
    fresh.load_state_dict(model.state_dict())
    return fresh, processor, objective


def start_again(recipe: Recipe, source: Source, folder: Path) -> tuple[AvidModel, AvidProcessor, Objective]:
    """Make what a run's checkpoint is loaded into: its weights and banks are to come, its statistics are noted.

    Raises:
        CheckpointError: The processor noted in the run's folder is missing or damaged.
    """
    config = AvidConfig(**recipe.model)
    return AvidModel(config), noted_processor(folder, AvidProcessor), _objective(recipe, source, config)


def save_banks(objective: Objective, folder: Path, source: Source) -> None:
    """Write what a further training on the same items starts from, if there is anything."""
    if banks := objective.bank_tensors():
        save_file(banks, folder / BANKS_FILE, {ITEMS_KEY: source.fingerprint})


def _objective(recipe: Recipe, source: Source, config: AvidConfig) -> Objective:
    return recipe.build_objective(source.num_items, (config.projection_widths or config.video_hidden_sizes)[-1])


def _load_banks(objective: Objective, file: Path, source: Source) -> None:
    try:
        with safe_open(file, "pt") as opened:
            of_items = (opened.metadata() or {}).get(ITEMS_KEY)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(explain(f"memory banks {file}", str(error), "a whole safetensors file")) from error
    # Converted banks do not say what their rows stand for.
    if of_items not in (None, source.fingerprint):
        step = "Start from a run on the same list of recordings, in the same order."
        raise CheckpointError(explain(f"memory banks {file}", "rows of other items", "rows of the recipe's", step))
    objective.load_bank_tensors(tensors)
