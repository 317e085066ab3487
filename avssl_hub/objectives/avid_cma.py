"""AVID with cross-modal agreement (AVID-CMA, arXiv 2004.12943): items that look and sound alike are positives too.

On top of AVID's instance terms, a clip's embedding is drawn to the bank rows of its positive set, found where both
modalities agree. Training starts from the weights and banks of a finished AVID run.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import InvalidValueError, explain
from ._banked import CROSS, WITHIN, unit_queries
from ._nce_objective import NCEObjective
from .agreement import Agreement, find_positive_sets
from .objective import ObjectiveOutput


class AvidCmaObjective(NCEObjective):
    """The AVID-CMA loss with its banks and positive sets; its state dict holds all that has to survive a restart.

    ``find_positives`` has to be called once the banks are those of a trained AVID model; ``before_step`` does so.

    Args:
        num_items: Training items, N; the indices given to ``forward`` lie in [0, N).
        dim: Size of the embeddings.
        num_positives: Size of a positive set, k.
        agreement: How the two modalities' similarities are combined; see :func:`find_positive_sets`.
        num_negatives_within: Of the K negatives, those that positive within-modal terms use; None for all.
        instance_cross: Weight of the instance's own row in the other modality's bank; the method's is 1.
        instance_within: Weight of the instance's own row in its modality's bank; the method's is 0.
        positive_cross: Weight of the positives in the other modality's bank; the method's is 0.
        positive_within: Weight of the positives in the modality's own bank; the method's is 1.
        faithful_instance_within: The authors' code adds nothing for ``instance_within`` and yet counts its weight
            when it divides by the sum of weights. True does the same; False adds the term.
        exclude_own: The authors' negatives skip the positives and not the instance itself, so it can be its own
            negative. False does the same; True skips it as well.
        refresh_epochs: Epochs between searches for positives; 0 searches once, before the first step. The method's
            are 5 on Kinetics-400 and 10 on AudioSet.
        **settings: Those of :class:`NCEObjective`: ``shared_partition``, ``num_negatives``, ``temperature``,
            ``momentum``, ``update_in_eval``, ``seed``.

    Raises:
        InvalidValueError: A value breaks its rule.
    """

    def __init__(
        self,
        num_items: int,
        dim: int = 128,
        num_positives: int = 32,
        agreement: Agreement = "consensus",
        num_negatives_within: int | None = 64,
        instance_cross: float = 1.0,
        instance_within: float = 0.0,
        positive_cross: float = 0.0,
        positive_within: float = 1.0,
        faithful_instance_within: bool = True,
        exclude_own: bool = False,
        refresh_epochs: int = 0,
        **settings,
    ):
        super().__init__(num_items, dim, **settings)
        if not 1 <= num_positives <= num_items - 2:
            rule = f"1 to {num_items - 2}, which leaves a negative among {num_items} items"
            raise InvalidValueError(explain("AvidCmaObjective", f"num_positives={num_positives}", rule))
        if num_negatives_within is not None and num_negatives_within < 1:
            got = f"num_negatives_within={num_negatives_within}"
            raise InvalidValueError(explain("AvidCmaObjective", got, "at least one negative, or None for all"))
        if refresh_epochs < 0:
            raise InvalidValueError(explain("AvidCmaObjective", f"refresh_epochs={refresh_epochs}", "0 or more"))
        self.weights = {
            "instance_cross": instance_cross,
            "instance_within": instance_within,
            "positive_cross": positive_cross,
            "positive_within": positive_within,
        }
        counted = sum(self.weights.values()) - (instance_within if faithful_instance_within else 0)
        if min(self.weights.values()) < 0 or counted == 0:
            got = ", ".join(f"{name}={weight}" for name, weight in self.weights.items())
            raise InvalidValueError(explain("AvidCmaObjective", got, "weights >= 0, one of them with a term above 0"))
        self.agreement = agreement
        self.num_negatives_within = num_negatives_within
        self.faithful_instance_within = faithful_instance_within
        self.exclude_own = exclude_own
        self.refresh_epochs = refresh_epochs
        self.register_buffer("positive_sets", torch.full((num_items, num_positives), -1, dtype=torch.int32))

    def before_step(self, step: int, epoch_steps: int, progress: Callable[[int, int], None] | None = None) -> None:
        if step == 0 or (self.refresh_epochs and step % (self.refresh_epochs * epoch_steps) == 0):
            self.find_positives(progress)

    def find_positives(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Set the positive sets to what the banks agree on now; see :func:`find_positive_sets`."""
        rows = self.video_bank.rows, self.audio_bank.rows
        self.positive_sets.copy_(find_positive_sets(*rows, self.positive_sets.shape[1], self.agreement, progress))

    def draw_negatives(self, indices: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw negatives ``(B, K)`` uniformly, with replacement, over the items outside each positive set.

        Raises:
            InvalidValueError: The positive sets have not been found.
        """
        skipped = self._positives(indices)
        if self.exclude_own:
            skipped = torch.cat([skipped, indices[:, None].to(skipped.device)], 1).sort(dim=1).values
        free = len(self.video_bank) - skipped.shape[1]
        draws = torch.randint(free, (len(indices), self.num_negatives), generator=generator, device=indices.device)
        return skip_items(draws.to(skipped.device), skipped)

    def _positives(self, indices: Tensor) -> Tensor:
        positives = self.positive_sets[indices].long()
        if positives[0, 0] < 0:
            step = "Call find_positives() once the banks are those of a trained AVID model."
            raise InvalidValueError(explain("AvidCmaObjective", "no positive sets", "positive sets", step))
        return positives

    def forward(
        self, video_embeds: Tensor, audio_embeds: Tensor, indices: Tensor, negatives: Tensor | None = None
    ) -> ObjectiveOutput:
        """Score a batch against the banks, then update the banks with it.

        Args:
            video_embeds: Un-normalised video embeddings, (B, D).
            audio_embeds: Un-normalised audio embeddings, (B, D).
            indices: Item of each clip, (B,) int64.
            negatives: Items to tell it from, (B, K) int64; drawn if left out.

        Returns:
            The loss, and the terms ``instance_video_to_audio`` … by kind, query and bank.

        Raises:
            InvalidValueError: The positive sets have not been found.
        """
        positives = self._positives(indices)
        queries = unit_queries(video_embeds, audio_embeds)
        if negatives is None:
            negatives = self.draw_negatives(indices)
        alike = {"instance": indices[:, None], "positive": positives}

        terms, total = {}, 0.0
        for name, weight in self.weights.items():
            kind, scope = name.split("_")
            if weight == 0 or (name == "instance_within" and self.faithful_instance_within):
                continue
            stop = self.num_negatives_within if name == "positive_within" else None
            for query, bank in CROSS if scope == "cross" else WITHIN:
                term = self.contrast(queries, query, bank, alike[kind], negatives[:, :stop])
                terms[f"{kind}_{query}_to_{bank}"] = term.detach()
                total = total + weight * term / 2
        self.update_banks(indices, queries)
        return ObjectiveOutput(total / sum(self.weights.values()), terms)


def skip_items(draws: Tensor, skipped: Tensor) -> Tensor:
    """Map ``draws`` (B, K) over {0 .. N-k-1} to the items outside ``skipped`` (B, k), ascending and distinct.

    A draw r moves up by one for every skipped item p_j with r >= p_j - j.
    """
    shifted = skipped - torch.arange(skipped.shape[1], device=skipped.device)
    return draws + torch.searchsorted(shifted.contiguous(), draws.contiguous(), right=True)
