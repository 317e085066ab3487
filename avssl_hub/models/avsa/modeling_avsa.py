"""The AVSA towers, translations and heads (Morgado, Li, Vasconcelos, NeurIPS 2020, arXiv 2011.01819).

Views cut from a 360-degree video and its ambisonics, turned to the same directions, are embedded each by itself; a
small transformer translates the features of all views of one modality to the other's. Training asks which view's sound
a translation is of. Checkpoints of the authors enter through ``conversion/avsa.py``.
"""

from dataclasses import dataclass

import torch
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from ...layers.audio_tower import AudioTower
from ...layers.video_tower import VideoTower
from .._dummy import noise
from .._tower_modeling import (
    TowerForVideoClassification,
    TowerPreTrainedModel,
    channels_first,
    checked_spectrogram,
    global_max,
)
from .configuration_avsa import AvsaConfig
from .translation_avsa import AvsaTranslation

# Parts of a pretrained model that others do without.
AUDIO_TOWER = r"^audio_encoder\."
TRANSLATIONS = r"^(video_to_audio|audio_to_video)\."
HEADS = r"^(video|audio)_(head|prediction_head|projection)\."


@dataclass
class AvsaOutput(ModelOutput):
    """What ``AvsaModel`` returns; the axis of views K is there if the inputs have it.

    Attributes:
        video_embeds: ``(B, [K,] D)`` global maximum of the last video stage, not normalised.
        audio_embeds: ``(B, [K,] D)`` global maximum of the last audio block; NaN where ``audio_mask`` is False.
        translated_audio_embeds: ``(B, [K,] D)``, the sound's features as the picture of all views has them.
        translated_video_embeds: ``(B, [K,] D)``, the picture's features as the sound of all views has them.
        audio_mask: ``(B,)`` bool, as given: False where a sample has no sound.
        video_hidden_states: Five maps ``(B, [K,] C, T, H, W)``: conv1, conv2x ... conv5x.
        audio_hidden_states: Five maps ``(B, [K,] C, time, frequency)``: conv1, block1 ... block4.
    """

    video_embeds: torch.FloatTensor | None = None
    audio_embeds: torch.FloatTensor | None = None
    translated_audio_embeds: torch.FloatTensor | None = None
    translated_video_embeds: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None
    video_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    audio_hidden_states: tuple[torch.FloatTensor, ...] | None = None


