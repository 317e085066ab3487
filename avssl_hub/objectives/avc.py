"""Audio-visual correspondence (AVC, as in L3-Net, Arandjelović and Zisserman, ICCV 2017): do the two belong together?

The baseline that instance discrimination is measured against: a small classifier looks at both embeddings of a pair
and says whether they come from one clip. The width of its hidden layer is recalled from the paper, not checked there.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InvalidValueError, explain
from .objective import Objective, ObjectiveOutput


class AvcObjective(Objective):
    """Binary classification of matching pairs against pairs with the sound of the batch's previous clip.

    Args:
        dim: Size of the embeddings.
        hidden_size: Width of the classifier's hidden layer.
    """

    least_clips = 2

    def __init__(self, dim: int = 128, hidden_size: int = 128):
        super().__init__()
        self.hidden = nn.Linear(2 * dim, hidden_size)
        self.classifier = nn.Linear(hidden_size, 2)

    def forward(
        self, video_embeds: Tensor, audio_embeds: Tensor, indices: Tensor, negatives: Tensor | None = None
    ) -> ObjectiveOutput:
        """Classify each clip's own pair and one mismatched pair; in a distributed run mismatches stay on their rank.

        Args:
            video_embeds: Video embeddings, (B, D), B at least 2.
            audio_embeds: Audio embeddings, (B, D).
            indices: Not used.
            negatives: Not used.

        Returns:
            The mean cross-entropy, and the share of pairs told right.

        Raises:
            InvalidValueError: The batch has no second clip.
        """
        check_has_others(video_embeds, "AVC")
        pairs = [(video_embeds, audio_embeds), (video_embeds, audio_embeds.roll(1, dims=0))]
        joint = torch.cat([torch.cat(pair, dim=1) for pair in pairs]).float()
        logits = self.classifier(F.relu(self.hidden(joint)))
        matches = torch.arange(2, device=logits.device).flip(0).repeat_interleave(len(video_embeds))
        accuracy = (logits.argmax(1) == matches).float().mean()
        return ObjectiveOutput(F.cross_entropy(logits, matches), {"accuracy": accuracy})


def check_has_others(embeds: Tensor, name: str) -> None:
    """Refuse a batch in which no clip has another one beside it."""
    if len(embeds) < 2:
        step = "Raise loop.batch_size, or use fewer processes."
        raise InvalidValueError(explain(f"{name} batch", f"{len(embeds)} clip on a process", "at least 2", step))
