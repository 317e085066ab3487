"""A network's restatement on the authors' keys, in the precision that its weights need."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

import torch

from .report import ParityReport

State = Mapping[str, torch.Tensor]


def restated(
    report: ParityReport,
    model: torch.nn.Module,
    original: State,
    inputs: Sequence[torch.Tensor],
    restate: Callable[..., dict[str, torch.Tensor]],
) -> tuple[torch.nn.Module, Sequence[torch.Tensor], dict[str, torch.Tensor]]:
    """Compute the intermediates to compare with, in double precision where single does not hold them.

    Args:
        report: Is told the precision.
        model: The converted model.
        original: The authors' weights.
        inputs: What model and restatement take.
        restate: Gives the intermediates by name from weights and inputs.

    Returns:
        Model and inputs in that precision, and the intermediates.
    """
    expected = restate(original, *inputs)
    if all(value.isfinite().all() for value in expected.values()):
        return model, inputs, expected
    # Weights that no training gave can overflow single precision; the mapping is still to be checked.
    report.dtype = "float64"
    inputs = [value.double() for value in inputs]
    return deepcopy(model).double(), inputs, restate({name: x.double() for name, x in original.items()}, *inputs)
