"""Names of variables in the authors' TensorFlow networks, and what they are in the multisensory family."""

import re
from collections.abc import Mapping

import numpy as np
import torch

from ._rename import Rule, rename

# The places of the residual blocks in our lists, by their number there.
AUDIO_BLOCKS = {"2_1": 0, "3_1": 1, "4_1": 2}
VIDEO_BLOCKS = {"2_1": "video_branch.blocks.0", "2_2": "video_branch.blocks.1"} | {
    f"{stage}_{block}": f"blocks.{2 * (stage - 3) + block - 1}" for stage in (3, 4, 5) for block in (1, 2)
}
BLOCKS = {"sf": {name: f"audio_branch.blocks.{place}" for name, place in AUDIO_BLOCKS.items()}, "im": VIDEO_BLOCKS}
SINGLE_LAYERS = {
    "sf/conv1_1": "audio_branch.stem",
    "sf/conv5_1": "audio_branch.output",
    "im/conv1": "video_branch.stem",
    "im/merge1": "fusion.expand",
}
TENSORS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "renorm_mean": "renorm_mean",
    "renorm_stddev": "renorm_std",
    "renorm_mean_weight": "renorm_mean_weight",
    "renorm_stddev_weight": "renorm_std_weight",
}
KERNEL = {"weights": "weight", "biases": "bias"}
HEADS = {
    "im/merge2": "multisensory.fusion.project",
    "joint/logits": "alignment_head",
    "lb/logits": "classifier",
    "gen/fg": "unet.on_screen",
    "gen/bg": "unet.off_screen",
}

_TENSOR = rf"(?P<tensor>{'|'.join(TENSORS)})"
_KERNEL = rf"(?P<tensor>{'|'.join(KERNEL)})"
# A convolution's kernel, or a tensor of the normalisation that follows it.
_NORMALIZED = rf"(?:weights|BatchNorm/{_TENSOR})"
_BLOCK = r"(?P<branch>sf|im)/conv(?P<block>[2-5]_[12])"


def _normalized(match: re.Match) -> str:
    return "conv.weight" if match["tensor"] is None else f"norm.{TENSORS[match['tensor']]}"


def _block(match: re.Match) -> str:
    return f"multisensory.{BLOCKS[match['branch']][match['block']]}"


def _unet(match: re.Match) -> str:
    part = "decoder" if match["kind"] == "deconv" else "encoder"
    return f"unet.{part}.{int(match['layer']) - 1}.{_normalized(match)}"


RULES: tuple[Rule, ...] = (
    (
        rf"(?P<layer>{'|'.join(SINGLE_LAYERS)})/{_NORMALIZED}",
        lambda match: f"multisensory.{SINGLE_LAYERS[match['layer']]}.{_normalized(match)}",
    ),
    (rf"{_BLOCK}_1/{_NORMALIZED}", lambda match: f"{_block(match)}.residual.conv1.{_normalized(match)}"),
    (rf"{_BLOCK}_short/{_NORMALIZED}", lambda match: f"{_block(match)}.residual.shortcut.{_normalized(match)}"),
    (rf"{_BLOCK}_2/{_KERNEL}", lambda match: f"{_block(match)}.residual.conv2.{KERNEL[match['tensor']]}"),
    (rf"{_BLOCK}_bn/{_TENSOR}", lambda match: f"{_block(match)}.norm.{TENSORS[match['tensor']]}"),
    (rf"im/merge_block_bn/{_TENSOR}", lambda match: f"multisensory.fusion.norm.{TENSORS[match['tensor']]}"),
    (rf"(?P<head>{'|'.join(HEADS)})/{_KERNEL}", lambda match: f"{HEADS[match['head']]}.{KERNEL[match['tensor']]}"),
    (rf"gen/(?P<kind>conv|deconv)(?P<layer>\d)/{_NORMALIZED}", _unet),
)


def to_state_dict(variables: Mapping[str, np.ndarray], what: str) -> dict[str, torch.Tensor]:
    """Rename the variables of a network and bring kernels into PyTorch's layouts.

    Args:
        variables: Arrays by their TensorFlow name, without the training's own (optimiser slots and counters).
        what: Where they are from, for errors.

    Raises:
        CheckpointError: A name is not of this family.
    """
    return {name: _tensor(name, array) for name, array in rename(variables, RULES, what).items()}


def _tensor(name: str, array: np.ndarray) -> torch.Tensor:
    if array.ndim == 5:
        array = array.transpose(4, 3, 0, 1, 2)
    elif array.ndim == 4:
        # Transposed convolutions have (out, in) there and (in, out) here, others the reverse.
        array = array.transpose(3, 2, 0, 1)
    if "audio_branch" in name and array.ndim == 4:
        array = array[..., 0]
    if name.startswith(("alignment_head", "classifier")) and array.ndim == 5:
        array = array[..., 0, 0, 0]
    return torch.from_numpy(array.copy())
