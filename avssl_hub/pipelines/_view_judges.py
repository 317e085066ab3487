"""How well sounds fit views: what AVSA's networks say of it, by whatever they were trained to tell."""

from typing import Protocol

import torch
from transformers import PreTrainedModel

from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaForPreTraining, AvsaForSpatialAlignment, AvsaOutput


class ViewJudge(Protocol):
    """A network as it is asked. S sets of K views each are judged by themselves.

    Attributes:
        least_views: Fewest views of a set.
    """

    least_views: int

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed views ``(S, K, T, 3, H, W)``: ``(S, K, D)``."""

    def hear(self, log_mels: torch.Tensor) -> torch.Tensor:
        """Embed N sounds ``(N, 4, time, bands)``: ``(N, D)``."""

    def fit(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        """Score Y ways of turning the sound ``(Y, S, K, D)`` against the views ``(S, K, D)``: ``(Y, S)``."""


class _Towers:
    def __init__(self, model: AvsaForPreTraining | AvsaForSpatialAlignment):
        self.model = model

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model.see(pixels)[1]

    def hear(self, log_mels: torch.Tensor) -> torch.Tensor:
        return self.model.hear(log_mels)[1]


class ContrastJudge(_Towers):
    """What pretraining optimises: log-probability with which a view finds its own counterpart among those of its set.

    The mean over views, and over both directions. Where the network has no translations, embeddings find each other.
    """

    least_views = 2

    def fit(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        model = self.model
        features = AvsaOutput(
            video_embeds=video,
            audio_embeds=audio,
            translated_audio_embeds=model.video_to_audio(video),
            translated_video_embeds=model.audio_to_video(audio),
        )
        shares = [
            (queries @ keys.mT / model.config.contrast_temperature).log_softmax(-1).diagonal(dim1=-2, dim2=-1).mean(-1)
            for queries, keys in model.compared(model.project(features)).values()
        ]
        return torch.stack(shares).mean(0)


class AlignmentJudge(_Towers):
    """What the probe of spatial alignment learned: its logit for sound in its place, less that for turned sound."""

    least_views = 1

    def fit(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        if self.model.video_to_audio is not None:
            video = self.model.video_to_audio(video)
        logits = self.model.classifier(video.expand_as(audio), audio).mean(-2)
        return logits[..., 0] - logits[..., 1]


def judge_of(model: PreTrainedModel) -> ViewJudge:
    """Ask a network in the way it can answer.

    Raises:
        InvalidValueError: It was not trained to tell whether sound fits a view.
    """
    if isinstance(model, AvsaForPreTraining):
        return ContrastJudge(model)
    if isinstance(model, AvsaForSpatialAlignment):
        return AlignmentJudge(model)
    expected = "AvsaForPreTraining or AvsaForSpatialAlignment"
    step = "`avssl train avsa/tiny_avworld` makes one, and its header tells how to make the other."
    raise InvalidValueError(explain("model to compare views and sounds with", type(model).__name__, expected, step))
