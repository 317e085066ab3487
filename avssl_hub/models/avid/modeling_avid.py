"""The AVID towers, heads and task models (Morgado, Vasconcelos, Misra, CVPR 2021, arXiv 2004.12943).

An R(2+1)D video tower and a VGG-like sound tower each end in a global max pool and a small perceptron; training
brings the two embeddings of one clip together. Checkpoints of the authors enter through ``conversion/avid_cma.py``.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from ...layers.audio_tower import AudioTower
from ...layers.video_tower import VideoTower
from .._tower_modeling import (
    TowerClassifierOutput,
    TowerForClassification,
    TowerForVideoClassification,
    TowerPreTrainedModel,
    channels_first,
    checked_spectrogram,
    global_max,
)
from .configuration_avid import FEATURE_NAMES, AvidConfig


@dataclass
class AvidOutput(ModelOutput):
    """What ``AvidModel`` returns; fields of a modality that was left out are None.

    Attributes:
        video_embeds: ``(B, D)``, not normalised.
        audio_embeds: ``(B, D)``, not normalised; rows that ``audio_mask`` excludes are NaN.
        video_pooled: ``(B, C)`` global maximum of the last video stage.
        audio_pooled: ``(B, C)`` global maximum of the last audio block.
        audio_mask: ``(B,)`` bool, as given: False where a clip has no sound.
        video_hidden_states: Five maps ``(B, C, T, H, W)``: conv1, conv2x ... conv5x.
        audio_hidden_states: Five maps ``(B, C, time, frequency)``: conv1, conv2x ... conv5x.
    """

    video_embeds: torch.FloatTensor | None = None
    audio_embeds: torch.FloatTensor | None = None
    video_pooled: torch.FloatTensor | None = None
    audio_pooled: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None
    video_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    audio_hidden_states: tuple[torch.FloatTensor, ...] | None = None


@dataclass
class AvidProbeOutput(ModelOutput):
    """What ``AvidForLinearProbe`` returns.

    Attributes:
        loss: Sum over the probed features of the mean cross-entropies, when labels were given.
        logits: ``(B, features, num_labels)``, features in the order of ``config.probe_features``.
        pooled_features: One ``(B, C * grid * grid)`` tensor a probed feature.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    pooled_features: tuple[torch.FloatTensor, ...] | None = None


class AvidProjection(nn.Module):
    """Head of section 4: linear layers with ReLU between them, and the identity without any layer."""

    def __init__(self, in_features: int, widths: list[int]):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*sizes) for sizes in zip([in_features, *widths], widths))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        for index, layer in enumerate(self.layers):
            features = layer(F.relu(features) if index else features)
        return features


class AvidPreTrainedModel(TowerPreTrainedModel):
    config_class = AvidConfig


