"""What the models of families with the same two towers share: initialisation, faster forms, checks, classification."""

import math
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from ..errors import InvalidValueError, explain
from ..layers.statistics import kept_statistics
from ..layers.video_tower import VideoTower
from ._dummy import noise
from ._inference_form import InferenceForm


@dataclass
class TowerClassifierOutput(ModelOutput):
    """What the classification models return.

    Attributes:
        loss: Mean cross-entropy, when labels were given.
        logits: ``(B, num_labels)``.
        hidden_states: The tower's five maps, when asked for.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None


class TowerPreTrainedModel(InferenceForm, PreTrainedModel):
    """Base of models whose towers, where they have them, are ``video_encoder`` and ``audio_encoder``."""

    main_input_name = "pixel_values_videos"
    supports_gradient_checkpointing = True
    _no_split_modules = ["VideoBlock", "AudioBlock"]

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        return {
            "pixel_values_videos": noise(1, 8, self.config.video_num_channels, 48, 48),
            "input_features": noise(1, self.config.audio_num_channels, 50, 64),
        }

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
        from ..layers.folded_towers import FoldedAudioTower, FoldedVideoTower

        if getattr(self, "video_encoder", None) is not None:
            self.video_encoder = FoldedVideoTower(self.video_encoder)
        if getattr(self, "audio_encoder", None) is not None:
            self.audio_encoder = FoldedAudioTower(self.audio_encoder)


class TowerForClassification(TowerPreTrainedModel):
    """Global max pool, dropout and a linear classifier on one tower."""

    def __init__(self, config: PreTrainedConfig, in_features: int):
        super().__init__(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(in_features, config.num_labels)

    def _classify(self, maps, labels, output_hidden_states, return_dict):
        logits = self.classifier(self.dropout(global_max(maps[-1])))
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        output = TowerClassifierOutput(
            loss=None if labels is None else F.cross_entropy(logits, labels),
            logits=logits,
            hidden_states=maps if wanted else None,
        )
        return output if return_dict in (None, True) else output.to_tuple()


class TowerForVideoClassification(TowerForClassification):
    """The video tower under a linear classifier, for fine-tuning on actions."""

    def __init__(self, config: PreTrainedConfig):
        super().__init__(config, config.video_hidden_sizes[-1])
        self.video_encoder = VideoTower(config)
        self.post_init()

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> TowerClassifierOutput | tuple:
        """Classify video ``(B, T, C, H, W)``; ``labels`` ``(B,)`` add the loss."""
        maps = self.video_encoder(channels_first(pixel_values_videos, self.config))
        return self._classify(maps, labels, output_hidden_states, return_dict)


def channels_first(pixel_values_videos: torch.Tensor, config: PreTrainedConfig) -> torch.Tensor:
    """Bring video ``(B, T, C, H, W)`` to the tower's ``(B, C, T, H, W)``.

    Raises:
        InvalidValueError: It has another shape.
    """
    shape = tuple(pixel_values_videos.shape)
    if len(shape) != 5 or shape[2] != config.video_num_channels:
        expected = f"a tensor (batch, time, {config.video_num_channels}, height, width)"
        raise InvalidValueError(explain("pixel_values_videos", f"shape {shape}", expected, _processor_of(config)))
    return pixel_values_videos.transpose(1, 2)


def checked_spectrogram(input_features: torch.Tensor, config: PreTrainedConfig) -> torch.Tensor:
    """Return a spectrogram ``(B, C, time, frequency)`` as it is.

    Raises:
        InvalidValueError: It has another shape.
    """
    shape = tuple(input_features.shape)
    if len(shape) != 4 or shape[1] != config.audio_num_channels:
        expected = f"a tensor (batch, {config.audio_num_channels}, time, frequency)"
        raise InvalidValueError(explain("input_features", f"shape {shape}", expected, _processor_of(config)))
    return input_features


def global_max(features: torch.Tensor) -> torch.Tensor:
    """Maximum of each channel of a map ``(B, C, ...)``, as ``(B, C)``."""
    return features.flatten(2).amax(2)


def _processor_of(config: PreTrainedConfig) -> str:
    return f"Use {type(config).__name__.removesuffix('Config')}Processor."
