"""Names that the authors give the towers which two families have."""

import re

ORIGINAL_VIDEO_PARTS = {
    "spatial_conv1": "spt_conv1",
    "spatial_norm1": "spt_bn1",
    "temporal_conv1": "tmp_conv1",
    "temporal_norm1": "tmp_bn1",
    "spatial_conv2": "spt_conv2",
    "spatial_norm2": "spt_bn2",
    "temporal_conv2": "tmp_conv2",
    "norm": "out_bn",
    "shortcut": "res_conv",
}


def original_tower_name(name: str, video_depth: int) -> str:
    """The authors' name of a parameter of a tower, written independently of the converters' table."""
    name = re.sub(r"^(video|audio)_encoder\.stem\.conv", r"\1_model.conv1.0", name)
    name = re.sub(r"^(video|audio)_encoder\.stem\.norm", r"\1_model.conv1.1", name)
    if match := re.match(r"video_encoder\.stages\.(\d)\.(\d)\.(\w+)\.(\w+)", name):
        stage, block, part, tensor = match.groups()
        index = "" if video_depth == 10 else f"{block}."
        name = f"video_model.conv{int(stage) + 2}x.{index}{ORIGINAL_VIDEO_PARTS[part]}.{tensor}"
    return re.sub(
        r"^audio_encoder\.blocks\.(\d)\.(conv|norm)",
        lambda m: f"audio_model.block{int(m[1]) + 1}.{'bn' if m[2] == 'norm' else 'conv'}",
        name,
    )
