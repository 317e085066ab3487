"""Audio-visual instance discrimination (AVID, arXiv 2004.12943): which item of the training set is this clip?

Each modality's embedding is told apart from K other items against the memory bank of the other modality (cross), of its
own (within), or both. Cross alone is the published method.
"""

from torch import Tensor

from ..errors import InvalidValueError, explain
from ._banked import CROSS, WITHIN, unit_queries
from ._nce_objective import NCEObjective
from .objective import ObjectiveOutput


class AvidObjective(NCEObjective):
    """The AVID loss with its two banks; its state dict holds all that has to survive a restart.

    Every forward call updates the banks after the scores are taken, in evaluation mode too, as in the authors' code.

    Args:
        num_items: Training items, N; the indices given to ``forward`` lie in [0, N).
        dim: Size of the embeddings.
        cross: Weight of the cross-modal term.
        within: Weight of the within-modal term.
        **settings: Those of :class:`NCEObjective`: ``shared_partition``, ``num_negatives``, ``temperature``,
            ``momentum``, ``update_in_eval``, ``seed``.

    Raises:
        InvalidValueError: A value breaks its rule.
    """

    def __init__(self, num_items: int, dim: int = 128, cross: float = 1.0, within: float = 0.0, **settings):
        super().__init__(num_items, dim, **settings)
        if min(cross, within) < 0 or cross + within == 0:
            raise InvalidValueError(
                explain("AvidObjective", f"cross={cross}, within={within}", "weights >= 0, not both zero")
            )
        self.cross = cross
        self.within = within

    def forward(
        self, video_embeds: Tensor, audio_embeds: Tensor, indices: Tensor, negatives: Tensor | None = None
    ) -> ObjectiveOutput:
        """Score a batch against the banks, then update the banks with it.

        Args:
            video_embeds: Un-normalised video embeddings, (B, D).
            audio_embeds: Un-normalised audio embeddings, (B, D).
            indices: Item of each clip, (B,) int64.
            negatives: Items to tell it from, (B, K) int64; drawn uniformly over the other items if left out.

        Returns:
            The loss, and the terms ``video_to_audio`` … by query and bank.
        """
        queries = unit_queries(video_embeds, audio_embeds)
        if negatives is None:
            negatives = self.draw_negatives(indices)
        terms, total = {}, 0.0
        for directions, weight in ((CROSS, self.cross), (WITHIN, self.within)):
            for query, bank in directions if weight > 0 else ():
                term = self.contrast(queries, query, bank, indices[:, None], negatives)
                terms[f"{query}_to_{bank}"] = term.detach()
                total = total + weight * term / 2
        self.update_banks(indices, queries)
        return ObjectiveOutput(total / (self.cross + self.within), terms)
