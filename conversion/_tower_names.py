"""The authors' names of the towers that AVID and AVSA have, and ours."""

import re

from ._rename import Rule

VIDEO_PARTS = {
    "spt_conv1": "spatial_conv1",
    "spt_bn1": "spatial_norm1",
    "tmp_conv1": "temporal_conv1",
    "tmp_bn1": "temporal_norm1",
    "spt_conv2": "spatial_conv2",
    "spt_bn2": "spatial_norm2",
    "tmp_conv2": "temporal_conv2",
    "out_bn": "norm",
    "res_conv": "shortcut",
}
STEM_PARTS = {"0": "conv", "1": "norm"}
AUDIO_PARTS = {"conv1": "conv1", "bn1": "norm1", "conv2": "conv2", "bn2": "norm2"}
TENSOR = r"(?P<tensor>weight|bias|running_mean|running_var|num_batches_tracked)"


def _stem(match: re.Match) -> str:
    return f"{match['tower']}_encoder.stem.{STEM_PARTS[match['part']]}.{match['tensor']}"


def _video_block(match: re.Match) -> str:
    # At depth 10 a stage is the block itself and its keys have no index.
    place = f"{int(match['stage']) - 2}.{match['block'] or 0}"
    return f"video_encoder.stages.{place}.{VIDEO_PARTS[match['part']]}.{match['tensor']}"


def _audio_block(match: re.Match) -> str:
    return f"audio_encoder.blocks.{int(match['block']) - 1}.{AUDIO_PARTS[match['part']]}.{match['tensor']}"


TOWER_RULES: tuple[Rule, ...] = (
    (rf"(?P<tower>video|audio)_model\.conv1\.(?P<part>[01])\.{TENSOR}", _stem),
    (
        rf"video_model\.conv(?P<stage>[2-5])x\.(?:(?P<block>\d+)\.)?(?P<part>{'|'.join(VIDEO_PARTS)})\.{TENSOR}",
        _video_block,
    ),
    (rf"audio_model\.block(?P<block>[1-4])\.(?P<part>{'|'.join(AUDIO_PARTS)})\.{TENSOR}", _audio_block),
)
