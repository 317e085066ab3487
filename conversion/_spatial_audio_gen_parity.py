"""A converted SpatialAudioGen network against its restatement, layer by layer."""

import copy
from functools import partial

import torch
from torch import nn

from avssl_hub.models.spatial_audio_gen import SpatialAudioGenModel

from ._spatial_audio_gen_names import DENSE
from ._spatial_audio_gen_reference import outputs
from .report import ParityReport

# Whose outputs are compared, by the scope of the authors.
PLACES = (
    {name: place for name, place in DENSE.items() if not name.endswith("-red")}
    | {f"audio_encoder/conv{layer + 1}": f"audio_encoder.layers.{layer}" for layer in range(5)}
    | {f"{encoder}_encoder/conv1/conv": f"visual_encoders.{encoder}.stem" for encoder in ("video", "flow")}
    | {f"separation/deconv{5 - layer}": f"separation.layers.{layer}" for layer in range(5)}
)
# Layers that are followed by no activation.
LINEAR = ("localization/fc3", *(f"separation/deconv{layer}" for layer in range(1, 6)))


@torch.no_grad()
def compare(report: ParityReport, model: SpatialAudioGenModel, original: dict[str, torch.Tensor]) -> None:
    """Record how far the outputs of the layers are from those of the restatement, in double precision.

    Two items are compared twice: normalised by their own statistics, as released, and by running ones.

    Args:
        report: Takes the errors.
        model: What was made of the checkpoint.
        original: Its variables by the authors' names.

    Raises:
        AvsslError: They differ.
    """
    config, generator = model.config, torch.Generator().manual_seed(0)
    model, original = copy.deepcopy(model).double(), {name: value.double() for name, value in original.items()}
    sound = 0.1 * torch.randn(2, 1, config.window_samples, generator=generator, dtype=torch.float64)
    frames = {
        name: torch.rand(2, 1, 3, *config.image_size, generator=generator, dtype=torch.float64) - 0.5
        for name in model.visual_encoders
    }
    for running, kind in ((False, ""), (True, " by running statistics")):
        actual = _outputs(model, sound, frames, running)
        last = {name: values[:, 0].permute(0, 2, 3, 1) for name, values in frames.items()}
        expected = outputs(original, sound[:, 0], last, config.chunk_samples, config.fft_size, running)
        for name, reference in expected.items():
            report.compare(f"{name}{kind}", actual[name], reference)


def _outputs(
    model: SpatialAudioGenModel, sound: torch.Tensor, frames: dict[str, torch.Tensor], running: bool
) -> dict[str, torch.Tensor]:
    """What the layers and the model give, channels last, by the names of the restatement."""
    kept, handles, modules = {}, [], dict(model.named_modules())
    for name, place in PLACES.items():
        if place in modules:
            handles.append(modules[place].register_forward_hook(partial(_keep, kept, name)))
    inputs = {"video": "pixel_values_videos", "flow": "flow_values"}
    result = model(
        sound,
        **{inputs[name]: values for name, values in frames.items()},
        use_running_stats=running,
        output_hidden_states=True,
    )
    for handle in handles:
        handle.remove()
    for encoder in frames:
        for index, values in enumerate(result[f"{encoder}_hidden_states"]):
            kept[f"{encoder}_encoder/conv{index // 2 + 2}_{index % 2 + 1}"] = values.movedim(1, -1)
    kept |= {"tracks": result.tracks, "ambisonics": result.ambisonics.transpose(1, 2)}
    if result.masks is not None:
        kept["masks"] = result.masks
    return kept


def _keep(kept: dict[str, torch.Tensor], name: str, module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
    output = output.movedim(1, -1) if output.ndim == 4 else output
    kept[name] = output if name in LINEAR else output.relu()
