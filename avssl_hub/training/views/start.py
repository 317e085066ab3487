"""What a run begins with: fresh weights, or those that it inherits from another model of the family."""

from inspect import signature
from pathlib import Path
from reprlib import repr as short

from ...models.avsa import AvsaConfig, AvsaPreTrainedModel, AvsaProcessor
from ...objectives import Objective
from .._recipe_error import require
from ..recipe import STATISTICS
from ..run_folder import noted_processor
from ..taking_over import take_over
from .recipe import ViewRecipe
from .sources import ViewSource, make_processor

Beginning = tuple[AvsaPreTrainedModel, AvsaProcessor, Objective]

# What is asked of a processor that looks at whole films, and not of a training.
_OF_FILMS = {"num_views", "view_width"}


def start(recipe: ViewRecipe, source: ViewSource) -> Beginning:
    """Make a run's model, processor and objective, which is left empty: the networks know their losses.

    Raises:
        CheckpointError: A file of the model to start from is missing or damaged, or weights do not fit.
        RecipeError: The inherited parts or the inputs are not those of the recipe.
    """
    if not recipe.start_from:
        return recipe.build_network(), make_processor(recipe, source), _objective(recipe)
    model, folder = recipe.build_network(), Path(recipe.start_from)
    names = model.state_dict().keys()
    needed = {name for name in names if name.startswith(recipe.inherited)}
    take_over(model, folder, needed, fresh=tuple(names - needed))
    _require_same("model", model.config, AvsaConfig.from_pretrained(folder), _layout(needed), folder)
    processor = noted_processor(folder, AvsaProcessor)
    keys = _names(AvsaProcessor) - STATISTICS - _OF_FILMS
    _require_same("processor", recipe.unscaled_processor(), processor, keys, folder)
    return model, processor, _objective(recipe)


def start_again(recipe: ViewRecipe, source: ViewSource, folder: Path) -> Beginning:
    """Make what a run's checkpoint is loaded into; its statistics are noted.

    Raises:
        CheckpointError: The processor noted in the run's folder is missing or damaged.
    """
    return recipe.build_network(), noted_processor(folder, AvsaProcessor), _objective(recipe)


def _objective(recipe: ViewRecipe) -> Objective:
    objective = Objective()
    objective.least_clips = recipe.least_clips
    return objective


def _names(kind: type) -> set[str]:
    return signature(kind).parameters.keys() - {"kwargs"}


def _layout(inherited: set[str]) -> set[str]:
    """Name the settings that decide what inherited weights do, beside their shapes."""
    parts = ["video_", "audio_", "batch_norm_eps"]
    if any(name.startswith(("video_to_audio.", "audio_to_video.")) for name in inherited):
        parts += ["translation_depth", "translation_context", "layer_norm_eps"]
    return {name for name in _names(AvsaConfig) if name.startswith(tuple(parts))}


def _require_same(section: str, wanted: object, found: object, keys: set[str], folder: Path) -> None:
    for key in sorted(keys):
        asked, has = getattr(wanted, key), getattr(found, key)
        require(asked == has, f"{section}.{key}", short(asked), f"{short(has)}, as in {folder}")
