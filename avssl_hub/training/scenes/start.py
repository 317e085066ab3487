"""What a run begins with: fresh weights, or those of another model of the family as far as both have them."""

from pathlib import Path

from ...models.multisensory import MultisensoryPreTrainedModel, MultisensoryProcessor
from ...objectives import Objective
from ..taking_over import take_over
from .recipe import SceneRecipe
from .sources import SceneSource

Beginning = tuple[MultisensoryPreTrainedModel, MultisensoryProcessor, Objective]


def start(recipe: SceneRecipe, source: SceneSource) -> Beginning:
    """Make a run's model, processor and objective, which is left empty: the networks know their losses.

    Raises:
        CheckpointError: A file of the model to start from is missing or damaged, or weights do not fit.
    """
    beginning = start_again(recipe, source)
    if recipe.start_from:
        model = beginning[0]
        # What only one of the two has is a head, a u-net, or scales of batch normalisation, which begin at 1.
        trunk = {name for name in model.state_dict() if name.startswith("multisensory.")}
        needed = {name for name in trunk if not name.endswith("norm.weight")}
        take_over(model, Path(recipe.start_from), needed, recipe.fresh)
    return beginning


def start_again(recipe: SceneRecipe, source: SceneSource, folder: Path | None = None) -> Beginning:
    """Make what a run's checkpoint is loaded into."""
    objective = Objective()
    objective.least_clips = recipe.least_clips
    return recipe.build_network(source.classes), recipe.build_processor(), objective
