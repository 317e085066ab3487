"""Configuration of the AVID family (Morgado, Vasconcelos, Misra, CVPR 2021, arXiv 2004.12943)."""

from collections.abc import Sequence

from transformers import PreTrainedConfig

from .._rules import check_fields
from .._tower_configuration import BLOCKS_PER_STAGE, tower_rules

FEATURE_NAMES = ("conv1", "conv2x", "conv3x", "conv4x", "conv5x", "pool")


class AvidConfig(PreTrainedConfig):
    """Architecture of the two towers and their heads; the defaults are the paper's main network.

    The ablation networks ("Small", 112 pixel crops) are ``AvidConfig.ablation()``.

    Args:
        video_depth: Depth of the R(2+1)D tower: 10, 18 or 34.
        video_stem_pool: Whether a spatial max pool follows the first convolution.
        video_hidden_sizes: Channels of the stem and first stage, then of stages two to four.
        video_num_channels: Channels of a frame.
        audio_hidden_sizes: Channels of the four blocks; the stem has those of the first.
        audio_strides: Stride of each block's first convolution, in time and frequency alike.
        audio_num_channels: Channels of the spectrogram.
        projection_sizes: Widths of the heads' linear layers with ReLU between them; an int is one linear
            layer; None leaves the heads out, so that the embeddings are the pooled features.
        batch_norm_eps: Added to the variance in every batch normalisation.
        batch_norm_momentum: Weight of a new batch in the running statistics.
        classifier_dropout: Dropout before the classifier of the classification models (section 11.1).
        probe_features: Features the linear probe reads, each with a classifier of its own (section 11.2).
        probe_grid_sizes: Side of the grid each probed feature is max-pooled to; 1 for ``pool``.
        probe_frozen_batch_norm: Whether the probed tower keeps its running statistics while the probe
            trains. False is the released behaviour: batch statistics are used and the running ones drift.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_type = "avid"

    def __init__(
        self,
        video_depth: int = 18,
        video_stem_pool: bool = True,
        video_hidden_sizes: Sequence[int] = (64, 128, 256, 512),
        video_num_channels: int = 3,
        audio_hidden_sizes: Sequence[int] = (64, 128, 256, 512),
        audio_strides: Sequence[int] = (2, 2, 2, 1),
        audio_num_channels: int = 1,
        projection_sizes: Sequence[int] | int | None = (512, 512, 128),
        batch_norm_eps: float = 1e-5,
        batch_norm_momentum: float = 0.1,
        classifier_dropout: float = 0.5,
        probe_features: Sequence[str] = ("conv2x", "conv3x", "conv4x", "conv5x"),
        probe_grid_sizes: Sequence[int] = (12, 8, 6, 4),
        probe_frozen_batch_norm: bool = False,
        **kwargs,
    ):
        self.video_depth = video_depth
        self.video_stem_pool = video_stem_pool
        self.video_hidden_sizes = list(video_hidden_sizes)
        self.video_num_channels = video_num_channels
        self.audio_hidden_sizes = list(audio_hidden_sizes)
        self.audio_strides = list(audio_strides)
        self.audio_num_channels = audio_num_channels
        self.projection_sizes = list(projection_sizes) if isinstance(projection_sizes, Sequence) else projection_sizes
        self.batch_norm_eps = batch_norm_eps
        self.batch_norm_momentum = batch_norm_momentum
        self.classifier_dropout = classifier_dropout
        self.probe_features = list(probe_features)
        self.probe_grid_sizes = list(probe_grid_sizes)
        self.probe_frozen_batch_norm = probe_frozen_batch_norm
        self._check()
        super().__init__(**kwargs)

    @classmethod
    def ablation(cls, **kwargs) -> "AvidConfig":
        """The small network of the paper's ablations: depth 10, no stem pool, first audio stride 1."""
        return cls(video_depth=10, video_stem_pool=False, audio_strides=(1, 2, 2, 1), **kwargs)

    @property
    def video_blocks(self) -> tuple[int, ...]:
        """Residual blocks in each of the four video stages."""
        return BLOCKS_PER_STAGE[self.video_depth]

    @property
    def projection_widths(self) -> list[int]:
        """Output widths of the heads' linear layers; empty without heads."""
        if self.projection_sizes is None:
            return []
        return [self.projection_sizes] if isinstance(self.projection_sizes, int) else self.projection_sizes

    def _check(self) -> None:
        rules = tower_rules(self) | {
            "projection_sizes": (
                all(isinstance(width, int) and width > 0 for width in self.projection_widths),
                "a positive integer, a list of them, or None",
            ),
            "probe_features": (
                set(self.probe_features) <= set(FEATURE_NAMES),
                f"names among {FEATURE_NAMES}",
            ),
            "probe_grid_sizes": (
                len(self.probe_grid_sizes) == len(self.probe_features),
                f"one size for each of the {len(self.probe_features)} probe_features",
            ),
        }
        check_fields(self, rules)
