"""Networks of this zoo for scoring, with their own weights or fresh ones."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from .. import zoo
from .._fingerprints import tensors_sha256
from .._loading import model_class
from ..errors import InvalidValueError, explain
from ..hub import sha256_of


class ZooNetwork(NamedTuple):
    """A network, what prepares its inputs, and what its results are known by.

    Attributes:
        model: The network.
        processor: Its processor.
        pretrain_data: What it was trained on, if that is known and the weights are its own.
        weights_sha256: As on its card; of fresh weights that of the tensors.
    """

    model: nn.Module
    processor: Any
    pretrain_data: str | None
    weights_sha256: str


def zoo_network(
    name: str, random_weights: bool = False, purpose: str = "", kinds: tuple[type[nn.Module], ...] = (nn.Module,)
) -> ZooNetwork:
    """Load a network.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        random_weights: Draw the weights anew in place of loading them; none need to be here then.
        purpose: What it is wanted for.
        kinds: Of which it has to be one.

    Raises:
        InvalidValueError: It is of another kind.
        AvsslError: As :func:`avssl_hub.load` raises.
    """
    found = _load(name, random_weights)
    if not isinstance(found.model, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise InvalidValueError(explain(f"model {name} for {purpose}", type(found.model).__name__, expected))
    return found


def _load(name: str, random_weights: bool) -> ZooNetwork:
    known = zoo.catalogue().get(name)
    processor = zoo.load_processor(name)
    if random_weights:
        folder = zoo.resolve(name, weights=False)
        kind = model_class(folder, known)
        model = kind(kind.config_class.from_pretrained(folder))
        return ZooNetwork(model, processor, None, tensors_sha256(model))
    model = zoo.load(name)
    files = sorted(Path(zoo.resolve(name)).glob("model*.safetensors"))
    weights = " ".join(map(sha256_of, files))
    return ZooNetwork(model, processor, known.training_data if known else None, weights)
