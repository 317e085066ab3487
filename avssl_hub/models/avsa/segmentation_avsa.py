"""What is where in a view: a feature pyramid on frozen features (section 4.3 and the supplement, as released)."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.utils import ModelOutput

from ...errors import InvalidValueError, explain
from ...layers.audio_tower import AudioTower
from ...layers.video_tower import VideoTower
from .configuration_avsa import AvsaConfig
from .modeling_avsa import AvsaOnFrozenTowers, as_views
from .translation_avsa import AvsaTranslation

# Spread of the pyramid's first weights.
PYRAMID_STD = 0.001


@dataclass
class AvsaSegmentationOutput(ModelOutput):
    """What ``AvsaForSemanticSegmentation`` returns; the axis of views K is there if the inputs have it.

    Attributes:
        loss: Mean cross-entropy over the pixels that have a class, when labels were given; 0 where none has.
        logits: ``(B, [K,] num_labels, H, W)``, at the size of the frames.
        coarse_logits: ``(B, [K,] num_labels, H / 2, W / 2)``, as the pyramid gives them.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    coarse_logits: torch.FloatTensor | None = None


class AvsaTimePool(nn.Module):
    """A learned weight for each frame: ``(N, C, T, H, W)`` to ``(N, C, H, W)``."""

    def __init__(self, frames: int):
        super().__init__()
        self.weight = nn.Parameter(torch.full((1, 1, frames, 1, 1), 1 / frames))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return (hidden * self.weight).sum(2)


class AvsaPyramidConv(nn.Conv2d):
    """A convolution that keeps the size, and starts near zero."""

    def __init__(self, in_channels: int, channels: int, kernel_size: int, bias: bool = True):
        super().__init__(in_channels, channels, kernel_size, padding="same", bias=bias)


class AvsaPyramidStep(nn.Module):
    def __init__(self, config: AvsaConfig, in_channels: int):
        super().__init__()
        self.conv = AvsaPyramidConv(in_channels, config.segmentation_branch_size, 3, bias=False)
        self.norm = nn.GroupNorm(config.segmentation_norm_groups, config.segmentation_branch_size)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(hidden)))


class AvsaPyramid(nn.Module):
    """Panoptic feature pyramid without instances: maps of the four stages to classes at the finest one's size."""

    def __init__(self, config: AvsaConfig, condition_size: int):
        super().__init__()
        size, branch_size = config.segmentation_hidden_size, config.segmentation_branch_size
        widths = [*config.video_hidden_sizes[:-1], config.hidden_size + condition_size]
        self.time_pools = nn.ModuleList(AvsaTimePool(frames) for frames in config.stage_frames)
        self.laterals = nn.ModuleList(AvsaPyramidConv(width, size, 1) for width in widths)
        self.outputs = nn.ModuleList(AvsaPyramidConv(size, size, 3) for _ in widths)
        # A step for each level that a branch has to rise, and one for the branch that is at the top already.
        self.branches = nn.ModuleList(
            nn.ModuleList(AvsaPyramidStep(config, branch_size if step else size) for step in range(max(level, 1)))
            for level in range(len(widths))
        )
        self.predictor = AvsaPyramidConv(branch_size, config.num_labels, 1)

    def forward(self, maps: tuple[torch.Tensor, ...], condition: torch.Tensor | None) -> torch.Tensor:
        """Classify from maps ``(N, C, T, H, W)``, finest first, and features ``(N, D)`` of each whole view."""
        if condition is not None:
            everywhere = condition[..., None, None, None].expand(-1, -1, *maps[-1].shape[2:])
            maps = *maps[:-1], torch.cat([maps[-1], everywhere], 1)
        pooled = [pool(hidden) for pool, hidden in zip(self.time_pools, maps, strict=True)]
        sizes = [hidden.shape[-2:] for hidden in pooled]
        merged = [lateral(hidden) for lateral, hidden in zip(self.laterals, pooled)]
        for level in reversed(range(len(merged) - 1)):
            merged[level] = merged[level] + F.interpolate(merged[level + 1], sizes[level], mode="nearest")
        total = 0
        for level, (output, branch) in enumerate(zip(self.outputs, self.branches)):
            hidden = output(merged[level])
            for rise, step in enumerate(branch, start=1):
                hidden = step(hidden)
                if level:
                    hidden = F.interpolate(hidden, sizes[level - rise], mode="bilinear", align_corners=False)
            total = total + hidden
        return self.predictor(total)


