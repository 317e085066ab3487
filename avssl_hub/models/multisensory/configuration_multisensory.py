"""Configuration of the multisensory family (Owens and Efros, ECCV 2018, arXiv 1804.03641)."""

from collections.abc import Sequence
from math import prod

from transformers import PreTrainedConfig

from .._rules import check_fields

LOSSES = ("on_off", "permutation_invariant")
CHANNELS = ("first", "mean")


class MultisensoryConfig(PreTrainedConfig):
    """Architecture of the audio-visual network and of the u-net beside it; the defaults are the pretext network's.

    The paper's other networks are ``MultisensoryConfig.localization()``, ``.recognition()``, ``.separation()`` and
    ``.blind_separation()``; the variants of the separation network are options of the third: ``mono_sound=True``,
    ``static_video=True``, ``use_sound=False`` (no early fusion) and
    ``separation_losses=("on_off", "permutation_invariant")``.

    Args:
        video_num_channels: Channels of a frame.
        audio_num_channels: Channels of the sound.
        video_hidden_sizes: Channels of stages two to five; the first convolution has those of stage two.
        audio_hidden_sizes: Channels of the sound branch's five stages.
        fusion_hidden_size: Channels between the two layers of the fusion.
        last_stage_stride: Spatial stride of the last stage; 1 doubles the resolution of the activation map.
        use_sound: False puts zeros in the place of the sound at the fusion.
        mono_sound: Whether the network hears the mean of the channels in each of them.
        static_video: Whether the network sees the middle frame only, repeated.
        batch_norm_scale: Whether the network's batch normalisations learn a scale; the u-net's always do.
        batch_norm_eps: Added to the variance in the network's batch normalisations.
        batch_norm_momentum: Weight of a new batch in all running statistics.
        renorm_momentum: Weight of a new batch in the averages of batch renormalisation.
        classifier_dropout: Dropout of the last features before the action classifier.
        fft_size: Length of the separation's Fourier transform, in samples.
        frame_length: Length of its frames in samples, 64 ms.
        hop_length: Samples between frames, 16 ms.
        min_level: Level in decibels that the u-net sees as -1.
        max_level: Level in decibels that the u-net sees as 1.
        unet_hidden_sizes: Channels of the u-net's encoder layers.
        unet_time_strides: Stride of each in time; all have stride 2 in frequency.
        unet_video_layers: The three encoder layers after which video features of growing depth come in.
        unet_batch_norm_eps: Added to the variance in the u-net's batch normalisations.
        separation_losses: What separation is trained by: ``"on_off"``, ``"permutation_invariant"`` or their sum.
        phase_weight: Weight of the phase beside the level in these losses.
        mixture_channel: What the mixture's spectrogram is made from in evaluation: the ``"first"`` channel, as in
            the released tools, or the ``"mean"``, as always in training.
        normalize_gain: Whether separated sound is divided by the gain of the inverse transform, 1.5 in the paper's
            network. False is the released behaviour: everything comes out by so much louder.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_type = "multisensory"

    def __init__(
        self,
        video_num_channels: int = 3,
        audio_num_channels: int = 2,
        video_hidden_sizes: Sequence[int] = (64, 128, 256, 512),
        audio_hidden_sizes: Sequence[int] = (64, 128, 128, 256, 128),
        fusion_hidden_size: int = 512,
        last_stage_stride: int = 2,
        use_sound: bool = True,
        mono_sound: bool = False,
        static_video: bool = False,
        batch_norm_scale: bool = False,
        batch_norm_eps: float = 1e-3,
        batch_norm_momentum: float = 3e-4,
        renorm_momentum: float = 0.01,
        classifier_dropout: float = 0.0,
        fft_size: int = 2048,
        frame_length: int = 1344,
        hop_length: int = 336,
        min_level: float = -100.0,
        max_level: float = 80.0,
        unet_hidden_sizes: Sequence[int] = (64, 128, 256, 512, 512, 512, 512, 512, 512),
        unet_time_strides: Sequence[int] = (1, 1, 2, 2, 2, 2, 2, 2, 2),
        unet_video_layers: Sequence[int] = (2, 3, 4),
        unet_batch_norm_eps: float = 1e-5,
        separation_losses: Sequence[str] = ("on_off",),
        phase_weight: float = 0.01,
        mixture_channel: str = "first",
        normalize_gain: bool = False,
        **kwargs,
    ):
        self.video_num_channels = video_num_channels
        self.audio_num_channels = audio_num_channels
        self.video_hidden_sizes = list(video_hidden_sizes)
        self.audio_hidden_sizes = list(audio_hidden_sizes)
        self.fusion_hidden_size = fusion_hidden_size
        self.last_stage_stride = last_stage_stride
        self.use_sound = use_sound
        self.mono_sound = mono_sound
        self.static_video = static_video
        self.batch_norm_scale = batch_norm_scale
        self.batch_norm_eps = batch_norm_eps
        self.batch_norm_momentum = batch_norm_momentum
        self.renorm_momentum = renorm_momentum
        self.classifier_dropout = classifier_dropout
        self.fft_size = fft_size
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.min_level = min_level
        self.max_level = max_level
        self.unet_hidden_sizes = list(unet_hidden_sizes)
        self.unet_time_strides = list(unet_time_strides)
        self.unet_video_layers = list(unet_video_layers)
        self.unet_batch_norm_eps = unet_batch_norm_eps
        self.separation_losses = list(separation_losses)
        self.phase_weight = phase_weight
        self.mixture_channel = mixture_channel
        self.normalize_gain = normalize_gain
        self._check()
        super().__init__(**kwargs)

    @classmethod
    def localization(cls, **kwargs) -> "MultisensoryConfig":
        """The pretext network with an activation map of twice the resolution."""
        return cls(last_stage_stride=1, **kwargs)

    @classmethod
    def recognition(cls, **kwargs) -> "MultisensoryConfig":
        """The network that is fine-tuned on actions."""
        return cls(batch_norm_scale=True, **kwargs)

    @classmethod
    def separation(cls, **kwargs) -> "MultisensoryConfig":
        """The network that separates on-screen from off-screen sound."""
        return cls(batch_norm_scale=True, **kwargs)

    @classmethod
    def blind_separation(cls, **kwargs) -> "MultisensoryConfig":
        """The u-net that separates two voices without a picture."""
        return cls(separation_losses=("permutation_invariant",), **kwargs)

    @property
    def spectrogram_frames_multiple(self) -> int:
        """The number of spectrogram frames has to be a multiple of this."""
        return prod(self.unet_time_strides)

    @property
    def sound_past_fusion(self) -> int:
        """Channels of sound that pass by the fusion's layers, which fill those of the picture up to its output's."""
        return self.video_hidden_sizes[1] - self.video_hidden_sizes[0]

    def _check(self) -> None:
        positive = "a positive number"
        layers = len(self.unet_hidden_sizes)
        rules = {
            "video_num_channels": (self.video_num_channels > 0, "a positive integer"),
            "audio_num_channels": (self.audio_num_channels > 0, "a positive integer"),
            "video_hidden_sizes": (_positive(self.video_hidden_sizes, 4), "four positive integers"),
            "audio_hidden_sizes": (
                _positive(self.video_hidden_sizes, 4)
                and _positive(self.audio_hidden_sizes, 5)
                and 0 < self.sound_past_fusion <= self.audio_hidden_sizes[-1],
                "five positive integers, the last at least what the second of video_hidden_sizes has over the first",
            ),
            "fusion_hidden_size": (self.fusion_hidden_size > 0, "a positive integer"),
            "last_stage_stride": (self.last_stage_stride in (1, 2), "1 or 2"),
            "batch_norm_eps": (self.batch_norm_eps > 0, positive),
            "batch_norm_momentum": (0 < self.batch_norm_momentum <= 1, "a number in (0, 1]"),
            "renorm_momentum": (0 < self.renorm_momentum <= 1, "a number in (0, 1]"),
            "classifier_dropout": (0 <= self.classifier_dropout < 1, "a number in [0, 1)"),
            "unet_hidden_sizes": (layers > 0 and _positive(self.unet_hidden_sizes, layers), "positive integers"),
            "unet_time_strides": (
                len(self.unet_time_strides) == layers and set(self.unet_time_strides) <= {1, 2},
                f"1 or 2 for each of the {layers} unet_hidden_sizes",
            ),
            "unet_video_layers": (
                len(set(self.unet_video_layers)) == 3 and set(self.unet_video_layers) <= set(range(layers - 1)),
                f"three different numbers of layers before the last of {layers}",
            ),
            "unet_batch_norm_eps": (self.unet_batch_norm_eps > 0, positive),
            "frame_length": (0 < self.frame_length <= self.fft_size, f"from 1 to fft_size ({self.fft_size})"),
            "fft_size": (
                self.fft_size > 0 and self.fft_size % 2 ** (layers + 1) == 0,
                f"a multiple of {2 ** (layers + 1)}, so that the u-net can halve the bins {layers} times",
            ),
            "hop_length": (0 < self.hop_length <= self.frame_length, f"from 1 to frame_length ({self.frame_length})"),
            "max_level": (self.max_level > self.min_level, f"above min_level ({self.min_level})"),
            "separation_losses": (
                len(self.separation_losses) > 0 and set(self.separation_losses) <= set(LOSSES),
                f"one or more of {LOSSES}",
            ),
            "phase_weight": (self.phase_weight >= 0, "zero or a positive number"),
            "mixture_channel": (self.mixture_channel in CHANNELS, f"one of {CHANNELS}"),
        }
        check_fields(self, rules)


def _positive(sizes: list[int], count: int) -> bool:
    return len(sizes) == count and all(isinstance(size, int) and size > 0 for size in sizes)
