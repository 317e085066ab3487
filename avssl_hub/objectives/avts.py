"""Audio-visual temporal synchronisation (AVTS, Korbar et al., NeurIPS 2018): does the sound come at the right moment?

A contrastive loss draws the embeddings of simultaneous picture and sound together, and pushes apart those of other
clips (easy) and of the same clip's sound from another moment (hard). The margin and the share of hard negatives are
recalled from the paper, not checked there.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import InvalidValueError, explain
from .avc import check_has_others
from .objective import Objective, ObjectiveOutput


class AvtsObjective(Objective):
    """Contrastive loss with a margin, on pairs in time and out of time.

    Args:
        margin: Distance beyond which a mismatched pair is left alone.
        hard_share: Share of the mismatched pairs whose sound is of the same clip.
        easy_epochs: Epochs with easy mismatches alone; ``before_step`` brings in the hard ones.

    Raises:
        InvalidValueError: A value breaks its rule.
    """

    wants_shifted_audio = True
    least_clips = 2

    def __init__(self, margin: float = 0.99, hard_share: float = 0.25, easy_epochs: float = 0.0):
        super().__init__()
        rules = {
            "margin": (margin, margin > 0, "a distance above 0"),
            "hard_share": (hard_share, 0 <= hard_share <= 1, "0 to 1"),
            "easy_epochs": (easy_epochs, easy_epochs >= 0, "0 or more"),
        }
        for name, (got, holds, rule) in rules.items():
            if not holds:
                raise InvalidValueError(explain(f"AvtsObjective.{name}", got, rule))
        self.margin = margin
        self.hard_share = hard_share
        self.easy_epochs = easy_epochs
        self.register_buffer("easy_only", torch.tensor(easy_epochs > 0))

    def before_step(self, step: int, epoch_steps: int, progress: Callable[[int, int], None] | None = None) -> None:
        self.easy_only.fill_(step < self.easy_epochs * epoch_steps)

    def forward(
        self, video_embeds: Tensor, audio_embeds: Tensor, indices: Tensor, negatives: Tensor | None = None
    ) -> ObjectiveOutput:
        """Compare each clip with its own sound and with one mismatched sound of the same rank.

        Args:
            video_embeds: Video embeddings, (B, D), B at least 2.
            audio_embeds: Audio embeddings, (2 B, D): in time, then of the same clips out of time.
            indices: Not used.
            negatives: Not used.

        Returns:
            The loss, and the mean distance of matching, of easy and of hard pairs.

        Raises:
            InvalidValueError: The batch has no second clip, or no sound out of time.
        """
        check_has_others(video_embeds, "AVTS")
        if len(audio_embeds) != 2 * len(video_embeds):
            rule = f"{2 * len(video_embeds)}: for each clip its sound in time, then one out of time"
            raise InvalidValueError(explain("AVTS audio embeddings", len(audio_embeds), rule))
        in_time, shifted = audio_embeds.float().chunk(2)
        matching, easy, hard = (
            torch.linalg.vector_norm(video_embeds.float() - audio, dim=1)
            for audio in (in_time, in_time.roll(1, dims=0), shifted)
        )
        share = torch.where(self.easy_only, 0.0, self.hard_share)
        is_hard = torch.arange(len(easy), device=easy.device) < (share * len(easy)).round()
        mismatched = torch.where(is_hard, hard, easy)
        loss = (matching**2 + (self.margin - mismatched).clamp(min=0) ** 2).mean() / 2
        distances = {"matching": matching, "easy": easy, "hard": hard}
        return ObjectiveOutput(loss, {f"{name}_distance": value.detach().mean() for name, value in distances.items()})
