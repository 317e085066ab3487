"""The multisensory network and its heads (Owens and Efros, ECCV 2018, arXiv 1804.03641).

Picture and sound meet early in one three-dimensional residual network, which learns by telling whether the two are in
synchrony. Checkpoints of the authors enter through ``conversion/multisensory.py``.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from ...layers.statistics import kept_statistics
from .._dummy import noise, sound
from .._inference_form import InferenceForm
from .configuration_multisensory import MultisensoryConfig
from .norm_multisensory import BatchNorm
from .trunk_multisensory import MultisensoryAudioBranch, MultisensoryFusion, MultisensoryVideoBranch, fused_blocks
from .unet_multisensory import UNetNorm

# Standard deviation of a standard normal distribution cut at two.
CUT_NORMAL_STD = 0.8796256610342398


@dataclass
class MultisensoryOutput(ModelOutput):
    """What ``MultisensoryModel`` returns.

    Attributes:
        last_hidden_state: ``(B, C, T, H, W)``, the last stage's features.
        pooler_output: ``(B, C)``, their mean over time and space.
        audio_mask: ``(B,)`` bool, as given: False where a clip has no sound and the features are the picture's alone.
        video_hidden_states: The maps before the fusion, ``(B, C, T, H, W)``: the stem and the two blocks of stage two.
        audio_hidden_states: The sound branch's maps, ``(B, C, time)``: its five stages; None without sound.
        hidden_states: The maps from the fusion on: the fusion and the two blocks of each of stages three to five.
    """

    last_hidden_state: torch.FloatTensor | None = None
    pooler_output: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None
    video_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    audio_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None


@dataclass
class MultisensoryAlignmentOutput(ModelOutput):
    """What ``MultisensoryForAlignment`` returns.

    Attributes:
        loss: Mean sigmoid cross-entropy, when labels were given.
        logits: ``(B,)``, or ``(B, K)`` for K sounds a clip; above 0 means in synchrony. NaN where a clip has no sound.
        activation_maps: ``(B, T, H, W)``, or ``(B, K, T, H, W)``: the classifier at each place, whose mean is the
            logit.
        audio_mask: ``(B,)`` bool, as given.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    activation_maps: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None