class AvsaPreTrainedModel(TowerPreTrainedModel):
    config_class = AvsaConfig

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        return {
            "pixel_values_videos": noise(1, 2, 8, self.config.video_num_channels, 32, 32),
            "input_features": noise(1, 2, self.config.audio_num_channels, 50, 64),
        }

    def see(self, pixel_values_videos: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """Give the tower's maps of video ``(B, [K,] T, C, H, W)`` with all views in one axis, and ``(B, [K,] D)``."""
        flat, lead = _without_views(pixel_values_videos, 5)
        maps = self.video_encoder(channels_first(flat, self.config))
        return maps, global_max(maps[-1]).unflatten(0, lead)

    def hear(self, input_features: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """Give the tower's maps of sound ``(B, [K,] C, time, frequency)`` likewise."""
        flat, lead = _without_views(input_features, 4)
        maps = self.audio_encoder(checked_spectrogram(flat, self.config))
        return maps, global_max(maps[-1]).unflatten(0, lead)


def _without_views(values: torch.Tensor, ndim: int) -> tuple[torch.Tensor, torch.Size]:
    """Join the axes of samples and views; also return their sizes."""
    lead = values.shape[:2] if values.ndim == ndim + 1 else values.shape[:1]
    return values.flatten(0, len(lead) - 1), lead


def as_views(features: torch.Tensor) -> torch.Tensor:
    """Give features of one view a sample, ``(B, D)``, the axis of views."""
    return features.unsqueeze(1) if features.ndim == 2 else features


def _translated(translation: AvsaTranslation, features: torch.Tensor) -> torch.Tensor:
    return translation(as_views(features)).view_as(features)


class AvsaModel(AvsaPreTrainedModel):
    """Both towers, and the translations of their features to each other's."""

    _keys_to_ignore_on_load_unexpected = [HEADS]

    def __init__(self, config: AvsaConfig):
        super().__init__(config)
        self.video_encoder = VideoTower(config)
        self.audio_encoder = AudioTower(config)
        self.video_to_audio = AvsaTranslation(config)
        self.audio_to_video = AvsaTranslation(config)
        self.post_init()

    def get_video_features(self, pixel_values_videos: torch.Tensor) -> torch.Tensor:
        """Embed video ``(B, [K,] T, C, H, W)``: the output's ``video_embeds``."""
        return self(pixel_values_videos=pixel_values_videos).video_embeds

    def get_audio_features(self, input_features: torch.Tensor) -> torch.Tensor:
        """Embed spectrograms ``(B, [K,] C, time, frequency)``: the output's ``audio_embeds``."""
        return self(input_features=input_features).audio_embeds

    def forward(
        self,
        pixel_values_videos: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        audio_mask: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> AvsaOutput | tuple:
        """Embed video, sound or both; what needs a modality that is left out is None.

        Args:
            pixel_values_videos: ``(B, [K,] T, C, H, W)`` normalised frames of K views.
            input_features: ``(B, [K,] C, time, frequency)`` normalised log-mels of the sound turned to these views.
            audio_mask: ``(B,)`` bool, False where the sample has no sound: its embeddings become NaN, so that no
                placeholder is taken for a sound.
            output_hidden_states: Whether to return the feature maps; None takes the configuration's value.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: No modality was given, or a tensor has a wrong shape.
        """
        if pixel_values_videos is None and input_features is None:
            expected = "pixel_values_videos, input_features or both"
            raise InvalidValueError(explain(f"{type(self).__name__} input", "neither modality", expected))
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        output = AvsaOutput(audio_mask=audio_mask)
        if pixel_values_videos is not None:
            maps, output["video_embeds"] = self.see(pixel_values_videos)
            output["translated_audio_embeds"] = _translated(self.video_to_audio, output.video_embeds)
            if output_hidden_states:
                output["video_hidden_states"] = _with_views(maps, output.video_embeds)
        if input_features is not None:
            maps, output["audio_embeds"] = self.hear(input_features)
            if audio_mask is not None:
                silent = ~audio_mask.view(-1, *[1] * (output.audio_embeds.ndim - 1))
                output["audio_embeds"] = output.audio_embeds.masked_fill(silent, torch.nan)
            output["translated_video_embeds"] = _translated(self.audio_to_video, output.audio_embeds)
            if output_hidden_states:
                output["audio_hidden_states"] = _with_views(maps, output.audio_embeds)
        return output if return_dict in (None, True) else output.to_tuple()


def _with_views(maps: tuple[torch.Tensor, ...], embeds: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(features.unflatten(0, embeds.shape[:-1]) for features in maps)


class AvsaOnFrozenTowers(AvsaPreTrainedModel):
    """Base of models that train a head on towers and translations that stay as they are."""

    _keys_to_ignore_on_load_unexpected = [AUDIO_TOWER, TRANSLATIONS, HEADS]
    _frozen = ("video_encoder", "audio_encoder", "video_to_audio", "audio_to_video")

    def post_init(self) -> None:
        super().post_init()
        self.train(self.training)

    def train(self, mode: bool = True) -> "AvsaOnFrozenTowers":
        super().train(mode)
        for name in self._frozen:
            part = getattr(self, name, None)
            if part is not None:
                # Not once and for all: loading weights makes new parameters, which are not frozen.
                part.requires_grad_(False).train(mode and not self._keeps_evaluation_mode())
        return self

    def _keeps_evaluation_mode(self) -> bool:
        return True


class AvsaForVideoClassification(AvsaPreTrainedModel, TowerForVideoClassification):
    """The video tower with a linear classifier, for fine-tuning on actions (section 4.4 and the supplement)."""

    # It takes no views.
    dummy_inputs = TowerPreTrainedModel.dummy_inputs
    _keys_to_ignore_on_load_unexpected = [AUDIO_TOWER, TRANSLATIONS, HEADS]
