"""Configuration of the AVSA family (Morgado, Li, Vasconcelos, NeurIPS 2020, arXiv 2011.01819)."""

from collections.abc import Sequence

from transformers import PreTrainedConfig

from .._rules import check_fields
from .._tower_configuration import BLOCKS_PER_STAGE, tower_rules

OBJECTIVES = ("easy+hard", "hard", "avc", "instdisc")
CONDITIONS = (None, "audio", "audio+context")


class AvsaConfig(PreTrainedConfig):
    """Architecture of the two towers, the translations between them and the heads; the defaults are the release's.

    The first phase of the curriculum, which has no translations, is ``AvsaConfig.instance_discrimination()``.

    Args:
        video_depth: Depth of the R(2+1)D tower: 10, 18 or 34.
        video_stem_pool: Whether a spatial max pool follows the first convolution.
        video_hidden_sizes: Channels of the stem and first stage, then of stages two to four.
        video_num_channels: Channels of a frame.
        num_frames: Frames of a clip; segmentation learns a weight for each place in time.
        audio_hidden_sizes: Channels of the four blocks; the stem has those of the first.
        audio_strides: Stride of each block's first convolution, in time and frequency alike.
        audio_num_channels: Channels of the sound: four of first-order ambisonics, or what the processor's ``hearing``
            makes of them.
        batch_norm_eps: Added to the variance in every batch normalisation.
        batch_norm_momentum: Weight of a new batch in the running statistics.
        translation_depth: Layers of each transformer from one modality's features to the other's; with 0 the
            features stand for their own translation.
        translation_context: Whether a view's translation attends to the other views. False puts a second
            feed-forward block in the place of attention (the paper's "mlp").
        translation_intermediate_size: Width inside the feed-forward blocks.
        translation_dropout: Dropout after attention and after feed-forward blocks.
        layer_norm_eps: Added to the variance in the layer normalisations.
        objective: What ``AvsaForPreTraining`` minimises: ``"easy+hard"`` tells a view from the other views of its
            sample and from other samples, ``"hard"`` from the former alone, ``"avc"`` tells samples apart by their best
            views; ``"instdisc"`` tells samples apart without translations.
        projection_size: Size of the embeddings that are compared.
        contrast_temperature: Divisor of their cosines.
        classifier_dropout: Dropout before the classifier of actions.
        matching_hidden_size: Hidden width of the classifiers of correspondence and of spatial alignment.
        matching_translation: Whether these see the sound translated from the picture in the place of the picture.
        segmentation_condition: What joins the picture's last map in segmentation: None, ``"audio"``, or
            ``"audio+context"``, the sound beside both translations.
        segmentation_hidden_size: Channels of the feature pyramid.
        segmentation_branch_size: Channels of its semantic branches.
        segmentation_norm_groups: Groups of channels that the branches' normalisation takes together.
        semantic_loss_ignore_index: Label of pixels without a class.
        segmentation_frozen_statistics: Whether the frozen towers and translations stay in evaluation mode while the
            head trains. False is the released behaviour: batch statistics and dropout act, and the running ones drift.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    model_type = "avsa"

    def __init__(
        self,
        video_depth: int = 18,
        video_stem_pool: bool = False,
        video_hidden_sizes: Sequence[int] = (64, 128, 256, 512),
        video_num_channels: int = 3,
        num_frames: int = 8,
        audio_hidden_sizes: Sequence[int] = (64, 128, 256, 512),
        audio_strides: Sequence[int] = (1, 2, 2, 1),
        audio_num_channels: int = 4,
        batch_norm_eps: float = 1e-5,
        batch_norm_momentum: float = 0.1,
        translation_depth: int = 2,
        translation_context: bool = True,
        translation_intermediate_size: int = 2048,
        translation_dropout: float = 0.1,
        layer_norm_eps: float = 1e-5,
        objective: str = "easy+hard",
        projection_size: int = 128,
        contrast_temperature: float = 0.07,
        classifier_dropout: float = 0.5,
        matching_hidden_size: int = 512,
        matching_translation: bool = False,
        segmentation_condition: str | None = None,
        segmentation_hidden_size: int = 256,
        segmentation_branch_size: int = 128,
        segmentation_norm_groups: int = 32,
        semantic_loss_ignore_index: int = 255,
        segmentation_frozen_statistics: bool = False,
        **kwargs,
    ):
        self.video_depth = video_depth
        self.video_stem_pool = video_stem_pool
        self.video_hidden_sizes = list(video_hidden_sizes)
        self.video_num_channels = video_num_channels
        self.num_frames = num_frames
        self.audio_hidden_sizes = list(audio_hidden_sizes)
        self.audio_strides = list(audio_strides)
        self.audio_num_channels = audio_num_channels
        self.batch_norm_eps = batch_norm_eps
        self.batch_norm_momentum = batch_norm_momentum
        self.translation_depth = translation_depth
        self.translation_context = translation_context
        self.translation_intermediate_size = translation_intermediate_size
        self.translation_dropout = translation_dropout
        self.layer_norm_eps = layer_norm_eps
        self.objective = objective
        self.projection_size = projection_size
        self.contrast_temperature = contrast_temperature
        self.classifier_dropout = classifier_dropout
        self.matching_hidden_size = matching_hidden_size
        self.matching_translation = matching_translation
        self.segmentation_condition = segmentation_condition
        self.segmentation_hidden_size = segmentation_hidden_size
        self.segmentation_branch_size = segmentation_branch_size
        self.segmentation_norm_groups = segmentation_norm_groups
        self.semantic_loss_ignore_index = semantic_loss_ignore_index
        self.segmentation_frozen_statistics = segmentation_frozen_statistics
        self._check()
        super().__init__(**kwargs)

    @classmethod
    def instance_discrimination(cls, **kwargs) -> "AvsaConfig":
        """The first phase of the curriculum: whole samples are told apart, by heads on the towers alone."""
        return cls(objective="instdisc", translation_depth=0, **kwargs)

    @property
    def video_blocks(self) -> tuple[int, ...]:
        """Residual blocks in each of the four video stages."""
        return BLOCKS_PER_STAGE[self.video_depth]

    @property
    def hidden_size(self) -> int:
        """Size of both towers' pooled features."""
        return self.video_hidden_sizes[-1]

    @property
    def stage_frames(self) -> tuple[int, ...]:
        """Frames that the maps of the four video stages have."""
        return tuple(-(-self.num_frames // 2**stage) for stage in range(4))

    def _check(self) -> None:
        check_fields(self, tower_rules(self))
        groups = self.segmentation_norm_groups
        rules = {
            "num_frames": (self.num_frames > 0, "a positive integer"),
            "audio_hidden_sizes": (
                self.audio_hidden_sizes[-1:] == self.video_hidden_sizes[-1:],
                f"the last as large as the last of video_hidden_sizes {self.video_hidden_sizes}",
            ),
            "translation_depth": (
                self.translation_depth == 0 or (self.translation_depth > 0 and self.objective != "instdisc"),
                "an integer of at least 0, and 0 with the objective 'instdisc'",
            ),
            "translation_intermediate_size": (self.translation_intermediate_size > 0, "a positive integer"),
            "translation_dropout": (0 <= self.translation_dropout < 1, "a number in [0, 1)"),
            "layer_norm_eps": (self.layer_norm_eps > 0, "a positive number"),
            "objective": (self.objective in OBJECTIVES, f"one of {', '.join(map(repr, OBJECTIVES))}"),
            "projection_size": (self.projection_size > 0, "a positive integer"),
            "contrast_temperature": (self.contrast_temperature > 0, "a positive number"),
            "matching_hidden_size": (self.matching_hidden_size > 0, "a positive integer"),
            "segmentation_condition": (
                self.segmentation_condition in CONDITIONS,
                f"one of {', '.join(map(repr, CONDITIONS))}",
            ),
            "segmentation_hidden_size": (self.segmentation_hidden_size > 0, "a positive integer"),
            "segmentation_norm_groups": (groups > 0, "a positive integer"),
            "segmentation_branch_size": (
                self.segmentation_branch_size > 0 and groups > 0 and self.segmentation_branch_size % groups == 0,
                f"a positive multiple of segmentation_norm_groups ({groups})",
            ),
        }
        check_fields(self, rules)
