"""What all instance discrimination shares: two memory banks, scores against their rows, the update after the loss."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InvalidValueError, explain
from ._by_blocks import cosines
from .memory_bank import MemoryBank, sample_negatives
from .objective import Objective

# In a finished run's folder, and in a converted one's: ``BankedObjective.bank_tensors``.
BANKS_FILE = "memory_banks.safetensors"
# (query, bank): video to audio comes first, because the first NCE loss ever taken sets the constant of all.
CROSS = (("video", "audio"), ("audio", "video"))
WITHIN = (("video", "video"), ("audio", "audio"))


class BankedObjective(Objective):
    """Two banks of one row per training item, and queries scored against their rows.

    Args:
        num_items: Training items, N; the indices given to ``forward`` lie in [0, N).
        dim: Size of the embeddings.
        num_negatives: Negatives per clip, K; the same items serve both modalities.
        temperature: Divisor of the cosine similarities.
        momentum: Weight of the old row in a bank update.
        update_in_eval: Whether ``forward`` moves the banks in evaluation mode too, as the authors' code does.
        seed: Seed of the banks; pass the same one on every rank.

    Raises:
        InvalidValueError: A value breaks its rule.
    """

    def __init__(
        self,
        num_items: int,
        dim: int = 128,
        num_negatives: int = 1024,
        temperature: float = 0.07,
        momentum: float = 0.5,
        update_in_eval: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        if num_negatives < 1 or temperature <= 0:
            raise InvalidValueError(
                explain(
                    type(self).__name__,
                    f"num_negatives={num_negatives}, temperature={temperature}",
                    "at least one negative and a temperature above zero",
                )
            )
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.update_in_eval = update_in_eval
        self.video_bank = MemoryBank(num_items, dim, momentum, seed=2 * seed)
        self.audio_bank = MemoryBank(num_items, dim, momentum, seed=2 * seed + 1)

    def draw_negatives(self, indices: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw the items ``(B, K)`` to tell each of ``indices`` ``(B,)`` from; see :func:`sample_negatives`."""
        return sample_negatives(indices, len(self.video_bank), self.num_negatives, generator)

    @property
    def banks(self) -> dict[str, MemoryBank]:
        """Both banks by modality."""
        return {"video": self.video_bank, "audio": self.audio_bank}

    def rows_of(self, items: Tensor) -> dict[str, Tensor]:
        """Read the rows of ``items`` (B, X) from both banks, each (B, X, D)."""
        return {name: bank(items) for name, bank in self.banks.items()}

    def scores(self, queries: Tensor, rows: Tensor) -> Tensor:
        """Cosine over temperature of unit ``queries`` (B, D) with ``rows`` (B, X, D), as (B, X)."""
        return cosines(queries, rows) / self.temperature

    def update_banks(self, indices: Tensor, queries: dict[str, Tensor]) -> None:
        """Move both banks towards this batch, unless in an evaluation that is to leave them alone."""
        if self.training or self.update_in_eval:
            for name, bank in self.banks.items():
                bank.update(indices, queries[name])

    def bank_tensors(self) -> dict[str, Tensor]:
        """Name what a further training starts from: ``video_bank`` and ``audio_bank``."""
        return {"video_bank": self.video_bank.rows, "audio_bank": self.audio_bank.rows}

    def load_bank_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Start from the ``bank_tensors`` of a finished training on the same items.

        Raises:
            InvalidValueError: A bank is missing, or is of other items.
        """
        for name, bank in (("video_bank", self.video_bank), ("audio_bank", self.audio_bank)):
            expected = tuple(bank.rows.shape)
            got = tuple(tensors[name].shape) if name in tensors else "nothing"
            if got != expected:
                rule = f"{expected}, a row for each training item"
                raise InvalidValueError(
                    explain(f"memory bank '{name}'", got, rule, "Start from a run on the same data.")
                )
            bank.rows.copy_(tensors[name])


def unit_queries(video_embeds: Tensor, audio_embeds: Tensor) -> dict[str, Tensor]:
    """Normalise both embeddings (B, D), in float32 even where the network computes in half precision."""
    wide = torch.promote_types(video_embeds.dtype, torch.float32)
    return {"video": F.normalize(video_embeds.to(wide), dim=1), "audio": F.normalize(audio_embeds.to(wide), dim=1)}


def with_own(indices: Tensor, others: Tensor) -> Tensor:
    """Put each row's own item (B,) before the ``others`` (B, K)."""
    return torch.cat([indices[:, None], others], dim=1)
