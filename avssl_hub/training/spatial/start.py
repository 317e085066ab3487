"""What a run begins with: fresh weights, or those of another model of the same configuration."""

from inspect import signature
from pathlib import Path

from ..._loading import load_strictly
from ...errors import CheckpointError, explain
from ...models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel, SpatialAudioGenProcessor
from ...objectives import Objective
from .._recipe_error import require
from .imagenet import begin_with_resnet18, download_resnet18
from .recipe import SpatializationRecipe
from .sources import ChunkSource

Beginning = tuple[SpatialAudioGenModel, SpatialAudioGenProcessor, Objective]


def start(recipe: SpatializationRecipe, source: ChunkSource) -> Beginning:
    """Make a run's model, processor and objective, which is left empty: the network knows its loss.

    Raises:
        CheckpointError: A file of the model to start from is missing or damaged, or ImageNet's weights cannot be had.
        RecipeError: Its configuration is not the recipe's.
    """
    beginning = start_again(recipe, source)
    model = beginning[0]
    if recipe.imagenet:
        begin_with_resnet18(model, download_resnet18())
    if recipe.start_from:
        folder = Path(recipe.start_from)
        if not (folder / "config.json").is_file():
            step = "Give the folder that avssl train or avssl convert wrote."
            raise CheckpointError(explain(f"start_from {folder}", "no config.json", "the folder of a model", step))
        found = load_strictly(SpatialAudioGenModel, folder)
        for key in signature(SpatialAudioGenConfig).parameters.keys() - {"kwargs"}:
            wanted, has = getattr(model.config, key), getattr(found.config, key)
            require(wanted == has, f"model.{key}", repr(wanted), f"{has!r}, as in {folder}")
        # Into memory of its own: where in a file's memory weights lie can decide how sums are rounded.
        model.load_state_dict(found.state_dict())
    return beginning


def start_again(recipe: SpatializationRecipe, source: ChunkSource, folder: Path | None = None) -> Beginning:
    """Make what a run's checkpoint is loaded into."""
    return recipe.build_network(), recipe.build_processor(), Objective()
