"""Models that can be changed, in place, to a faster form that is not trained or saved any more."""

from typing import Self

from torch import nn

from ..errors import InvalidValueError, explain


class InferenceForm:
    """To be inherited before ``PreTrainedModel``; a subclass replaces its layers in ``_fold``."""

    _folded = False

    def optimize_for_inference(self) -> Self:
        """Replace the network by an equal, faster form for CPU inference, in place; not to be trained or saved.

        Batch normalisation is folded into the convolutions, which run on channels-last layouts. Weights that were
        taken from the model before, as by ``state_dict()``, may be overwritten.

        Returns:
            This model, in evaluation mode.
        """
        self.eval().requires_grad_(False)
        for module in _with_forms(self):
            if not module._folded:
                module._fold()
                module._folded = True
        return self

    def save_pretrained(self, *args, **kwargs):
        """Save as transformers does; a form for inference is refused."""
        if any(module._folded for module in _with_forms(self)):
            raise InvalidValueError(
                explain(
                    f"saving {type(self).__name__}",
                    "a model changed by optimize_for_inference()",
                    "the original parameters",
                    "Load the model again and save that one.",
                )
            )
        return super().save_pretrained(*args, **kwargs)

    def _fold(self) -> None:
        """Replace the layers that are this module's own."""


def _with_forms(model: nn.Module) -> list["InferenceForm"]:
    return [module for module in model.modules() if isinstance(module, InferenceForm)]
