"""A converted multisensory network against its restatement, layer by layer."""

from functools import partial

import torch
from torch import nn

from avssl_hub.models.multisensory import MultisensoryPreTrainedModel

from ._multisensory_names import BLOCKS, HEADS, SINGLE_LAYERS
from ._multisensory_reference import trunk_features, unet_features, video_scales
from .report import ParityReport

# Whose outputs are compared, by the scope of the authors.
PLACES = (
    {name: f"multisensory.{place}" for name, place in SINGLE_LAYERS.items()}
    | {f"{branch}/conv{name}": f"multisensory.{place}" for branch in BLOCKS for name, place in BLOCKS[branch].items()}
    | {"im/merge_block": "multisensory.fusion"}
    | {f"gen/conv{layer + 1}": f"unet.encoder.{layer}" for layer in range(9)}
    | {f"gen/deconv{layer + 1}": f"unet.decoder.{layer}" for layer in range(8)}
    | {name: HEADS[name] for name in ("gen/fg", "gen/bg")}
)


@torch.no_grad()
def compare(report: ParityReport, model: MultisensoryPreTrainedModel, original: dict[str, torch.Tensor]) -> None:
    """Record how far the outputs of every layer are from those of the restatement.

    Args:
        report: Takes the errors.
        model: What was made of the checkpoint.
        original: Its variables by the authors' names.

    Raises:
        AvsslError: They differ.
    """
    generator = torch.Generator().manual_seed(0)
    separates, sees = hasattr(model, "unet"), hasattr(model, "multisensory")
    # Odd sizes, so that padding is uneven, and the fewest samples that make a spectrogram.
    frames, samples = (63, 44144) if separates else (17, 11912)
    inputs = {"input_values": 0.1 * torch.randn(1, 2, samples, generator=generator)}
    if sees:
        inputs["pixel_values_videos"] = 2 * torch.rand(1, frames, 3, 46, 60, generator=generator) - 1
    actual = _outputs(model, inputs)
    expected, scales = {}, []
    if sees:
        pixels = inputs["pixel_values_videos"].transpose(1, 2)
        expected = trunk_features(original, pixels, inputs["input_values"], model.config.last_stage_stride)
        scales = video_scales(expected)
    if separates:
        expected |= unet_features(original, actual["mixture levels"], actual["mixture phases"], scales)
    for name, reference in expected.items():
        report.compare(name, actual[name], reference)


def _outputs(model: MultisensoryPreTrainedModel, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the layers and the model give, by the names of the restatement."""
    outputs, handles = {}, []
    for name, place in PLACES.items():
        if place in dict(model.named_modules()):
            handles.append(model.get_submodule(place).register_forward_hook(partial(_keep, outputs, name)))
    result = model(**inputs)
    for handle in handles:
        handle.remove()
    for name in ("logits", "activation_maps"):
        if name in result:
            outputs[name] = result[name]
    for quantity in ("levels", "phases"):
        if quantity in result:
            outputs[f"mixture {quantity}"] = result[f"mixture_{quantity}"]
            outputs[f"fg {quantity}"], outputs[f"bg {quantity}"] = result[quantity].unbind(1)
    return outputs


def _keep(outputs: dict[str, torch.Tensor], name: str, module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
    outputs[name] = output
