"""What the family's networks are trained by, beside the cross-entropies (sections 3 and 6 of the paper)."""

import torch
from torch import nn


def on_off_terms(
    predicted: tuple[torch.Tensor, torch.Tensor], sources: tuple[torch.Tensor, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Mean absolute errors where the first source is on the screen and the second off it.

    Args:
        predicted: Normalised levels and phases, each ``(B, 2, frames, bins)``. Phases are compared as they are, not
            around the circle.
        sources: The same of the sounds that were mixed.
    """
    errors = [(one - other).abs().mean((0, 2, 3)) for one, other in zip(predicted, sources)]
    return {
        f"{place}_{quantity}": error[index]
        for quantity, error in zip(("level", "phase"), errors)
        for index, place in enumerate(("on_screen", "off_screen"))
    }


def permutation_invariant_loss(
    predicted: tuple[torch.Tensor, torch.Tensor], sources: tuple[torch.Tensor, torch.Tensor], phase_weight: float
) -> torch.Tensor:
    """Error under the better of both assignments of outputs to sources, chosen for every clip; mean over clips."""

    def cost(swapped: bool) -> torch.Tensor:
        pairs = zip(predicted, [source.flip(1) for source in sources] if swapped else sources)
        level, phase = ((one - other).abs().mean((2, 3)).sum(1) for one, other in pairs)
        return level + phase_weight * phase

    return torch.minimum(cost(False), cost(True)).mean()


def kernel_decay(model: nn.Module, weight: float = 1e-5) -> torch.Tensor:
    """The paper's L2 term over the kernels of ``model``, ``weight / 2`` times their squares; no offset or scale.

    Added to the loss it is subject to the clipping of gradients, unlike an optimiser's weight decay. Separation is
    trained with that of the u-net alone.
    """
    return weight / 2 * sum(p.square().sum() for p in model.parameters() if p.ndim > 1)
