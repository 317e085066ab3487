"""Starting from another model of a family, as far as both have the same weights."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel

from .._loading import read_config
from ..errors import CheckpointError, explain


def take_over(model: PreTrainedModel, folder: Path, needed: AbstractSet[str], fresh: tuple[str, ...] = ()) -> None:
    """Load the weights that the model in ``folder`` has too.

    Args:
        model: Whose weights are set; those that the folder lacks stay as they are.
        folder: What ``avssl train`` or ``avssl convert`` wrote.
        needed: Names of the weights that must be there.
        fresh: Beginnings of names of weights that are left as they are all the same.

    Raises:
        CheckpointError: The folder holds no model of the family, a file is damaged, a needed weight is missing, one is
            of another shape, or ``fresh`` begins no name.
    """
    path = folder / "model.safetensors"
    for name in (path.name, "config.json"):
        if not (folder / name).is_file():
            step = "Give the folder that avssl train or avssl convert wrote."
            raise CheckpointError(explain(f"start_from {folder}", f"no {name}", "the folder of a model", step))
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
