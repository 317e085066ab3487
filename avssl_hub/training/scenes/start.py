"""What a run begins with: fresh weights, or those of another model of the family as far as both have them."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from ..._loading import read_config
from ...errors import CheckpointError, explain
from ...models.multisensory import MultisensoryPreTrainedModel, MultisensoryProcessor
from ...objectives import Objective
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
        _take_over(beginning[0], Path(recipe.start_from), recipe.fresh)
    return beginning


def start_again(recipe: SceneRecipe, source: SceneSource, folder: Path | None = None) -> Beginning:
    """Make what a run's checkpoint is loaded into."""
    objective = Objective()
    objective.least_clips = recipe.least_clips
    return recipe.build_network(source.classes), recipe.build_processor(), objective


def _take_over(model: MultisensoryPreTrainedModel, folder: Path, fresh: tuple[str, ...]) -> None:
    """Load the weights that the model in ``folder`` has too, but for those ``fresh`` begins to name.

    What only one of the two has is a head, a u-net, or scales of batch normalisation, which begin at 1.
    """
    path = folder / "model.safetensors"
    if not path.is_file():
        step = "Give the folder that avssl train or avssl convert wrote."
        raise CheckpointError(explain(f"start_from {folder}", f"no {path.name}", "the folder of a model", step))
    own, family = model.config.model_type, read_config(folder).get("model_type")
    if family != own:
        raise CheckpointError(explain(f"start_from {folder}", f"a model of {family!r}", f"one of {own!r}"))
    try:
        found = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(explain(f"weights {path}", str(error), "a whole safetensors file")) from error
    state = model.state_dict()
    taken = {name: value for name, value in found.items() if name in state and not name.startswith(fresh)}
    for name, value in taken.items():
        if value.shape != state[name].shape:
            got, rule = tuple(value.shape), f"{tuple(state[name].shape)}, as the recipe's section 'model' makes it"
            raise CheckpointError(explain(f"start_from {folder}: {name}", got, rule))
    # A scale that is missing stays 1, as it is without one.
    needed = {name for name in state if name.startswith("multisensory.") and not name.endswith("norm.weight")}
    missing = sorted(name for name in needed - taken.keys() if not name.startswith(fresh))
    if missing or not taken:
        got = f"no {missing[0]}" if missing else "none of the model's weights"
        raise CheckpointError(explain(f"start_from {folder}", got, f"weights that {type(model).__name__} begins with"))
    unnamed = [beginning for beginning in fresh if not any(name.startswith(beginning) for name in state)]
    if unnamed:
        raise CheckpointError(
            explain("recipe key 'fresh'", unnamed, f"beginnings of names such as {next(iter(state))}")
        )
    model.load_state_dict(taken, strict=False)