class AvsaForSemanticSegmentation(AvsaOnFrozenTowers):
    """Frozen towers under a feature pyramid; ``config.segmentation_condition`` says what joins the picture.

    The paper's classes are 32, in the order of the release: ``num_labels=32``.
    """

    def __init__(self, config: AvsaConfig):
        super().__init__(config)
        hears, translates = config.segmentation_condition is not None, config.segmentation_condition == "audio+context"
        self.video_encoder = VideoTower(config)
        self.audio_encoder = AudioTower(config) if hears else None
        self.video_to_audio = AvsaTranslation(config) if translates else None
        self.audio_to_video = AvsaTranslation(config) if translates else None
        self.pyramid = AvsaPyramid(config, (hears + 2 * translates) * config.hidden_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, AvsaPyramidConv):
            init.normal_(module.weight, std=PYRAMID_STD)
        elif isinstance(module, AvsaTimePool):
            init.constant_(module.weight, 1 / module.weight.numel())

    def _keeps_evaluation_mode(self) -> bool:
        return self.config.segmentation_frozen_statistics

    def forward(
        self,
        pixel_values_videos: torch.Tensor,
        input_features: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> AvsaSegmentationOutput | tuple:
        """Classify every pixel of a clip's views.

        Args:
            pixel_values_videos: ``(B, [K,] T, C, H, W)`` normalised frames, T being ``config.num_frames``.
            input_features: ``(B, [K,] C, time, frequency)`` normalised log-mels; not looked at without a condition.
            labels: ``(B, [K,] H, W)`` classes, ``config.semantic_loss_ignore_index`` where there is none.
            return_dict: False returns a tuple; None takes the configuration's value.

        Raises:
            InvalidValueError: A tensor has a wrong shape, or the sound is missing that the condition needs.
        """
        if pixel_values_videos.shape[-4] != self.config.num_frames:
            got, expected = f"{pixel_values_videos.shape[-4]} frames", f"{self.config.num_frames} (config.num_frames)"
            raise InvalidValueError(explain("pixel_values_videos", got, expected))
        maps, video = self.see(pixel_values_videos)
        condition = self._condition(as_views(video), input_features)
        coarse = self.pyramid(maps[1:], None if condition is None else condition.flatten(0, 1))
        logits = F.interpolate(coarse, pixel_values_videos.shape[-2:], mode="bilinear", align_corners=False)
        output = AvsaSegmentationOutput(
            logits=logits.unflatten(0, video.shape[:-1]), coarse_logits=coarse.unflatten(0, video.shape[:-1])
        )
        if labels is not None:
            labels = labels.reshape(-1, *labels.shape[-2:])
            ignored = self.config.semantic_loss_ignore_index
            total = F.cross_entropy(logits, labels, ignore_index=ignored, reduction="sum")
            output["loss"] = total / (labels != ignored).sum().clamp_min(1)
        return output if return_dict in (None, True) else output.to_tuple()

    def _condition(self, video: torch.Tensor, input_features: torch.Tensor | None) -> torch.Tensor | None:
        if self.audio_encoder is None:
            return None
        if input_features is None:
            expected = f"log-mels, for segmentation_condition {self.config.segmentation_condition!r}"
            raise InvalidValueError(explain("input_features", None, expected, "Use AvsaProcessor."))
        audio = as_views(self.hear(input_features)[1])
        if self.video_to_audio is None:
            return audio
        return torch.cat([self.video_to_audio(video), audio, self.audio_to_video(audio)], -1)