@dataclass
class MultisensoryClassifierOutput(ModelOutput):
    """What ``MultisensoryForVideoClassification`` returns.

    Attributes:
        loss: Mean cross-entropy, when labels were given.
        logits: ``(B, num_labels)``.
        pooler_output: ``(B, C)``, the features that are classified.
        audio_mask: ``(B,)`` bool, as given: False where a clip was classified by its picture alone.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    pooler_output: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None


class FusedMaps(NamedTuple):
    """Feature maps of the sound branch, if it ran, and of the fusion and the blocks after it."""

    audio: tuple[torch.Tensor, ...] | None
    fused: tuple[torch.Tensor, ...]


class MultisensoryPreTrainedModel(InferenceForm, PreTrainedModel):
    config_class = MultisensoryConfig
    base_model_prefix = "multisensory"
    main_input_name = "pixel_values_videos"
    supports_gradient_checkpointing = True
    _no_split_modules = ["MultisensoryBlock"]

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        return {
            "pixel_values_videos": noise(1, 17, self.config.video_num_channels, 32, 40, spread=0.5),
            "input_values": sound(1, self.config.audio_num_channels, 11912),
        }

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Conv1d, nn.Conv3d, nn.Linear)):
            std = (2 / module.weight[0].numel()) ** 0.5 / CUT_NORMAL_STD
            init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            init.normal_(module.weight, std=0.02)
        elif isinstance(module, BatchNorm):
            if module.weight is not None:
                init.normal_(module.weight, mean=1.0, std=0.02 if isinstance(module, UNetNorm) else 0.0)
            for name, buffer in module.named_buffers():
                init.constant_(buffer, float(name == "running_var"))
        if getattr(module, "bias", None) is not None:
            init.zeros_(module.bias)

    def _set_gradient_checkpointing(self, enable=True, gradient_checkpointing_func=checkpoint, **kwargs) -> None:
        # A checkpointed block runs twice a step; its running statistics are to move once, as without checkpointing.
        func = partial(gradient_checkpointing_func, context_fn=lambda: (nullcontext(), kept_statistics(self)))
        super()._set_gradient_checkpointing(enable, func, **kwargs)

    def _fold(self) -> None:
        from .inference_multisensory import fold

        fold(self)


class MultisensoryModel(MultisensoryPreTrainedModel):
    """The audio-visual network without a head."""

    _keys_to_ignore_on_load_unexpected = [r"^alignment_head\.", r"^classifier\.", r"^unet\."]

    def __init__(self, config: MultisensoryConfig):
        super().__init__(config)
        self.video_branch = MultisensoryVideoBranch(config)
        # Kept where it is not heard, so that weights fit with and without sound.
        self.audio_branch = MultisensoryAudioBranch(config).requires_grad_(config.use_sound)
        self.fusion = MultisensoryFusion(config)
        self.blocks = fused_blocks(config)
        self.post_init()

    def encode_video(self, pixel_values_videos: torch.Tensor, all_maps: bool = True) -> tuple[torch.Tensor, ...]:
        """Run the part that only sees, ``(B, T, C, H, W)`` to its three maps; the last is what sound is fused with.

        With ``all_maps=False`` it is the only one: the others, of which the first is large, are not kept.
        """
        return self.video_branch(_prepared_pixels(pixel_values_videos, self.config), all_maps)

    def fuse(
        self, video_map: torch.Tensor, input_values: torch.Tensor | None, audio_mask: torch.Tensor | None = None
    ) -> FusedMaps:
        """Run the rest on the last map of ``encode_video`` and a sound ``(B, C, samples)``."""
        audio = None
        batch, frames = len(video_map), video_map.shape[2]
        if input_values is not None and self.config.use_sound:
            audio = self.audio_branch(_prepared_sound(input_values, self.config), frames)
            sound = audio[-1] if audio_mask is None else audio[-1].masked_fill(~audio_mask[:, None, None], 0)
        else:
            sound = video_map.new_zeros(batch, self.config.audio_hidden_sizes[-1], frames)
        fused = [self.fusion(video_map, sound)]
        for block in self.blocks:
            fused.append(block(fused[-1]))
        return FusedMaps(audio, tuple(fused))

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_values: torch.Tensor | None = None,
        audio_mask: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> MultisensoryOutput | tuple:
        """Encode clips of video with their sound.

        Args:
            pixel_values_videos: ``(B, T, C, H, W)`` frames in [-1, 1]; any number and size, the paper's are 125 of
                224 x 224.
            input_values: ``(B, C, samples)`` the sound of the same span, in [-1, 1]; the paper's is 87588 samples in
                stereo. Without it the sound's place at the fusion is filled with zeros, as in the paper's
                vision-only network.
            audio_mask: ``(B,)`` bool, False where the clip has no sound: it is treated as just said.
            output_hidden_states: Whether to return the feature maps; None takes the configuration's value.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: A tensor has a wrong shape, or there is too little sound for the frames.
        """
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        video = self.encode_video(pixel_values_videos, all_maps=output_hidden_states)
        audio, fused = self.fuse(video[-1], input_values, audio_mask)
        output = MultisensoryOutput(
            last_hidden_state=fused[-1], pooler_output=fused[-1].mean((2, 3, 4)), audio_mask=audio_mask
        )
        if output_hidden_states:
            output["video_hidden_states"], output["hidden_states"] = video, fused
            if audio is not None:
                output["audio_hidden_states"] = audio
        return output if return_dict in (None, True) else output.to_tuple()


class MultisensoryForAlignment(MultisensoryPreTrainedModel):
    """The network as it is pretrained: is this the picture's sound, and in time (section 3)?

    With ``MultisensoryConfig.localization()`` it is the network that localises sound by its activation maps.
    """

    _keys_to_ignore_on_load_unexpected = [r"^classifier\.", r"^unet\."]

    def __init__(self, config: MultisensoryConfig):
        super().__init__(config)
        self.multisensory = MultisensoryModel(config)
        self.alignment_head = nn.Linear(config.video_hidden_sizes[-1], 1)
        self.post_init()

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_values: torch.Tensor,
        audio_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> MultisensoryAlignmentOutput | tuple:
        """Score the synchrony of clips with one sound each, or with several.

        Args:
            pixel_values_videos: ``(B, T, C, H, W)`` frames in [-1, 1].
            input_values: ``(B, C, samples)``, or ``(B, K, C, samples)`` with K sounds to try on each clip. The part
                of the network before the fusion then runs once, and in training the others normalise each of the K
                batches by itself, as the paper's pairs of a true and a shifted sound are.
            audio_mask: ``(B,)`` bool, False where the clip has no sound: its logits and maps become NaN, and it does
                not count in the loss.
            labels: 1 where the sound is in synchrony, else 0; shaped as the logits.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: A tensor has a wrong shape, or there is too little sound for the frames.
        """
        several = input_values.ndim == 4
        video = self.multisensory.encode_video(pixel_values_videos, all_maps=False)[-1]
        sounds = input_values.unbind(1) if several else [input_values]
        lasts = [self.multisensory.fuse(video, sound, audio_mask).fused[-1] for sound in sounds]
        maps = torch.stack([activation_map(last, self.alignment_head, audio_mask) for last in lasts], 1)
        logits = maps.mean((2, 3, 4))
        if not several:
            maps, logits = maps.squeeze(1), logits.squeeze(1)
        loss = None
        if labels is not None:
            heard = slice(None) if audio_mask is None else audio_mask
            loss = F.binary_cross_entropy_with_logits(logits[heard], labels[heard].to(logits.dtype))
        output = MultisensoryAlignmentOutput(loss, logits, maps, audio_mask)
        return output if return_dict in (None, True) else output.to_tuple()


class MultisensoryForVideoClassification(MultisensoryPreTrainedModel):
    """The network with a classifier of actions (section 5 of the paper)."""

    _keys_to_ignore_on_load_unexpected = [r"^alignment_head\.", r"^unet\."]

    def __init__(self, config: MultisensoryConfig):
        super().__init__(config)
        self.multisensory = MultisensoryModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.video_hidden_sizes[-1], config.num_labels)
        self.post_init()

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_values: torch.Tensor | None = None,
        audio_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> MultisensoryClassifierOutput | tuple:
        """Classify clips ``(B, T, C, H, W)`` by picture and sound, or by picture alone; labels ``(B,)`` add the loss.

        The inputs are those of ``MultisensoryModel``.
        """
        output = self.multisensory(pixel_values_videos, input_values, audio_mask)
        # Dropout acts on the feature maps, before the mean.
        features = self.dropout(output.last_hidden_state).mean((2, 3, 4))
        logits = self.classifier(features)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        output = MultisensoryClassifierOutput(loss, logits, features, audio_mask)
        return output if return_dict in (None, True) else output.to_tuple()


def activation_map(last_hidden_state: torch.Tensor, head: nn.Linear, audio_mask: torch.Tensor | None) -> torch.Tensor:
    """Apply a head of one output at each place of ``(B, C, T, H, W)``, to ``(B, T, H, W)``; NaN without sound."""
    activations = head(last_hidden_state.movedim(1, -1)).squeeze(-1)
    if audio_mask is None:
        return activations
    return activations.masked_fill(~audio_mask[:, None, None, None], torch.nan)


def _prepared_pixels(pixel_values_videos: torch.Tensor, config: MultisensoryConfig) -> torch.Tensor:
    shape = tuple(pixel_values_videos.shape)
    if len(shape) != 5 or shape[2] != config.video_num_channels:
        expected = f"a tensor (batch, time, {config.video_num_channels}, height, width)"
        raise InvalidValueError(
            explain("pixel_values_videos", f"shape {shape}", expected, "Use MultisensoryProcessor.")
        )
    if config.static_video:
        middle = shape[1] // 2
        pixel_values_videos = pixel_values_videos[:, middle : middle + 1].expand(shape)
    return pixel_values_videos.transpose(1, 2)


def _prepared_sound(input_values: torch.Tensor, config: MultisensoryConfig) -> torch.Tensor:
    shape = tuple(input_values.shape)
    if len(shape) != 3 or shape[1] != config.audio_num_channels:
        expected = f"a tensor (batch, {config.audio_num_channels}, samples)"
        raise InvalidValueError(explain("input_values", f"shape {shape}", expected, "Use MultisensoryProcessor."))
    return input_values.mean(1, keepdim=True).expand(shape) if config.mono_sound else input_values
