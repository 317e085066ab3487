"""Robust audio-visual instance discrimination (Robust-xID, arXiv 2103.15916), re-implemented.

Cross-modal instance discrimination (xID) takes the two halves of a clip for a match and every other clip for a
mismatch. Clips whose halves do not belong together (faulty positives) get a smaller weight here; clips that show the
same event (faulty negatives) get a share of the target distribution.

No code of the authors is public. That weights and soft targets exist is the paper's own text; their formulas follow an
independent re-implementation, and the defaults of ``weight_shift``, ``weight_spread``, ``weight_floor``, ``softness``
and the two target temperatures are that re-implementation's constants, not figures of the paper. Memory banks, number
of negatives and temperature are AVID's. The length of the warm-up is unknown; our advice is a tenth of the training,
and long enough for every bank row to be written twice.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from ..errors import InvalidValueError, explain
from ._banked import BankedObjective, unit_queries, with_own
from ._by_blocks import cosines
from .memory_bank import gather_ranks
from .objective import ObjectiveOutput

SoftTargets = Literal["cycle", "swapped", "bootstrapping", "neighbor"]
OTHER = {"video": "audio", "audio": "video"}


class RobustXidObjective(BankedObjective):
    """The Robust-xID loss with its banks; ``use_weights=False, softness=0`` is plain xID.

    Args:
        num_items: Training items, N; the indices given to ``forward`` lie in [0, N).
        dim: Size of the embeddings.
        use_weights: Whether clips weigh by how well their halves agree.
        weight_shift: Where a clip gets half of the range, in standard deviations above the mean agreement (δ).
        weight_spread: Width of the step from small to large weights (κ); towards 0 a threshold, large: all alike.
        weight_floor: Smallest weight (w_min).
        softness: Share of the soft distribution in the targets (λ), 0 to 1.
        soft_targets: What the soft distribution follows, by the targets v̄, ā of clip i and of candidate j:
            ``cycle`` the opposite modality's view of j where j's own halves agree, ``swapped`` the opposite
            direction's prediction, ``bootstrapping`` this direction's own, ``neighbor`` similarity within the modality.
        similarity_temperature: Divisor of similarities between clips in the soft distribution (τ_s).
        agreement_temperature: Divisor of the agreement of a candidate's two halves (τ_t); ``cycle`` only.
        warmup_epochs: Epochs of plain xID, before weights and soft targets mean anything; ``before_step`` ends them.
        **settings: Those of :class:`BankedObjective`: ``num_negatives``, ``temperature``, ``momentum``,
            ``update_in_eval``, ``seed``.

    Raises:
        InvalidValueError: A value breaks its rule.
    """

    def __init__(
        self,
        num_items: int,
        dim: int = 128,
        use_weights: bool = True,
        weight_shift: float = 0.0,
        weight_spread: float = 0.5,
        weight_floor: float = 0.25,
        softness: float = 0.5,
        soft_targets: SoftTargets = "cycle",
        similarity_temperature: float = 0.02,
        agreement_temperature: float = 0.07,
        warmup_epochs: float = 0.0,
        **settings,
    ):
        super().__init__(num_items, dim, **settings)
        rules = {
            "weight_spread": (weight_spread, weight_spread > 0, "a number above 0"),
            "weight_floor": (weight_floor, 0 <= weight_floor <= 1, "0 to 1"),
            "softness": (softness, 0 <= softness <= 1, "0 to 1"),
            "soft_targets": (soft_targets, soft_targets in get_args(SoftTargets), f"one of {get_args(SoftTargets)}"),
            "similarity_temperature": (similarity_temperature, similarity_temperature > 0, "a number above 0"),
            "agreement_temperature": (agreement_temperature, agreement_temperature > 0, "a number above 0"),
            "warmup_epochs": (warmup_epochs, warmup_epochs >= 0, "a number of at least 0"),
        }
        for name, (got, holds, rule) in rules.items():
            if not holds:
                raise InvalidValueError(explain(f"RobustXidObjective.{name}", repr(got), rule))
        self.use_weights = use_weights
        self.weight_shift = weight_shift
        self.weight_spread = weight_spread
        self.weight_floor = weight_floor
        self.softness = softness
        self.soft_targets = soft_targets
        self.similarity_temperature = similarity_temperature
        self.agreement_temperature = agreement_temperature
        self.warmup_epochs = warmup_epochs
        # Of each item: how well its two bank rows agree, and whether they have been written.
        self.register_buffer("agreement", torch.empty(num_items))
        self.register_buffer("seen", torch.zeros(num_items, dtype=torch.bool))
        self.register_buffer("warming_up", torch.tensor(warmup_epochs > 0))
        self._measure_agreement(slice(None))

    def before_step(self, step: int, epoch_steps: int, progress: Callable[[int, int], None] | None = None) -> None:
        self.warming_up.fill_(step < self.warmup_epochs * epoch_steps)

    def load_bank_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        super().load_bank_tensors(tensors)
        self._measure_agreement(slice(None))
        self.seen.fill_(True)

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
            The loss, whose mean over the ranks is that of the whole batch, and for the log: both directions' losses,
            the mean weight, the share of the batch that effectively counts, the soft distribution's entropy in nats
            and its mass off the instance itself.
        """
        queries = unit_queries(video_embeds, audio_embeds)
        if negatives is None:
            negatives = self.draw_negatives(indices)
        candidates = with_own(indices, negatives)
        rows = self.rows_of(candidates)
        weights = torch.where(self.warming_up, 1.0, self.weights(indices))
        softness = torch.where(self.warming_up, 0.0, self.softness)

        terms, losses = {}, 0.0
        for query, bank in OTHER.items():
            soft = self.soft_distribution(query, rows, candidates)
            targets = softness * soft
            targets[:, 0] += 1 - softness
            loss = F.cross_entropy(self.scores(queries[query], rows[bank]), targets, reduction="none")
            losses = losses + loss
            terms[f"{query}_to_{bank}"] = loss.detach().mean()
            terms[f"{query}_soft_entropy"] = torch.special.entr(soft).sum(1).mean()
            terms[f"{query}_soft_off_diagonal"] = 1 - soft[:, 0].mean()
        terms["weight"] = weights.mean()
        terms["effective_share"] = weights.sum() ** 2 / (len(weights) * (weights**2).sum())
        loss = (weights * losses).sum() / _mean_over_ranks(weights.sum())

        self._update(indices, queries)
        return ObjectiveOutput(loss, terms)

    @torch.no_grad()
    def weights(self, indices: Tensor) -> Tensor:
        """Weigh items ``(B,)`` between ``weight_floor`` and 1 by the agreement of their bank rows.

        The weight is the distribution function of a normal law around the mean agreement of the items seen, moved by
        ``weight_shift`` standard deviations, with ``weight_spread`` times their variance.
        """
        if not self.use_weights:
            return torch.ones(len(indices), device=indices.device)
        count = self.seen.sum()
        mean = (self.agreement * self.seen).sum() / count.clamp(min=1)
        variance = ((self.agreement - mean) ** 2 * self.seen).sum() / (count - 1).clamp(min=1)
        deviation = variance.sqrt().clamp(min=1e-6)
        z = (self.agreement[indices] - mean - self.weight_shift * deviation) / deviation
        weights = self.weight_floor + (1 - self.weight_floor) * torch.special.ndtr(z / math.sqrt(self.weight_spread))
        # Of fewer than two items no deviation is known.
        return torch.where(count < 2, 1.0, weights)

    @torch.no_grad()
    def soft_distribution(self, query: str, rows: dict[str, Tensor], candidates: Tensor) -> Tensor:
        """Distribution ``(B, 1 + K)`` over ``candidates`` (own first) that a query of modality ``query`` may aim at.

        Args:
            query: "video" or "audio".
            rows: Bank rows of the candidates by modality, each (B, 1 + K, D).
            candidates: Items, (B, 1 + K).
        """
        same, other = rows[query], rows[OTHER[query]]
        own = {
            "cycle": (other, same),
            "swapped": (other, same),
            "bootstrapping": (same, other),
            "neighbor": (same, same),
        }
        left, right = own[self.soft_targets]
        logits = cosines(left[:, 0], right) / self.similarity_temperature
        if self.soft_targets == "cycle":
            logits = logits + self.agreement[candidates] / self.agreement_temperature
        if self.soft_targets == "neighbor":
            # An item is its own nearest neighbour: left in, it would take all the mass.
            logits[:, 0] = -torch.inf
        return logits.softmax(1)

    @torch.no_grad()
    def _update(self, indices: Tensor, queries: dict[str, Tensor]) -> None:
        self.update_banks(indices, queries)
        if self.training or self.update_in_eval:
            items = gather_ranks(indices)
            self._measure_agreement(items)
            self.seen[items] = True

    def _measure_agreement(self, items: Tensor | slice) -> None:
        self.agreement[items] = (self.video_bank.rows[items] * self.audio_bank.rows[items]).sum(1)


def _mean_over_ranks(value: Tensor) -> Tensor:
    """Mean over all ranks, so that gradients averaged over them are those of the whole batch."""
    if dist.is_available() and dist.is_initialized():
        value = value.clone()
        dist.all_reduce(value)
        value /= dist.get_world_size()
    return value
