"""Audio-visual instance discrimination (AVID, arXiv 2004.12943): which item of the training set is this clip?

Each modality's embedding is told apart from K other items against the memory bank of the other modality (cross), of its
own (within), or both. Cross alone is the published method.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InvalidValueError, explain
from .memory_bank import MemoryBank, sample_negatives
from .nce import NCECriterion


class ObjectiveOutput(NamedTuple):
    """A loss to minimise, and its parts for the log."""

    loss: Tensor
    terms: dict[str, Tensor]


class AvidObjective(nn.Module):
    """The AVID loss with its two banks; its state dict holds all that has to survive a restart.

    Every forward call updates the banks after the scores are taken, in evaluation mode too, as in the paper.

    Args:
        num_items: Training items, N; the indices given to ``forward`` lie in [0, N).
        dim: Size of the embeddings.
        num_negatives: Negatives per clip, K; the same items serve both modalities.
        cross: Weight of the cross-modal term.
        within: Weight of the within-modal term.
        temperature: Divisor of the cosine similarities.
        momentum: Weight of the old row in a bank update.
        seed: Seed of the banks; pass the same one on every rank.
    """

    def __init__(
        self,
        num_items: int,
        dim: int = 128,
        num_negatives: int = 1024,
        cross: float = 1.0,
        within: float = 0.0,
        temperature: float = 0.07,
        momentum: float = 0.5,
        seed: int = 0,
    ):
        super().__init__()
        if min(cross, within) < 0 or cross + within == 0:
            raise InvalidValueError(
                explain("AVID objective", f"cross={cross}, within={within}", "weights >= 0, not both zero")
            )
        if num_negatives < 1 or temperature <= 0:
            raise InvalidValueError(
                explain(
                    "AVID objective",
                    f"num_negatives={num_negatives}, temperature={temperature}",
                    "at least one negative and a temperature above zero",
                )
            )
        self.num_negatives = num_negatives
        self.cross = cross
        self.within = within
        self.temperature = temperature
        self.video_bank = MemoryBank(num_items, dim, momentum, seed=2 * seed)
        self.audio_bank = MemoryBank(num_items, dim, momentum, seed=2 * seed + 1)
        self.criterion = NCECriterion()

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
        video = F.normalize(video_embeds.float(), dim=1)
        audio = F.normalize(audio_embeds.float(), dim=1)
        if negatives is None:
            negatives = sample_negatives(indices, len(self.video_bank), self.num_negatives)
        # The row of the item itself comes first, its negatives follow.
        candidates = {
            "video": self.video_bank(_with_own(indices, negatives)),
            "audio": self.audio_bank(_with_own(indices, negatives)),
        }
        queries = {"video": video, "audio": audio}

        # Video to audio comes first: the first loss ever taken sets the criterion's constant for all.
        terms, total = {}, 0.0
        weights = {("video", "audio"): self.cross, ("audio", "video"): self.cross}
        weights |= {("video", "video"): self.within, ("audio", "audio"): self.within}
        for (query, bank), weight in weights.items():
            if weight > 0:
                scores = (candidates[bank] @ queries[query].unsqueeze(2)).squeeze(2) / self.temperature
                term = self.criterion(scores[:, :1], scores[:, 1:])
                terms[f"{query}_to_{bank}"] = term.detach()
                total = total + weight * term / 2

        self.video_bank.update(indices, video)
        self.audio_bank.update(indices, audio)
        return ObjectiveOutput(total / (self.cross + self.within), terms)


def _with_own(indices: Tensor, negatives: Tensor) -> Tensor:
    return torch.cat([indices[:, None], negatives], dim=1)
