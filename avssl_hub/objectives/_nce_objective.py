"""What AVID and AVID-CMA share: the contrast of queries with rows of a bank by noise-contrastive estimation."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ._banked import BankedObjective
from ._by_blocks import mean_over_queries
from .nce import NCECriterion

# Name among ``bank_tensors``, and criterion.
CONSTANTS = {"partition_constant": "criterion", "within_partition_constant": "within_criterion"}


class NCEObjective(BankedObjective):
    """Memory banks whose rows are told apart against a normalising constant.

    Args:
        num_items: Training items, N; the indices given to ``forward`` lie in [0, N).
        dim: Size of the embeddings.
        shared_partition: Whether all terms use the constant that the first scores ever taken set, cross-modal ones as a
            rule, as the authors' code does. False gives terms within a modality a constant of their own, set by their
            own first scores: rows of one modality may be far more alike than those of two.
        **settings: Those of :class:`BankedObjective`.
    """

    def __init__(self, num_items: int, dim: int = 128, shared_partition: bool = True, **settings):
        super().__init__(num_items, dim, **settings)
        self.criterion = NCECriterion()
        self.within_criterion = None if shared_partition else NCECriterion()

    def contrast(
        self, queries: dict[str, Tensor], query: str, bank: str, positives: Tensor, negatives: Tensor
    ) -> Tensor:
        """Tell the rows that queries should meet from those that they should not.

        Args:
            queries: Unit embeddings by modality, each (B, D).
            query: The modality of the queries.
            bank: The modality of the bank whose rows they meet.
            positives: Items of its rows, (B, P).
            negatives: Likewise, (B, K).

        Returns:
            The criterion's scalar loss.
        """
        criterion = self.criterion if query != bank else self.within_criterion or self.criterion
        rows, count = self.banks[bank], positives.shape[1]
        if criterion.partition <= 0:
            criterion.estimate(self.scores(queries[query].detach(), rows(negatives)))

        def loss(cosines: Tensor) -> Tensor:
            scores = cosines / self.temperature
            return criterion(scores[:, :count], scores[:, count:])

        return mean_over_queries(queries[query], rows.rows, torch.cat([positives, negatives], 1), loss)

    def bank_tensors(self) -> dict[str, Tensor]:
        """Name what a further training starts from: both banks, and the constants that are set."""
        constants = {name: getattr(self, criterion) for name, criterion in CONSTANTS.items()}
        known = {name: made.partition for name, made in constants.items() if made is not None and made.partition > 0}
        return super().bank_tensors() | known

    def load_bank_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        super().load_bank_tensors(tensors)
        for name, criterion in CONSTANTS.items():
            made = getattr(self, criterion)
            if made is not None and name in tensors:
                made.partition.copy_(tensors[name])
