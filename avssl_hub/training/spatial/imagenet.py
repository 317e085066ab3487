"""Visual encoders that begin as a ResNet-18 trained on ImageNet, the flow's too (section 4 of the paper).

The authors' own copy of such a network is not public; torchvision's is close to it. Its shortcuts are normalised and
the encoders' are not: what normalising multiplies by goes into their weights, and what it adds is left out.
"""

from collections.abc import Mapping
from urllib.error import URLError

import torch
from torch import Tensor
from torchvision.models import ResNet18_Weights

from ...errors import CheckpointError, explain
from ...models.spatial_audio_gen import SpatialAudioGenModel

# Of torchvision's batch normalisation.
_EPS = 1e-5
_PARTS = ("weight", "bias", "running_mean", "running_var")


def download_resnet18() -> dict[str, Tensor]:
    """Get torchvision's weights, from its cache if they were there before.

    Raises:
        CheckpointError: They cannot be had.
    """
    weights = ResNet18_Weights.IMAGENET1K_V1
    try:
        return weights.get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        got, step = " ".join(str(error).split()), "Or train with imagenet=false."
        raise CheckpointError(explain(f"weights {weights.url}", got, "torchvision's ResNet-18", step)) from error


def begin_with_resnet18(model: SpatialAudioGenModel, weights: Mapping[str, Tensor]) -> None:
    """Copy a ResNet-18 into all visual encoders of a model.

    Args:
        model: Of the paper's ``video_hidden_sizes``.
        weights: By torchvision's names; the classifier's are not used.

    Raises:
        CheckpointError: A weight is missing or does not fit.
    """
    for encoder in model.visual_encoders.values():
        state = {name: _value(name, weights) for name in encoder.state_dict()}
        try:
            encoder.load_state_dict(state)
        except RuntimeError as error:
            got = " ".join(str(error).split())
            rule, step = "the shapes of a ResNet-18", "Leave model.video_hidden_sizes as it is, or train without."
            raise CheckpointError(explain("ImageNet weights", got, rule, step)) from error


def _value(name: str, weights: Mapping[str, Tensor]) -> Tensor:
    """Find what a parameter of an encoder begins as."""
    place, *inner = name.split(".")
    if place == "blocks":
        stage, block = divmod(int(inner.pop(0)), 2)
        front = f"layer{stage + 1}.{block}."
        if inner[0] == "shortcut":
            scale, _, _, variance = (_named(f"{front}downsample.1.{part}", weights) for part in _PARTS)
            factor = scale / torch.sqrt(variance + _EPS)
            return _named(f"{front}downsample.0.weight", weights) * factor[:, None, None, None]
        number = inner.pop(0).removeprefix("conv")
    else:
        front, number = "", "1"
    kind, part = inner
    return _named(f"{front}{'conv' if kind == 'conv' else 'bn'}{number}.{part}", weights)


def _named(name: str, weights: Mapping[str, Tensor]) -> Tensor:
    if name not in weights:
        raise CheckpointError(explain("ImageNet weights", f"no {name}", "torchvision's names of a ResNet-18"))
    return weights[name]
