"""From mono sound and 360-degree video to first-order ambisonics (Morgado et al., NeurIPS 2018, arXiv 1809.02587).

For a chunk of 0.1 s the network cuts the sound into tracks and gives each a weight in the three channels that point.
Checkpoints of the authors enter through ``conversion/spatial_audio_gen.py``.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from ...audio.stft import stft
from ...errors import InvalidValueError, explain
from ...layers.statistics import kept_statistics
from .._dummy import noise, sound
from .._inference_form import InferenceForm
from .configuration_spatial_audio_gen import SpatialAudioGenConfig
from .consecutive_spatial_audio_gen import distinct, grid_starts, shared_spectra
from .encoders_spatial_audio_gen import SpatialAudioGenAudioEncoder, SpatialAudioGenVisualEncoder
from .fusion_spatial_audio_gen import PlacingLayer, SpatialAudioGenFusion, SpatialAudioGenLocalization
from .losses_spatial_audio_gen import ambisonics_loss
from .norm_spatial_audio_gen import GroupedBatchNorm
from .separation_spatial_audio_gen import SpatialAudioGenMono, SpatialAudioGenUNet

# Spread of the last layer's first weights: predictions begin near silence.
OUTPUT_STD = 0.001


@dataclass
class SpatialAudioGenOutput(ModelOutput):
    """What ``SpatialAudioGenModel`` returns.

    Attributes:
        loss: Distance of spectra, when labels were given.
        ambisonics: ``(B, 3, samples)``, the channels Y, Z and X (ACN, SN3D) of the chunk. W is the network's input.
        tracks: ``(B, K, samples)``, what the sound was cut into; W itself without separation.
        weights: ``(B, 3, K, steps)``, what each track is multiplied by in each channel, held during a step.
        biases: ``(B, 3, steps)``, what is added to each channel.
        masks: ``(B, K, frames, bins)`` in [0, 1], by which the spectrogram was multiplied; None without separation.
        mixtures: ``(B, 3, steps, samples)``, in the form for inference alone and in place of tracks and masks: what the
            weights of each step make of the tracks, for all samples around the chunk for which these are known.
        audio_hidden_states: Maps of the sound encoder's layers, ``(B, C, time, frequency)``.
        video_hidden_states: Maps of the picture's residual blocks, ``(B, C, H, W)``; None without this encoder.
        flow_hidden_states: The same of the flow's.
        fused_hidden_state: ``(B, steps, C)``, features of all that was taken in.
    """

    loss: torch.FloatTensor | None = None
    ambisonics: torch.FloatTensor | None = None
    tracks: torch.FloatTensor | None = None
    weights: torch.FloatTensor | None = None
    biases: torch.FloatTensor | None = None
    masks: torch.FloatTensor | None = None
    mixtures: torch.FloatTensor | None = None
    audio_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    video_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    flow_hidden_states: tuple[torch.FloatTensor, ...] | None = None
    fused_hidden_state: torch.FloatTensor | None = None


class SpatialAudioGenPreTrainedModel(InferenceForm, PreTrainedModel):
    config_class = SpatialAudioGenConfig
    base_model_prefix = "spatial_audio_gen"
    main_input_name = "input_values"
    supports_gradient_checkpointing = True
    _no_split_modules = ["SpatialAudioGenVisualBlock"]

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        inputs = {"input_values": sound(1, 1, self.config.window_samples)}
        for encoder, name in (("video", "pixel_values_videos"), ("flow", "flow_values")):
            if encoder in self.config.encoders:
                inputs[name] = noise(1, 1, 3, *self.config.image_size, spread=0.25)
        return inputs

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, PlacingLayer):
            init.trunc_normal_(module.weight, std=OUTPUT_STD, a=-2 * OUTPUT_STD, b=2 * OUTPUT_STD)
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            init.xavier_uniform_(module.weight)
        elif isinstance(module, GroupedBatchNorm):
            for name, value in [*module.named_parameters(), *module.named_buffers()]:
                init.constant_(value, float(name in ("weight", "running_var")))
        if getattr(module, "bias", None) is not None:
            init.zeros_(module.bias)

    def _set_gradient_checkpointing(self, enable=True, gradient_checkpointing_func=checkpoint, **kwargs) -> None:
        # A checkpointed block runs twice a step; its running statistics are to move once, as without checkpointing.
        func = partial(gradient_checkpointing_func, context_fn=lambda: (nullcontext(), kept_statistics(self)))
        super()._set_gradient_checkpointing(enable, func, **kwargs)

    def _fold(self) -> None:
        from .inference_spatial_audio_gen import fold

        fold(self, self.config)


class SpatialAudioGenModel(SpatialAudioGenPreTrainedModel):
    """The whole network: sound, and picture and flow where it has encoders for them, to ambisonics."""

    def __init__(self, config: SpatialAudioGenConfig):
        super().__init__(config)
        self.audio_encoder = SpatialAudioGenAudioEncoder(config)
        self.visual_encoders = nn.ModuleDict(
            {name: SpatialAudioGenVisualEncoder(config) for name in config.encoders if name != "audio"}
        )
        self.fusion = SpatialAudioGenFusion(config)
        self.localization = SpatialAudioGenLocalization(config, self.fusion.channels)
        separates = config.separation == "unet_mask"
        self.separation = SpatialAudioGenUNet(config, self.fusion.channels) if separates else SpatialAudioGenMono()
        self.post_init()

    def spectrum(self, sound: torch.Tensor) -> torch.Tensor:
        """Transform ``(..., samples)`` to complex ``(..., frames, bins / 2 + 1)``: the half that is not a mirror image.

        In single precision at least, as half of it would not do.
        """
        length = self.config.fft_size
        return stft(sound.to(torch.promote_types(sound.dtype, torch.float32)), length, self.config.hop_length, length)

    def forward(
        self,
        input_values: torch.Tensor,
        pixel_values_videos: torch.Tensor | None = None,
        flow_values: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        channel_mask: torch.Tensor | None = None,
        use_running_stats: bool | None = None,
        statistics_group: int | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> SpatialAudioGenOutput | tuple:
        """Predict one chunk for each item.

        As released, the visual encoders normalise by statistics of the batch, in evaluation as in training: items
        change each other's prediction. ``statistics_group`` keeps that within groups, and ``use_running_stats`` does
        away with it.

        Args:
            input_values: ``(B, 1, samples)``, W around the chunk, in [-1, 1]: 52799 samples, of which the chunk is
                those from 24000 to 28800.
            pixel_values_videos: ``(B, 1, 3, H, W)`` in [-0.5, 0.5], the equirectangular frame at the chunk's start;
                wanted by a network with the encoder ``"video"``, and by no other.
            flow_values: ``(B, 1, 3, H, W)``, right, down and magnitude in pixels per frame; as released, the
                first two have the opposite sign. Wanted by a network with the encoder ``"flow"``, and by no other.
            labels: ``(B, 3, samples)``, the recorded Y, Z and X of the chunk.
            channel_mask: ``(B, 3)``, False where a channel was not recorded; it does not count in the loss.
            use_running_stats: Taken from the configuration in evaluation by default, and never in training, where
                running statistics would then stay as they are.
            statistics_group: Neighbours in the batch that are normalised together, all by default: 10 is the released
                tool, 16 the released evaluation, 1 makes items independent.
            output_hidden_states: Whether to return the encoders' maps and the fused features; None takes the
                configuration's value.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: An input is missing or not wanted, or has a wrong shape.
        """
        config = self.config
        frames = self._frames(pixel_values_videos, flow_values)
        _check_shape("input_values", input_values, (1, config.window_samples))
        group = self._group(len(input_values), use_running_stats, statistics_group)
        sound, encoded = input_values[:, 0], config.encoded_frames
        chunk = sound[:, config.chunk_start : config.chunk_start + config.chunk_samples]
        begin, end = encoded.start * config.hop_length, (encoded.stop - 1) * config.hop_length + config.fft_size
        spectrum = self.spectrum(sound[:, begin:end])
        visual = {name: self.visual_encoders[name](values, group) for name, values in frames.items()}
        output = self.predict(chunk, spectrum, visual)
        if not (config.output_hidden_states if output_hidden_states is None else output_hidden_states):
            output = SpatialAudioGenOutput(**{name: v for name, v in output.items() if "hidden" not in name})
        if labels is not None:
            output["loss"] = ambisonics_loss(output.ambisonics, labels, config.loss_window, channel_mask)
        return output if return_dict in (None, True) else output.to_tuple()

    @torch.no_grad()
    def predict_consecutive(
        self,
        sound: torch.Tensor,
        pixel_values_videos: torch.Tensor | None = None,
        flow_values: torch.Tensor | None = None,
        batch_size: int = 10,
        use_running_stats: bool | None = None,
        statistics_group: int | None = None,
    ) -> torch.Tensor:
        """Predict N chunks that lie side by side, and compute what their windows share once.

        The result is that of ``forward`` on the windows, in batches of ``batch_size``. Frames that equal the one before
        are encoded once where chunks do not change each other, by running statistics or groups of one.

        Args:
            sound: ``(samples,)``, W from half a context before the first chunk to as much behind the last's start:
                52799 samples and 4800 for each chunk more.
            pixel_values_videos: ``(N, 3, H, W)``, a frame for each chunk; see ``forward``.
            flow_values: ``(N, 3, H, W)``.
            batch_size: Chunks that are computed together.
            use_running_stats: See ``forward``.
            statistics_group: See ``forward``; all of a batch by default.

        Returns:
            ``(3, N * samples)``: Y, Z and X.

        Raises:
            InvalidValueError: An input is missing or not wanted, or has a wrong shape.
        """
        config = self.config
        chunks = 1 + (len(sound) - config.window_samples) // config.chunk_samples
        if sound.ndim != 1 or chunks < 1:
            expected = f"(samples,), at least {config.window_samples}"
            raise InvalidValueError(explain("sound", f"shape {tuple(sound.shape)}", expected))
        one_each = [None if values is None else values[:, None] for values in (pixel_values_videos, flow_values)]
        frames = self._frames(*one_each)
        for name, values in frames.items():
            if len(values) != chunks:
                raise InvalidValueError(explain(f"frames of {name}", len(values), f"{chunks}, one for each chunk"))
        spectra = [self.spectrum(sound[start:]) for start in grid_starts(config)]
        pieces = sound[config.chunk_start :].unfold(0, config.chunk_samples, config.chunk_samples)
        predicted = []
        for first in range(0, chunks, batch_size):
            batch = slice(first, min(first + batch_size, chunks))
            count = batch.stop - batch.start
            group = self._group(count, use_running_stats, statistics_group)
            visual = {name: self._encoded(name, values[batch], group) for name, values in frames.items()}
            output = self.predict(pieces[batch], shared_spectra(spectra, first, count, config), visual)
            predicted.append(output.ambisonics)
        return torch.cat(predicted).transpose(0, 1).flatten(1)

    def _encoded(self, name: str, frames: torch.Tensor, group: int | None) -> tuple[torch.Tensor, ...]:
        """The last map of a visual encoder, computed once for frames that are equal and do not interact."""
        if group is not None and group > 1:
            return self.visual_encoders[name](frames, group)[-1:]
        some, places = distinct(frames)
        last = self.visual_encoders[name](some, group)[-1]
        return (last if len(some) == len(frames) else last[places],)

    def predict(
        self, chunk: torch.Tensor, spectrum: torch.Tensor, visual: dict[str, tuple[torch.Tensor, ...]]
    ) -> SpatialAudioGenOutput:
        """Predict from chunks ``(B, samples)``, the encoded frames of their spectra, and maps of visual encoders.

        The output holds all hidden states.
        """
        heard = self.audio_encoder(_all_bins(spectrum.abs()).to(chunk.dtype)[:, None])
        fused = self.fusion(heard[-1], {name: maps[-1] for name, maps in visual.items()})
        weights, biases = self.localization(fused)
        placed = self.separation(chunk, spectrum, heard, fused, weights, biases)
        return SpatialAudioGenOutput(
            **placed._asdict(),
            weights=weights,
            biases=biases,
            audio_hidden_states=heard,
            fused_hidden_state=fused,
            **{f"{name}_hidden_states": maps for name, maps in visual.items()},
        )

    def _frames(self, pixels: torch.Tensor | None, flow: torch.Tensor | None) -> dict[str, torch.Tensor]:
        """Frames ``(B, 3, H, W)`` of each visual encoder, in order."""
        frames = {}
        for encoder, name, values in (("video", "pixel_values_videos", pixels), ("flow", "flow_values", flow)):
            wanted = encoder in self.visual_encoders
            if wanted != (values is not None):
                got, expected = ("nothing", "a tensor") if wanted else ("a tensor", "None")
                reason = f"{expected}, as the network's encoders are {self.config.encoders}"
                raise InvalidValueError(explain(name, got, reason))
            if wanted:
                _check_shape(name, values, (1, 3, *self.config.image_size))
                frames[encoder] = values[:, 0]
        return frames

    def _group(self, batch: int, use_running_stats: bool | None, statistics_group: int | None) -> int | None:
        """How many items are normalised together; None where running statistics do it."""
        by_default = self.config.use_running_stats and not self.training
        running = by_default if use_running_stats is None else use_running_stats
        if self._folded and self.config.use_running_stats and not running:
            expected = "running statistics, which optimize_for_inference() made part of the weights"
            raise InvalidValueError(
                explain("normalisation", "statistics of the batch", expected, "Load the model again.")
            )
        if running:
            return None
        group = batch if statistics_group is None else statistics_group
        if group < 1 or batch % group:
            expected = f"a positive number that divides the batch ({batch})"
            raise InvalidValueError(explain("statistics_group", group, expected))
        return group


def _check_shape(name: str, values: torch.Tensor, expected: tuple[int, ...]) -> None:
    if values.shape[1:] != expected:
        rule = f"(batch, {', '.join(map(str, expected))})"
        raise InvalidValueError(explain(name, f"shape {tuple(values.shape)}", rule, "Use SpatialAudioGenProcessor."))


def _all_bins(magnitude: torch.Tensor) -> torch.Tensor:
    """Put the mirror image behind the half ``(..., bins / 2 + 1)`` that a real sound's magnitudes have."""
    return torch.cat([magnitude, magnitude[..., 1:-1].flip(-1)], -1)
