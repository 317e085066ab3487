"""The AVID towers, heads and task models (Morgado, Vasconcelos, Misra, CVPR 2021, arXiv 2004.12943).

An R(2+1)D video tower and a VGG-like sound tower each end in a global max pool and a small perceptron; training
brings the two embeddings of one clip together. Checkpoints of the authors enter through ``conversion/avid_cma.py``.
"""

import math
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from ...layers.statistics import kept_statistics
from .._inference_form import InferenceForm
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
class AvidClassifierOutput(ModelOutput):
    """What the classification models return.

    Attributes:
        loss: Mean cross-entropy, when labels were given.
        logits: ``(B, num_labels)``.
        hidden_states: The tower's five maps, when asked for.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None


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


class AvidVideoStem(nn.Module):
    def __init__(self, config: AvidConfig):
        super().__init__()
        self.conv = nn.Conv3d(
            config.video_num_channels,
            config.video_hidden_sizes[0],
            (3, 7, 7),
            (1, 2, 2),
            (1, 3, 3),
            bias=False,
        )
        self.norm = nn.BatchNorm3d(config.video_hidden_sizes[0], config.batch_norm_eps, config.batch_norm_momentum)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if config.video_stem_pool else nn.Identity()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.pool(F.relu(self.norm(self.conv(pixels))))


class AvidVideoBlock(GradientCheckpointingLayer):
    """R(2+1)D residual block of section 2: no middle width, normalised after the addition, bare shortcut."""

    def __init__(self, config: AvidConfig, in_channels: int, channels: int, stride: int):
        super().__init__()

        def spatial(width: int, step: int) -> nn.Conv3d:
            return nn.Conv3d(width, channels, (1, 3, 3), (1, step, step), (0, 1, 1), bias=False)

        def temporal(step: int) -> nn.Conv3d:
            return nn.Conv3d(channels, channels, (3, 1, 1), (step, 1, 1), (1, 0, 0), bias=False)

        def norm() -> nn.BatchNorm3d:
            return nn.BatchNorm3d(channels, config.batch_norm_eps, config.batch_norm_momentum)

        self.spatial_conv1, self.spatial_norm1 = spatial(in_channels, stride), norm()
        self.temporal_conv1, self.temporal_norm1 = temporal(stride), norm()
        self.spatial_conv2, self.spatial_norm2 = spatial(channels, 1), norm()
        self.temporal_conv2 = temporal(1)
        self.norm = norm()
        self.shortcut = None
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Conv3d(in_channels, channels, 1, stride, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        shortcut = hidden if self.shortcut is None else self.shortcut(hidden)
        hidden = F.relu(self.spatial_norm1(self.spatial_conv1(hidden)))
        hidden = F.relu(self.temporal_norm1(self.temporal_conv1(hidden)))
        hidden = F.relu(self.spatial_norm2(self.spatial_conv2(hidden)))
        return F.relu(self.norm(self.temporal_conv2(hidden) + shortcut))


class AvidVideoEncoder(nn.Module):
    """Video tower: ``(B, C, T, H, W)`` to five feature maps."""

    def __init__(self, config: AvidConfig):
        super().__init__()
        self.stem = AvidVideoStem(config)
        self.stages = nn.ModuleList()
        width = config.video_hidden_sizes[0]
        for index, (channels, blocks) in enumerate(zip(config.video_hidden_sizes, config.video_blocks)):
            first = AvidVideoBlock(config, width, channels, stride=1 if index == 0 else 2)
            rest = [AvidVideoBlock(config, channels, channels, stride=1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(first, *rest))
            width = channels

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = [self.stem(pixels)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return tuple(features)


class AvidAudioStem(nn.Module):
    def __init__(self, config: AvidConfig):
        super().__init__()
        self.conv = nn.Conv2d(config.audio_num_channels, config.audio_hidden_sizes[0], 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(config.audio_hidden_sizes[0], config.batch_norm_eps, config.batch_norm_momentum)

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(spectrogram)))


class AvidAudioBlock(GradientCheckpointingLayer):
    """Two convolutions without a shortcut (section 3)."""

    def __init__(self, config: AvidConfig, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels, config.batch_norm_eps, config.batch_norm_momentum)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels, config.batch_norm_eps, config.batch_norm_momentum)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = F.relu(self.norm1(self.conv1(hidden)))
        return F.relu(self.norm2(self.conv2(hidden)))


class AvidAudioEncoder(nn.Module):
    """Sound tower: ``(B, C, time, frequency)`` to five feature maps."""

    def __init__(self, config: AvidConfig):
        super().__init__()
        self.stem = AvidAudioStem(config)
        widths = [config.audio_hidden_sizes[0], *config.audio_hidden_sizes]
        self.blocks = nn.ModuleList(
            AvidAudioBlock(config, *sizes, stride)
            for *sizes, stride in zip(widths, config.audio_hidden_sizes, config.audio_strides)
        )

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = [self.stem(spectrogram)]
        for block in self.blocks:
            features.append(block(features[-1]))
        return tuple(features)


class AvidProjection(nn.Module):
    """Head of section 4: linear layers with ReLU between them, and the identity without any layer."""

    def __init__(self, in_features: int, widths: list[int]):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*sizes) for sizes in zip([in_features, *widths], widths))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        for index, layer in enumerate(self.layers):
            features = layer(F.relu(features) if index else features)
        return features


class AvidPreTrainedModel(InferenceForm, PreTrainedModel):
    config_class = AvidConfig
    main_input_name = "pixel_values_videos"
    supports_gradient_checkpointing = True
    _no_split_modules = ["AvidVideoBlock", "AvidAudioBlock"]

    def _init_weights(self, module: nn.Module) -> None:
        if not isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
            super()._init_weights(module)
            return
        init.kaiming_uniform_(module.weight, a=math.sqrt(5))
        if module.bias is not None:
            bound = module.weight[0].numel() ** -0.5
            init.uniform_(module.bias, -bound, bound)

    def _set_gradient_checkpointing(self, enable=True, gradient_checkpointing_func=checkpoint, **kwargs) -> None:
        # A checkpointed block runs twice a step; its running statistics are to move once, as without checkpointing.
        func = partial(gradient_checkpointing_func, context_fn=lambda: (nullcontext(), kept_statistics(self)))
        super()._set_gradient_checkpointing(enable, func, **kwargs)

    def _fold(self) -> None:
        from .inference_avid import FoldedAudioEncoder, FoldedVideoEncoder

        if hasattr(self, "video_encoder"):
            self.video_encoder = FoldedVideoEncoder(self.video_encoder)
        if hasattr(self, "audio_encoder"):
            self.audio_encoder = FoldedAudioEncoder(self.audio_encoder)


def _to_channels_first(pixel_values_videos: torch.Tensor, config: AvidConfig) -> torch.Tensor:
    shape = tuple(pixel_values_videos.shape)
    if len(shape) != 5 or shape[2] != config.video_num_channels:
        expected = f"a tensor (batch, time, {config.video_num_channels}, height, width)"
        raise InvalidValueError(explain("pixel_values_videos", f"shape {shape}", expected, "Use AvidProcessor."))
    return pixel_values_videos.transpose(1, 2)


def _check_spectrogram(input_features: torch.Tensor, config: AvidConfig) -> torch.Tensor:
    shape = tuple(input_features.shape)
    if len(shape) != 4 or shape[1] != config.audio_num_channels:
        expected = f"a tensor (batch, {config.audio_num_channels}, time, frequency)"
        raise InvalidValueError(explain("input_features", f"shape {shape}", expected, "Use AvidProcessor."))
    return input_features


def _global_max(features: torch.Tensor) -> torch.Tensor:
    return features.flatten(2).amax(2)


class AvidModel(AvidPreTrainedModel):
    """Both towers with their heads: video and sound in one embedding space."""

    def __init__(self, config: AvidConfig):
        super().__init__(config)
        self.video_encoder = AvidVideoEncoder(config)
        self.audio_encoder = AvidAudioEncoder(config)
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
            maps = self.video_encoder(_to_channels_first(pixel_values_videos, self.config))
            output["video_pooled"] = _global_max(maps[-1])
            output["video_embeds"] = self.video_projection(output.video_pooled)
            if output_hidden_states:
                output["video_hidden_states"] = maps
        if input_features is not None:
            maps = self.audio_encoder(_check_spectrogram(input_features, self.config))
            output["audio_pooled"] = _global_max(maps[-1])
            output["audio_embeds"] = self.audio_projection(output.audio_pooled)
            if audio_mask is not None:
                output["audio_embeds"] = output.audio_embeds.masked_fill(~audio_mask[:, None], torch.nan)
            if output_hidden_states:
                output["audio_hidden_states"] = maps
        return output if return_dict in (None, True) else output.to_tuple()


class _AvidForClassification(AvidPreTrainedModel):
    """Global max pool, dropout, linear classifier (section 11.1)."""

    def __init__(self, config: AvidConfig, in_features: int):
        super().__init__(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(in_features, config.num_labels)

    def _classify(self, maps, labels, output_hidden_states, return_dict):
        logits = self.classifier(self.dropout(_global_max(maps[-1])))
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        output = AvidClassifierOutput(
            loss=None if labels is None else F.cross_entropy(logits, labels),
            logits=logits,
            hidden_states=maps if wanted else None,
        )
        return output if return_dict in (None, True) else output.to_tuple()


class AvidForVideoClassification(_AvidForClassification):
    """The video tower with a linear classifier, for fine-tuning on actions (section 11.1)."""

    _keys_to_ignore_on_load_unexpected = [r"^audio_encoder\.", r"^(video|audio)_projection\."]

    def __init__(self, config: AvidConfig):
        super().__init__(config, config.video_hidden_sizes[-1])
        self.video_encoder = AvidVideoEncoder(config)
        self.post_init()

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> AvidClassifierOutput | tuple:
        """Classify video ``(B, T, C, H, W)``; ``labels`` ``(B,)`` add the loss."""
        maps = self.video_encoder(_to_channels_first(pixel_values_videos, self.config))
        return self._classify(maps, labels, output_hidden_states, return_dict)


class AvidForAudioClassification(_AvidForClassification):
    """The sound tower with a linear classifier."""

    main_input_name = "input_features"
    _keys_to_ignore_on_load_unexpected = [r"^video_encoder\.", r"^(video|audio)_projection\."]

    def __init__(self, config: AvidConfig):
        super().__init__(config, config.audio_hidden_sizes[-1])
        self.audio_encoder = AvidAudioEncoder(config)
        self.post_init()

    def forward(
        self,
        input_features: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> AvidClassifierOutput | tuple:
        """Classify spectrograms ``(B, C, time, frequency)``; ``labels`` ``(B,)`` add the loss."""
        maps = self.audio_encoder(_check_spectrogram(input_features, self.config))
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
        self.video_encoder = AvidVideoEncoder(config).requires_grad_(False)
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
            maps = self.video_encoder(_to_channels_first(pixel_values_videos, self.config))
        features = {**dict(zip(FEATURE_NAMES, maps)), "pool": maps[-1]}
        pooled, logits = zip(*(probe(features[name]) for name, probe in self.probes.items()))
        losses = [] if labels is None else [F.cross_entropy(scores, labels) for scores in logits]
        output = AvidProbeOutput(
            loss=sum(losses) if losses else None, logits=torch.stack(logits, 1), pooled_features=pooled
        )
        return output if return_dict in (None, True) else output.to_tuple()
