"""AVSA under the objective of its training (section 3)."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from .configuration_avsa import AvsaConfig
from .losses_avsa import contrast_samples, contrast_views, contrast_views_and_samples
from .modeling_avsa import AvsaModel, AvsaOutput, as_views

CONTRASTS = {
    "easy+hard": contrast_views_and_samples,
    "hard": contrast_views,
    "avc": contrast_samples,
    "instdisc": contrast_samples,
}


@dataclass
class AvsaForPreTrainingOutput(ModelOutput):
    """What ``AvsaForPreTraining`` returns; embeddings are of unit length, ``(B, [K,] D)``.

    Attributes:
        loss: Mean of both directions' contrasts, when asked for.
        video_embeds: What the sound is to predict. With the objective ``"instdisc"`` it lies in one space with
            ``audio_embeds``.
        audio_embeds: What the picture is to predict; NaN where ``audio_mask`` is False.
        predicted_audio_embeds: What the picture of all views predicts of the sound; None with ``"instdisc"``.
        predicted_video_embeds: What the sound of all views predicts of the picture; None with ``"instdisc"``.
        audio_mask: ``(B,)`` bool, as given; samples without sound are left out of the loss.
        loss_terms: Of each direction the loss and, in [0, 1], the shares of queries that met their own target.
    """

    loss: torch.FloatTensor | None = None
    video_embeds: torch.FloatTensor | None = None
    audio_embeds: torch.FloatTensor | None = None
    predicted_audio_embeds: torch.FloatTensor | None = None
    predicted_video_embeds: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None
    loss_terms: dict[str, torch.FloatTensor] | None = None


class AvsaForPreTraining(AvsaModel):
    """The model under the heads and the objective of its training: ``config.objective``.

    The second phase of the curriculum starts from the towers of the first:
    ``AvsaForPreTraining.from_pretrained(first, objective="easy+hard", translation_depth=2)``. Translations and heads
    start fresh, as in the release.
    """

    # Heads of the other phase.
    _keys_to_ignore_on_load_unexpected = [r"^(video|audio)_projection\."]

    def __init__(self, config: AvsaConfig):
        super().__init__(config)

        def head() -> nn.Linear:
            return nn.Linear(config.hidden_size, config.projection_size)

        if config.objective == "instdisc":
            self.video_projection, self.audio_projection = head(), head()
        else:
            self.video_head, self.audio_head = head(), head()
            self.video_prediction_head, self.audio_prediction_head = head(), head()
        self.post_init()

    def forward(
        self,
        pixel_values_videos: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        audio_mask: torch.Tensor | None = None,
        return_loss: bool = False,
        return_dict: bool | None = None,
    ) -> AvsaForPreTrainingOutput | tuple:
        """Embed what is given as ``AvsaModel`` does, and contrast it.

        Args:
            pixel_values_videos: ``(B, [K,] T, C, H, W)`` normalised frames of K views.
            input_features: ``(B, [K,] C, time, frequency)`` normalised log-mels of the sound turned to these views.
            audio_mask: ``(B,)`` bool, False where the sample has no sound.
            return_loss: Whether to add the loss; it needs both modalities.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: No modality was given, or one of two that the loss needs, or a tensor has a wrong shape.
        """
        features = super().forward(pixel_values_videos, input_features, audio_mask)
        output = self.project(features)
        output["audio_mask"] = audio_mask
        if return_loss:
            if features.video_embeds is None or features.audio_embeds is None:
                expected = "pixel_values_videos and input_features, to contrast them"
                raise InvalidValueError(explain("return_loss", "one modality", expected))
            output["loss"], output["loss_terms"] = self.contrast(features, audio_mask)
        return output if return_dict in (None, True) else output.to_tuple()

    def project(self, features: AvsaOutput) -> AvsaForPreTrainingOutput:
        """Bring the features to the unit embeddings that are compared."""
        if self.config.objective == "instdisc":
            return AvsaForPreTrainingOutput(
                video_embeds=_unit(self.video_projection, features.video_embeds),
                audio_embeds=_unit(self.audio_projection, features.audio_embeds),
            )
        return AvsaForPreTrainingOutput(
            video_embeds=_unit(self.video_head, features.video_embeds),
            audio_embeds=_unit(self.audio_head, features.audio_embeds),
            predicted_audio_embeds=_unit(self.audio_prediction_head, features.translated_audio_embeds),
            predicted_video_embeds=_unit(self.video_prediction_head, features.translated_video_embeds),
        )

    def compared(self, embeds: AvsaForPreTrainingOutput) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Give the queries of each direction, and the keys among which each has to find its own."""
        video, audio = embeds.video_embeds, embeds.audio_embeds
        if self.config.objective == "instdisc":
            return {"video_to_audio": (video, audio), "audio_to_video": (audio, video)}
        return {
            "video_to_audio": (embeds.predicted_audio_embeds, audio),
            "audio_to_video": (embeds.predicted_video_embeds, video),
        }

    def contrast(
        self, features: AvsaOutput, audio_mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Compute the loss of the features of both modalities, over the samples that have sound.

        Returns:
            The loss, and its terms by direction: the loss of ``video_to_audio`` and ``audio_to_video``, and the shares
            of queries that met their own target, as ``video_to_audio_correspondence``.
        """
        kept = {name: features[name] for name in features if name.endswith("_embeds")}
        if audio_mask is not None:
            kept = {name: values[audio_mask] for name, values in kept.items()}
        kept = {name: as_views(values) for name, values in kept.items()}
        if self.config.objective == "avc":
            # What is compared is each feature's best view.
            kept = {name: values.amax(1, keepdim=True) for name, values in kept.items()}
        embeds = self.project(AvsaOutput(**kept))
        contrast, temperature = CONTRASTS[self.config.objective], self.config.contrast_temperature
        found = {direction: contrast(*pair, temperature) for direction, pair in self.compared(embeds).items()}
        terms = {direction: result.loss.detach() for direction, result in found.items()}
        for direction, result in found.items():
            terms |= {f"{direction}_{name}": share for name, share in result.accuracies.items()}
        return sum(result.loss for result in found.values()) / len(found), terms


def _unit(head: nn.Linear, features: torch.Tensor | None) -> torch.Tensor | None:
    return None if features is None else F.normalize(head(features), dim=-1)
