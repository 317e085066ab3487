"""Does the sound belong to the picture, and does it lie where the picture has it? (AVC-Bin and AVSA-Bin, section 4.2)

A small classifier on frozen features of a view's picture and sound; a sample's answer is the mean over its views.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from ...layers.audio_tower import AudioTower
from ...layers.video_tower import VideoTower
from .configuration_avsa import AvsaConfig
from .modeling_avsa import AvsaOnFrozenTowers, as_views
from .translation_avsa import AvsaTranslation


@dataclass
class AvsaMatchOutput(ModelOutput):
    """What the matching models return.

    Attributes:
        loss: Mean cross-entropy over views, when there are labels.
        logits: ``(N, 2)``, class 0 for what matches: the mean over the views of each of N pairs.
        view_logits: ``(N, K, 2)``.
        labels: ``(N,)``, as given, or made with the pairs.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    view_logits: torch.FloatTensor | None = None
    labels: torch.LongTensor | None = None


class AvsaMatchClassifier(nn.Module):
    """Two layers on ``(..., D)`` features of the picture and of the sound."""

    def __init__(self, config: AvsaConfig):
        super().__init__()
        self.hidden = nn.Linear(2 * config.hidden_size, config.matching_hidden_size)
        self.output = nn.Linear(config.matching_hidden_size, 2)

    def forward(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        return self.output(F.relu(self.hidden(torch.cat([video, audio], -1))))


class AvsaForMatching(AvsaOnFrozenTowers):
    """Frozen towers, which stay in evaluation mode, under a classifier of pairs of picture and sound."""

    def __init__(self, config: AvsaConfig):
        super().__init__(config)
        self.video_encoder = VideoTower(config)
        self.audio_encoder = AudioTower(config)
        self.video_to_audio = AvsaTranslation(config) if config.matching_translation else None
        self.classifier = AvsaMatchClassifier(config)
        self.post_init()

    def features(
        self, pixel_values_videos: torch.Tensor, input_features: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed both modalities as the classifier takes them, each ``(B, K, D)``."""
        video, audio = as_views(self.see(pixel_values_videos)[1]), as_views(self.hear(input_features)[1])
        return (video if self.video_to_audio is None else self.video_to_audio(video)), audio

    def _classify(
        self, video: torch.Tensor, audio: torch.Tensor, labels: torch.Tensor | None, return_dict: bool | None
    ) -> AvsaMatchOutput | tuple:
        view_logits = self.classifier(video, audio)
        output = AvsaMatchOutput(logits=view_logits.mean(1), view_logits=view_logits, labels=labels)
        if labels is not None:
            output["loss"] = F.cross_entropy(view_logits.flatten(0, 1), labels.repeat_interleave(view_logits.shape[1]))
        return output if return_dict in (None, True) else output.to_tuple()


class AvsaForAudioVisualCorrespondence(AvsaForMatching):
    """Are picture and sound of one sample? (AVC-Bin)"""

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_features: torch.Tensor,
        partners: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> AvsaMatchOutput | tuple:
        """Classify pairs.

        Args:
            pixel_values_videos: ``(B, [K,] T, C, H, W)`` normalised frames.
            input_features: ``(B, [K,] C, time, frequency)`` normalised log-mels.
            partners: ``(B,)``, for each sample another one of the batch (see :func:`draw_partners`). The pairs are then
                2 B: each picture with its own sound, labelled 0, then with its partner's, labelled 1.
            labels: ``(B,)`` for pairs that were made before, 1 where the sound is another sample's.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: Both partners and labels were given, or a tensor has a wrong shape.
        """
        video, audio = self.features(pixel_values_videos, input_features)
        if partners is not None:
            if labels is not None:
                expected = "partners, which make labelled pairs, or labels"
                raise InvalidValueError(explain(f"{type(self).__name__} input", "partners and labels", expected))
            labels = torch.arange(2, device=video.device).repeat_interleave(len(video))
            video, audio = torch.cat([video, video]), torch.cat([audio, audio[partners]])
        return self._classify(video, audio, labels, return_dict)


class AvsaForSpatialAlignment(AvsaForMatching):
    """Does the sound come from where the picture has its source? (AVSA-Bin)"""

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_features: torch.Tensor,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> AvsaMatchOutput | tuple:
        """Classify pairs.

        Args:
            pixel_values_videos: ``(B, [K,] T, C, H, W)`` normalised frames.
            input_features: ``(B, [K,] C, time, frequency)`` normalised log-mels.
            labels: ``(B,)``, 1 where the sound field was turned, 0 where it is as it should be.
            return_dict: False returns a tuple; None takes the configuration's value.
        """
        return self._classify(*self.features(pixel_values_videos, input_features), labels, return_dict)


def draw_partners(samples: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Draw for each of ``samples`` another one, uniformly: ``(samples,)`` int64.

    Raises:
        InvalidValueError: There are fewer than two.
    """
    if samples < 2:
        raise InvalidValueError(explain("samples to pair", samples, "at least 2"))
    return (torch.arange(samples) + torch.randint(1, samples, (samples,), generator=generator)) % samples