class AvidModel(AvidPreTrainedModel):
    """Both towers with their heads: video and sound in one embedding space."""

    def __init__(self, config: AvidConfig):
        super().__init__(config)
        self.video_encoder = VideoTower(config)
        self.audio_encoder = AudioTower(config)
        self.video_projection = AvidProjection(config.video_hidden_sizes[-1], config.projection_widths)
        self.audio_projection = AvidProjection(config.audio_hidden_sizes[-1], config.projection_widths)
        self.post_init()

    def get_video_features(self, pixel_values_videos: torch.Tensor) -> torch.Tensor:
        """Embed video ``(B, T, C, H, W)`` as ``(B, D)``, not normalised."""
        return self(pixel_values_videos=pixel_values_videos).video_embeds

    def get_audio_features(self, input_features: torch.Tensor) -> torch.Tensor:
        """Embed spectrograms ``(B, C, time, frequency)`` as ``(B, D)``, not normalised."""
        return self(input_features=input_features).audio_embeds

    def forward(
        self,
        pixel_values_videos: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        audio_mask: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> AvidOutput | tuple:
        """Embed video, sound or both; a modality that is left out has None in its fields.

        Args:
            pixel_values_videos: ``(B, T, C, H, W)`` normalised frames.
            input_features: ``(B, C, time, frequency)`` normalised log spectrograms.
            audio_mask: ``(B,)`` bool, False where the clip has no sound: its embedding becomes NaN, so that no
                placeholder is taken for a sound.
            output_hidden_states: Whether to return the feature maps; None takes the configuration's value.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: No modality was given, or a tensor has a wrong shape.
        """
        if pixel_values_videos is None and input_features is None:
            expected = "pixel_values_videos, input_features or both"
            raise InvalidValueError(explain("AvidModel input", "neither modality", expected))
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        output = AvidOutput(audio_mask=audio_mask)
        if pixel_values_videos is not None:
            maps = self.video_encoder(channels_first(pixel_values_videos, self.config))
            output["video_pooled"] = global_max(maps[-1])
            output["video_embeds"] = self.video_projection(output.video_pooled)
            if output_hidden_states:
                output["video_hidden_states"] = maps
        if input_features is not None:
            maps = self.audio_encoder(checked_spectrogram(input_features, self.config))
            output["audio_pooled"] = global_max(maps[-1])
            output["audio_embeds"] = self.audio_projection(output.audio_pooled)
            if audio_mask is not None:
                output["audio_embeds"] = output.audio_embeds.masked_fill(~audio_mask[:, None], torch.nan)
            if output_hidden_states:
                output["audio_hidden_states"] = maps
        return output if return_dict in (None, True) else output.to_tuple()


class AvidForVideoClassification(AvidPreTrainedModel, TowerForVideoClassification):
    """The video tower with a linear classifier, for fine-tuning on actions (section 11.1)."""

    _keys_to_ignore_on_load_unexpected = [r"^audio_encoder\.", r"^(video|audio)_projection\."]


class AvidForAudioClassification(AvidPreTrainedModel, TowerForClassification):
    """The sound tower with a linear classifier."""

    main_input_name = "input_features"
    _keys_to_ignore_on_load_unexpected = [r"^video_encoder\.", r"^(video|audio)_projection\."]

    def __init__(self, config: AvidConfig):
        super().__init__(config, config.audio_hidden_sizes[-1])
        self.audio_encoder = AudioTower(config)
        self.post_init()

    def forward(
        self,
        input_features: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> TowerClassifierOutput | tuple:
        """Classify spectrograms ``(B, C, time, frequency)``; ``labels`` ``(B,)`` add the loss."""
        maps = self.audio_encoder(checked_spectrogram(input_features, self.config))
        return self._classify(maps, labels, output_hidden_states, return_dict)


class AvidProbe(nn.Module):
    """One feature's classifier of section 11.2: max pool to a grid, batch normalisation, linear layer."""

    def __init__(self, channels: int, grid_size: int, num_labels: int):
        super().__init__()
        self.grid_size = grid_size
        self.norm = nn.BatchNorm1d(channels * grid_size**2)
        self.classifier = nn.Linear(channels * grid_size**2, num_labels)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pooled = F.adaptive_max_pool3d(features, (1, self.grid_size, self.grid_size)).flatten(1)
        return pooled, self.classifier(self.norm(pooled))


class AvidForLinearProbe(AvidPreTrainedModel):
    """A frozen video tower under independent linear classifiers, one a feature (section 11.2)."""

    _keys_to_ignore_on_load_unexpected = AvidForVideoClassification._keys_to_ignore_on_load_unexpected

    def __init__(self, config: AvidConfig):
        super().__init__(config)
        self.video_encoder = VideoTower(config).requires_grad_(False)
        channels = dict(zip(FEATURE_NAMES, [config.video_hidden_sizes[0], *config.video_hidden_sizes]))
        channels["pool"] = config.video_hidden_sizes[-1]
        self.probes = nn.ModuleDict(
            {
                name: AvidProbe(channels[name], grid_size, config.num_labels)
                for name, grid_size in zip(config.probe_features, config.probe_grid_sizes)
            }
        )
        self.post_init()

    def train(self, mode: bool = True) -> "AvidForLinearProbe":
        super().train(mode)
        if self.config.probe_frozen_batch_norm:
            self.video_encoder.eval()
        return self

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> AvidProbeOutput | tuple:
        """Classify video ``(B, T, C, H, W)`` from every probed feature; ``labels`` ``(B,)`` add the loss."""
        with torch.no_grad():
            maps = self.video_encoder(channels_first(pixel_values_videos, self.config))
        features = {**dict(zip(FEATURE_NAMES, maps)), "pool": maps[-1]}
        pooled, logits = zip(*(probe(features[name]) for name, probe in self.probes.items()))
        losses = [] if labels is None else [F.cross_entropy(scores, labels) for scores in logits]
        output = AvidProbeOutput(
            loss=sum(losses) if losses else None, logits=torch.stack(logits, 1), pooled_features=pooled
        )
        return output if return_dict in (None, True) else output.to_tuple()
