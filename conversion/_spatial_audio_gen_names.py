"""Names of variables in the authors' TensorFlow networks, and what they are in the spatial_audio_gen family."""

import re
from collections.abc import Mapping

import numpy as np
import torch

from ._rename import Rule, rename

TENSORS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
KERNEL = {"weights": "weight", "biases": "bias"}
DENSE = {
    "bottleneck/audio-fc": "fusion.audio",
    "bottleneck/video-fc-red": "fusion.visual.video.reduce",
    "bottleneck/video-fc": "fusion.visual.video.project",
    "bottleneck/flow-fc-red": "fusion.visual.flow.reduce",
    "bottleneck/flow-fc": "fusion.visual.flow.project",
    "localization/fc1": "localization.layers.0",
    "localization/fc2": "localization.layers.1",
    "localization/fc3": "localization.output",
    "separation/fc-feats": "separation.condition",
}

_KERNEL = rf"(?P<tensor>{'|'.join(KERNEL)})"
_VISUAL = r"(?P<encoder>video|flow)_encoder"
_BLOCK = rf"{_VISUAL}/conv(?P<stage>[2-5])_(?P<block>[12])"
# A convolution's kernel, or a tensor of the normalisation that follows it.
_NORMALIZED = rf"(?:weights|bn/(?P<tensor>{'|'.join(TENSORS)}))"


def _normalized(match: re.Match) -> str:
    return "conv.weight" if match["tensor"] is None else f"norm.{TENSORS[match['tensor']]}"


def _block(match: re.Match) -> str:
    place = 2 * (int(match["stage"]) - 2) + int(match["block"]) - 1
    return f"visual_encoders.{match['encoder']}.blocks.{place}"


RULES: tuple[Rule, ...] = (
    (
        rf"audio_encoder/conv(?P<layer>[1-5])/{_KERNEL}",
        lambda match: f"audio_encoder.layers.{int(match['layer']) - 1}.{KERNEL[match['tensor']]}",
    ),
    (
        rf"{_VISUAL}/conv1/conv/{_NORMALIZED}",
        lambda match: f"visual_encoders.{match['encoder']}.stem.{_normalized(match)}",
    ),
    (rf"{_BLOCK}/conv_(?P<conv>[12])/{_NORMALIZED}", lambda m: f"{_block(m)}.conv{m['conv']}.{_normalized(m)}"),
    (rf"{_BLOCK}/shortcut/weights", lambda match: f"{_block(match)}.shortcut.weight"),
    (rf"(?P<layer>{'|'.join(DENSE)})/{_KERNEL}", lambda m: f"{DENSE[m['layer']]}.{KERNEL[m['tensor']]}"),
    (
        rf"separation/deconv(?P<layer>[1-5])/{_KERNEL}",
        lambda match: f"separation.layers.{5 - int(match['layer'])}.{KERNEL[match['tensor']]}",
    ),
)


def to_state_dict(variables: Mapping[str, np.ndarray], what: str) -> dict[str, torch.Tensor]:
    """Rename the variables of a network and bring kernels into PyTorch's layouts.

    Args:
        variables: Arrays by their TensorFlow name, without the training's own (optimiser slots and counters).
        what: Where they are from, for errors.

    Raises:
        CheckpointError: A name is not of this family.
    """
    return {name: _tensor(array) for name, array in rename(variables, RULES, what).items()}


def _tensor(array: np.ndarray) -> torch.Tensor:
    # Transposed convolutions have (out, in) there and (in, out) here, others the reverse.
    axes = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim)
    return torch.from_numpy((array if axes is None else array.transpose(axes)).copy())
