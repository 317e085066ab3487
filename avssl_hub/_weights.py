"""Where a checkpoint's weights are, told without fetching anything."""

from pathlib import Path

from . import zoo
from ._cards import ModelCard


def weights_here(card: ModelCard) -> Path | None:
    """Return the folder that holds a checkpoint's weights on this machine, if one does."""
    for folder in (card.path.parent, zoo.converted_path(card.name)):
        if zoo.has_weights(folder):
            return folder
    if card.hub.revision is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(card.hub.repo_id, "model.safetensors", revision=card.hub.revision)
    return Path(cached).parent if isinstance(cached, str) else None


def weights_origin(card: ModelCard) -> str:
    """Say in two words where weights that are not here come from."""
    return "on the Hub" if card.hub.revision else "to convert" if card.converter else "to train"


def how_to_get(card: ModelCard) -> str:
    """Say in a sentence how weights that are not here are had."""
    if card.hub.revision:
        return f"they are fetched from {card.hub.repo_id} at {card.hub.revision[:12]} at first use"
    if card.converter and card.original:
        return f"`avssl convert {card.name} --download` makes them from {card.original.url}"
    return "the family's training recipe makes them"
