"""A pipeline's model and processor, given as objects or by a name that ``avssl_hub.load`` knows."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .. import zoo
from ..errors import InvalidValueError, explain

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel


def find_processor(
    model: "PreTrainedModel | str | Path", processor: "FeatureExtractionMixin | None"
) -> "FeatureExtractionMixin":
    """Return the processor that was given, or the one that belongs to a model given by name.

    Raises:
        InvalidValueError: A model object came without its processor.
    """
    if processor is not None:
        return processor
    if not isinstance(model, (str, Path)):
        step = "Pass processor=avssl_hub.load_processor(...), or the model's name in place of the model."
        raise InvalidValueError(explain("processor", None, "the processor that belongs to the model", step))
    return zoo.load_processor(model)


def ready_model(model: "PreTrainedModel | str | Path", device: torch.device, **config: Any) -> "PreTrainedModel":
    """Bring a model to its device; one that is loaded by name also into its fastest form for a CPU.

    ``config`` are values of the configuration for such a one, which stay out of one that is there already.
    """
    if not isinstance(model, (str, Path)):
        return model.to(device).eval()
    loaded = zoo.load(model, **config).to(device).eval()
    if device.type == "cpu" and hasattr(loaded, "optimize_for_inference"):
        # Only on a model of our own: the change is in place and ends training.
        loaded.optimize_for_inference()
    return loaded
