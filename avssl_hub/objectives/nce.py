"""Noise-contrastive estimation with one normalising constant, estimated once and shared by every term.

Source: AVID (arXiv 2004.12943), section 3.1; Wu et al. (arXiv 1805.01978) for the constant.
"""

import math

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn


class NCECriterion(nn.Module):
    """Tell the positive scores from K negative ones against the constant ``partition`` (Z).

    With ``e = exp(score)`` the loss is ``mean_b[mean_p -log(e+ / (e+ + K Z)) + sum_k -log(K Z / (e- + K Z))]``.
    ``partition`` starts at -1; the first call sets it to the mean of ``e-`` (over all ranks) and it stays so: any
    value above zero, a loaded one included, is used as it is.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("partition", torch.tensor(-1.0))

    def forward(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """Compute the loss of ``positives`` (B, P) and ``negatives`` (B, K), both similarity / temperature.

        Returns:
            The scalar loss, in float32 or better.
        """
        num_negatives = negatives.shape[1]
        if self.partition <= 0:
            self.estimate(negatives)
        # softplus(x) = log(1 + e^x) keeps full precision where the ratio form saturates.
        offset = math.log(num_negatives) + self.partition.log()
        of_positives = F.softplus(offset - positives).mean(dim=1)
        of_negatives = F.softplus(negatives - offset).sum(dim=1)
        return (of_positives + of_negatives).mean()

    @torch.no_grad()
    def estimate(self, negatives: Tensor) -> None:
        """Set ``partition`` from the first scores (B, K) of all ranks' negatives."""
        mean = negatives.exp().mean()
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(mean)
            mean /= dist.get_world_size()
        self.partition.copy_(mean)
