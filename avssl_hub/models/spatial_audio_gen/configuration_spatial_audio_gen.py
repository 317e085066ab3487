"""Configuration of the spatial_audio_gen family (Morgado et al., NeurIPS 2018, arXiv 1809.02587)."""

import math
from collections.abc import Iterable, Sequence

from transformers import PreTrainedConfig

from .._rules import check_fields

ENCODERS = ("audio", "video", "flow")
SEPARATIONS = ("unet_mask", "none")
# A spectrogram's frames overlap four times.
OVERLAP = 4


class SpatialAudioGenConfig(PreTrainedConfig):
    """Architecture of the network; the defaults are the paper's full model.

    The paper's other models are options of it: ``encoders=("audio", "video")`` (no flow), ``("audio", "flow")`` (no
    picture), ``("audio",)`` (no video) and ``separation="none"``.

    Args:
        encoders: What the network takes: ``"audio"`` always, with ``"video"``, ``"flow"`` or both.
        separation: ``"unet_mask"`` cuts the sound into tracks; ``"none"`` takes it as the only one.
        num_tracks: Tracks that the sound is cut into; None is 32, and 1 without separation.
        sampling_rate: Samples per second.
        context_samples: Length of the sound around a chunk's start, half of it before.
        chunk_samples: Length of a predicted chunk.
        fft_size: Length of the spectrogram's windows and transforms; a quarter of it lies between them.
        audio_hidden_sizes: Channels of the sound encoder's layers.
        audio_kernel_sizes: Their kernels in time and frequency.
        audio_strides: Their strides in time and frequency.
        image_size: Height and width of frames.
        video_hidden_sizes: Channels of the visual encoders' four stages.
        fusion_audio_size: Features of the sound at the fusion, for each step in time.
        fusion_visual_size: Features there of the picture, and of the flow.
        fusion_reduced_size: Channels that visual maps are reduced to before they are flattened.
        localization_hidden_sizes: Sizes of the layers before the weights of the tracks.
        separation_condition_size: Features that the u-net hears of the fusion.
        batch_norm_eps: Added to the variance in the visual encoders' batch normalisations.
        batch_norm_momentum: Weight of a new batch in the running statistics.
        use_running_stats: Whether evaluation normalises by running statistics. False is the released behaviour: by
            those of the batch itself, so that a prediction depends on what it is computed together with. Released
            weights never saw their running statistics, and their output changes with them.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_type = "spatial_audio_gen"

    def __init__(
        self,
        encoders: Sequence[str] = ENCODERS,
        separation: str = "unet_mask",
        num_tracks: int | None = None,
        sampling_rate: int = 48000,
        context_samples: int = 48000,
        chunk_samples: int = 4800,
        fft_size: int = 1024,
        audio_hidden_sizes: Sequence[int] = (32, 64, 128, 256, 512),
        audio_kernel_sizes: Sequence[Sequence[int]] = ((7, 16), (3, 7), (3, 5), (3, 5), (3, 5)),
        audio_strides: Sequence[Sequence[int]] = ((4, 8), (2, 4), (2, 2), (1, 1), (1, 1)),
        image_size: Sequence[int] = (224, 448),
        video_hidden_sizes: Sequence[int] = (64, 128, 256, 512),
        fusion_audio_size: int = 1024,
        fusion_visual_size: int = 512,
        fusion_reduced_size: int = 128,
        localization_hidden_sizes: Sequence[int] = (512, 512),
        separation_condition_size: int = 512,
        batch_norm_eps: float = 1e-3,
        batch_norm_momentum: float = 0.01,
        use_running_stats: bool = False,
        **kwargs,
    ):
        self.encoders = list(encoders)
        self.separation = separation
        self.num_tracks = (1 if separation == "none" else 32) if num_tracks is None else num_tracks
        self.sampling_rate = sampling_rate
        self.context_samples = context_samples
        self.chunk_samples = chunk_samples
        self.fft_size = fft_size
        self.audio_hidden_sizes = list(audio_hidden_sizes)
        self.audio_kernel_sizes = [list(size) for size in audio_kernel_sizes]
        self.audio_strides = [list(stride) for stride in audio_strides]
        self.image_size = list(image_size)
        self.video_hidden_sizes = list(video_hidden_sizes)
        self.fusion_audio_size = fusion_audio_size
        self.fusion_visual_size = fusion_visual_size
        self.fusion_reduced_size = fusion_reduced_size
        self.localization_hidden_sizes = list(localization_hidden_sizes)
        self.separation_condition_size = separation_condition_size
        self.batch_norm_eps = batch_norm_eps
        self.batch_norm_momentum = batch_norm_momentum
        self.use_running_stats = use_running_stats
        self._check()
        super().__init__(**kwargs)

    @property
    def window_samples(self) -> int:
        """Samples of sound that one chunk is predicted from: 52799."""
        return self.context_samples + self.chunk_samples - 1

    @property
    def chunk_start(self) -> int:
        """Where in them the chunk begins: 24000."""
        return self.context_samples // 2

    @property
    def hop_length(self) -> int:
        """Samples between the spectrogram's frames: 256."""
        return self.fft_size // OVERLAP

    @property
    def loss_window(self) -> int:
        """Samples in a window of the loss: 2048, as the authors round 1200 up here and to the nearest above."""
        return 2 * self.fft_size

    @property
    def window_frames(self) -> int:
        """Frames of the window's whole spectrogram: 200."""
        return OVERLAP * (self.window_samples // self.fft_size - 1)

    @property
    def encoded_frames(self) -> range:
        """Frames of it that the sound encoder sees, 46 to 172: its receptive field around the chunk and a little."""
        stride = math.prod(stride for stride, _ in self.audio_strides)
        field = 1
        for (kernel, _), (step, _) in zip(reversed(self.audio_kernel_sizes), reversed(self.audio_strides)):
            field = (field - 1) * step + kernel
        reach = (field - 1) / 2
        first = int(self.chunk_start / self.hop_length - reach)
        last = int((self.chunk_start + self.chunk_samples) / self.hop_length + reach)
        steps = -(-(last - first - field) // stride)
        return range(first, first + field + steps * stride)

    @property
    def masked_frames(self) -> range:
        """Frames of it that masks are made for, 89 to 116."""
        first = (self.chunk_start - self.fft_size) // self.hop_length
        end = -(-(self.chunk_start + self.chunk_samples + self.fft_size) // self.hop_length)
        return range(first, end)

    @property
    def audio_map_sizes(self) -> list[tuple[int, int]]:
        """Time and frequency of what the sound encoder sees and of each of its layers' outputs."""
        sizes = [(len(self.encoded_frames), self.fft_size)]
        for kernel, stride in zip(self.audio_kernel_sizes, self.audio_strides):
            sizes.append(tuple((size - k) // s + 1 for size, k, s in zip(sizes[-1], kernel, stride)))
        return sizes

    @property
    def num_steps(self) -> int:
        """Steps in time within a chunk at each of which sound is placed anew: 3."""
        return self.audio_map_sizes[-1][0]

    @property
    def visual_map_size(self) -> tuple[int, int]:
        """Height and width of the visual encoders' last map: 7 x 14."""
        height, width = (-(-size // 32) for size in self.image_size)
        return height, width

    def _check(self) -> None:
        positive = "a positive integer"
        layers = len(self.audio_hidden_sizes)
        per_layer = f"two positive integers for each of the {layers} audio_hidden_sizes"
        alone = self.separation == "none"
        check_fields(
            self,
            {
                "encoders": (
                    "audio" in self.encoders and self.encoders == [name for name in ENCODERS if name in self.encoders],
                    f"'audio' and any more of {ENCODERS}, in this order",
                ),
                "separation": (self.separation in SEPARATIONS, f"one of {SEPARATIONS}"),
                "num_tracks": (self.num_tracks == 1 if alone else self.num_tracks > 0, "1" if alone else positive),
                "sampling_rate": (self.sampling_rate > 0, positive),
                "fft_size": (self.fft_size > 0 and self.fft_size % OVERLAP == 0, f"a multiple of {OVERLAP}"),
                "audio_hidden_sizes": (layers > 0 and _positive(self.audio_hidden_sizes), "positive integers"),
                "audio_kernel_sizes": (_pairs(self.audio_kernel_sizes, layers), per_layer),
                "audio_strides": (_pairs(self.audio_strides, layers), per_layer),
                "image_size": (len(self.image_size) == 2 and _positive(self.image_size), "two positive integers"),
                "video_hidden_sizes": (
                    len(self.video_hidden_sizes) == 4 and _positive(self.video_hidden_sizes),
                    "four positive integers",
                ),
                "fusion_audio_size": (self.fusion_audio_size > 0, positive),
                "fusion_visual_size": (self.fusion_visual_size > 0, positive),
                "fusion_reduced_size": (self.fusion_reduced_size > 0, positive),
                "localization_hidden_sizes": (_positive(self.localization_hidden_sizes), "positive integers"),
                "separation_condition_size": (self.separation_condition_size > 0, positive),
                "batch_norm_eps": (self.batch_norm_eps > 0, "a positive number"),
                "batch_norm_momentum": (0 < self.batch_norm_momentum <= 1, "a number in (0, 1]"),
            },
        )
        frames, masked, sizes = self.encoded_frames, self.masked_frames, self.audio_map_sizes
        check_fields(
            self,
            {
                "context_samples": (
                    frames.start >= 0 and frames.stop <= self.window_frames,
                    f"enough for the sound encoder's {len(frames)} frames around the chunk",
                ),
                "audio_strides": (
                    all(
                        (size - k) % s == 0
                        for before, kernel, stride in zip(sizes, self.audio_kernel_sizes, self.audio_strides)
                        for size, k, s in zip(before, kernel, stride)
                    )
                    and min(sizes[-1]) > 0,
                    f"kernels and strides that fit without rest into {sizes[0][0]} frames of {self.fft_size} bins",
                ),
                "chunk_samples": (
                    self.chunk_samples > 0 and self.chunk_samples % sizes[-1][0] == 0,
                    f"a multiple of the {sizes[-1][0]} steps in time that the sound encoder leaves",
                ),
                "audio_kernel_sizes": (
                    frames.start <= masked.start and masked.stop <= frames.stop,
                    "a receptive field in time that holds all frames that are masked",
                ),
            },
        )


def _positive(sizes: Iterable[int]) -> bool:
    return all(isinstance(size, int) and size > 0 for size in sizes)


def _pairs(sizes: list[list[int]], count: int) -> bool:
    return len(sizes) == count and all(len(size) == 2 and _positive(size) for size in sizes)
