"""Separating the sound of what is on the screen from the rest, and two voices without a picture (section 6)."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from transformers.utils import ModelOutput

from ...audio.stft import from_decibels, inverse_gain, inverse_stft, stft, to_decibels
from ...errors import InvalidValueError, explain
from .._dummy import sound
from .configuration_multisensory import CHANNELS, MultisensoryConfig
from .losses_multisensory import on_off_terms, permutation_invariant_loss
from .modeling_multisensory import MultisensoryModel, MultisensoryPreTrainedModel, activation_map
from .unet_multisensory import SpectrogramUNet


@dataclass
class MultisensorySeparationOutput(ModelOutput):
    """What the separation models return; the two sources are on-screen and off-screen, or in no order when blind.

    Attributes:
        loss: Sum of ``loss_terms`` by the configuration's weights, when labels were given.
        loss_terms: Its parts, scalars by name.
        waveforms: ``(B, 2, samples)`` float32, the sources; NaN where a clip has no sound. They are
            ``hop_length * (frames - 1) + frame_length`` long and, unless ``normalize_gain`` is set, louder than they
            were in the mixture by 1.5.
        levels: ``(B, 2, frames, bins)`` decibels.
        phases: ``(B, 2, frames, bins)`` radians.
        mixture_levels: ``(B, frames, bins)`` decibels.
        mixture_phases: ``(B, frames, bins)`` radians.
        logits: ``(B,)``, synchrony of picture and mixture by the head left from pretraining; not when blind.
        activation_maps: ``(B, T, H, W)``, that head at each place; not when blind.
        audio_mask: ``(B,)`` bool, as given: False where a clip has no sound.
    """

    loss: torch.FloatTensor | None = None
    loss_terms: dict[str, torch.FloatTensor] | None = None
    waveforms: torch.FloatTensor | None = None
    levels: torch.FloatTensor | None = None
    phases: torch.FloatTensor | None = None
    mixture_levels: torch.FloatTensor | None = None
    mixture_phases: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    activation_maps: torch.FloatTensor | None = None
    audio_mask: torch.BoolTensor | None = None


class _SourceSeparation(MultisensoryPreTrainedModel):
    """Spectrogram, u-net, losses and sound; subclasses provide ``unet``."""

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        inputs = super().dummy_inputs
        samples = max(inputs["input_values"].shape[-1], self._fewest_samples())
        return inputs | {"input_values": sound(1, self.config.audio_num_channels, samples)}

    def _separate(
        self,
        input_values: torch.Tensor,
        video_features: list[torch.Tensor],
        audio_mask: torch.Tensor | None,
        labels: torch.Tensor | None,
        mixture_channel: str | None,
        normalize_gain: bool | None,
    ) -> MultisensorySeparationOutput:
        _check_shapes(input_values, labels)
        config = self.config
        mixture = _one_channel(input_values, mixture_channel or ("mean" if self.training else config.mixture_channel))
        levels, phases = self.spectrogram(mixture)
        # The highest bin does not pass through the u-net.
        inputs = torch.stack(self.normalized(levels, phases), 1)[..., :-1]
        # (B, source, quantity, frames, bins)
        sources = torch.stack(self.unet(inputs.to(self.dtype), video_features), 1).float().tanh()
        if audio_mask is not None:
            sources = sources.masked_fill(~audio_mask[:, None, None, None, None], torch.nan)
        floor = sources.new_full((*sources.shape[:2], sources.shape[3], 1), -1.0)
        own_phase = phases[:, None, :, -1:].expand_as(floor) / math.pi
        predicted = torch.cat([sources[:, :, 0], floor], -1), torch.cat([sources[:, :, 1], own_phase], -1)
        span = config.max_level - config.min_level
        output = MultisensorySeparationOutput(
            levels=(predicted[0] + 1) * span / 2 + config.min_level,
            phases=predicted[1] * math.pi,
            mixture_levels=levels,
            mixture_phases=phases,
            audio_mask=audio_mask,
        )
        spectrum = from_decibels(output.levels, output.phases)
        output["waveforms"] = inverse_stft(spectrum, config.frame_length, config.hop_length)
        if config.normalize_gain if normalize_gain is None else normalize_gain:
            output["waveforms"] = output.waveforms / inverse_gain(config.frame_length, config.hop_length)
        if labels is not None:
            heard = slice(None) if audio_mask is None else audio_mask
            judged = predicted[0][heard], predicted[1][heard]
            output["loss_terms"], output["loss"] = self._losses(judged, labels[heard])
        return output

    def spectrogram(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Level in decibels and phase in radians of sound ``(..., samples)``, each ``(..., frames, bins)``.

        The number of frames is cut to a multiple that the u-net can halve, 128 in the paper's.

        Raises:
            InvalidValueError: There is too little sound for that many frames.
        """
        config = self.config
        multiple, needed = config.spectrogram_frames_multiple, self._fewest_samples()
        if samples.shape[-1] < needed:
            expected = f"at least {needed}, which make the {multiple} frames of a spectrogram"
            raise InvalidValueError(
                explain("samples of input_values", samples.shape[-1], expected, "Give longer clips.")
            )
        spectrum = stft(samples.float(), config.frame_length, config.hop_length, config.fft_size)
        spectrum = spectrum[..., : spectrum.shape[-2] // multiple * multiple, :]
        return to_decibels(spectrum.abs()), spectrum.angle()

    def _fewest_samples(self) -> int:
        """Samples of the shortest spectrogram that the u-net can halve."""
        config = self.config
        return config.frame_length + (config.spectrogram_frames_multiple - 1) * config.hop_length

    def normalized(self, levels: torch.Tensor, phases: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale levels and phases to what the u-net sees and the losses compare."""
        span = self.config.max_level - self.config.min_level
        return (levels - self.config.min_level) * (2 / span) - 1, phases / math.pi

    def _losses(
        self, predicted: tuple[torch.Tensor, torch.Tensor], labels: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        sources = self.normalized(*self.spectrogram(_one_channel(labels, "mean")))
        terms, loss = {}, 0.0
        if "on_off" in self.config.separation_losses:
            terms |= on_off_terms(predicted, sources)
            loss = sum(term * (self.config.phase_weight if "phase" in name else 1) for name, term in terms.items())
        if "permutation_invariant" in self.config.separation_losses:
            terms["permutation_invariant"] = permutation_invariant_loss(predicted, sources, self.config.phase_weight)
            loss = loss + terms["permutation_invariant"]
        return terms, loss


class MultisensoryForSourceSeparation(_SourceSeparation):
    """The audio-visual network and a u-net that its features steer: on-screen against off-screen sound."""

    _keys_to_ignore_on_load_unexpected = [r"^classifier\."]

    def __init__(self, config: MultisensoryConfig):
        super().__init__(config)
        scales = config.video_hidden_sizes[0], config.video_hidden_sizes[1], config.video_hidden_sizes[3]
        self.multisensory = MultisensoryModel(config)
        # Comes along from pretraining; no loss of separation reaches it.
        self.alignment_head = nn.Linear(scales[-1], 1).requires_grad_(False)
        self.unet = SpectrogramUNet(config, scales)
        self.post_init()

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_values: torch.Tensor,
        audio_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        mixture_channel: str | None = None,
        normalize_gain: bool | None = None,
        return_dict: bool | None = None,
    ) -> MultisensorySeparationOutput | tuple:
        """Separate the mixture that is heard with a clip.

        Args:
            pixel_values_videos: ``(B, T, C, H, W)`` frames in [-1, 1]; 63 of 224 x 224 in the paper.
            input_values: ``(B, C, samples)``, the mixture; 44144 samples in the paper, at an RMS of about 0.14 in the
                released tools. The spectrogram is cut to the largest multiple of 128 frames, and the waveforms that
                come out with it.
            audio_mask: ``(B,)`` bool, False where the clip has no sound and nothing is separated.
            labels: ``(B, 2, C, samples)``, the on-screen and the off-screen sound that were added to the mixture.
            mixture_channel: ``"first"`` or ``"mean"``: see the configuration, from which it is taken by default.
            normalize_gain: See the configuration, from which it is taken by default.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: A tensor has a wrong shape, or there is too little sound.
        """
        video = self.multisensory.encode_video(pixel_values_videos, all_maps=False)[-1]
        fused = self.multisensory.fuse(video, input_values, audio_mask).fused
        # The first scale has not heard anything yet; the others are the ends of stages three and five.
        features = [scale.mean((3, 4)) for scale in (video, fused[2], fused[-1])]
        output = self._separate(input_values, features, audio_mask, labels, mixture_channel, normalize_gain)
        output["activation_maps"] = activation_map(fused[-1], self.alignment_head, audio_mask)
        output["logits"] = output.activation_maps.mean((1, 2, 3))
        return output if return_dict in (None, True) else output.to_tuple()


class SpectrogramUNetForSeparation(_SourceSeparation):
    """The u-net alone: two sources without a picture, in no particular order."""

    main_input_name = "input_values"

    def __init__(self, config: MultisensoryConfig):
        super().__init__(config)
        self.unet = SpectrogramUNet(config)
        self.post_init()

    def forward(
        self,
        input_values: torch.Tensor,
        audio_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        mixture_channel: str | None = None,
        normalize_gain: bool | None = None,
        return_dict: bool | None = None,
    ) -> MultisensorySeparationOutput | tuple:
        """Separate mixtures; see ``MultisensoryForSourceSeparation.forward``."""
        output = self._separate(input_values, [], audio_mask, labels, mixture_channel, normalize_gain)
        return output if return_dict in (None, True) else output.to_tuple()


def _check_shapes(input_values: torch.Tensor, labels: torch.Tensor | None) -> None:
    if input_values.ndim != 3:
        expected = "a tensor (batch, channels, samples)"
        raise InvalidValueError(
            explain("input_values", f"shape {tuple(input_values.shape)}", expected, "Use MultisensoryProcessor.")
        )
    batch, *sound = input_values.shape
    if labels is not None and labels.shape != (batch, 2, *sound):
        expected = f"{(batch, 2, *sound)}, two sources for each mixture"
        raise InvalidValueError(explain("labels", f"shape {tuple(labels.shape)}", expected))


def _one_channel(sound: torch.Tensor, channel: str) -> torch.Tensor:
    """Reduce ``(..., C, samples)`` to one channel."""
    if channel not in CHANNELS:
        raise InvalidValueError(explain("mixture_channel", repr(channel), f"one of {CHANNELS}"))
    return sound[..., 0, :] if channel == "first" else sound.mean(-2)
