"""How fast the networks run: plain, optimized for inference, compiled, and in OpenVINO through the ONNX export.

All forms of a network see the same batch by turns, and must give the same embeddings.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path

import torch

from avssl_hub.models.avid import AvidConfig, AvidModel
from avssl_hub.models.avid.inference_avid import export_onnx

from ._measure import Laps, bar, by_turns, gemm_gflops, torch_threads

Form = Callable[[], torch.Tensor]

TOLERANCE = 1e-4
# Smallest speed-up over the plain network, by network, form and number of threads.
BARS = {
    ("video", "optimize_for_inference()", 1): 2.0,
    ("video", "optimize_for_inference()", 2): 1.5,
    ("video", "compiled", 1): 2.1,
    ("video", "compiled", 2): 2.1,
    ("video", "OpenVINO", 1): 2.1,
    ("video", "OpenVINO", 2): 2.1,
}


def model_with_statistics(config: AvidConfig) -> AvidModel:
    """Build a network whose normalisations do something, as a trained one's do."""
    torch.manual_seed(0)
    model = AvidModel(config).eval().requires_grad_(False)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.1)
    return model


def inputs_of(config: AvidConfig, batch: int, frames: int, size: int) -> dict[str, dict[str, torch.Tensor]]:
    """Random inputs of each tower."""
    generator = torch.Generator().manual_seed(1)
    video = torch.randn(batch, frames, config.video_num_channels, size, size, generator=generator)
    audio = torch.randn(batch, config.audio_num_channels, 200, 257, generator=generator)
    return {"video": {"pixel_values_videos": video}, "audio": {"input_features": audio}}


def torch_form(model: torch.nn.Module, modality: str, inputs: Mapping[str, torch.Tensor]) -> Form:
    """The embedding by way of torch."""
    return lambda: model(**inputs)[f"{modality}_embeds"]


def openvino_form(path: Path, inputs: Mapping[str, torch.Tensor], threads: int) -> Form:
    """The embedding by way of OpenVINO, in single precision."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        # A pinned calling thread would slow all other forms down.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    arrays = [value.numpy() for value in inputs.values()]
    return lambda: torch.from_numpy(compiled(arrays)[0])


def forms_of(model: AvidModel, modality: str, inputs: Mapping[str, torch.Tensor], onnx: Path, threads: int) -> dict:
    """All forms of one tower, by name; the plain one first."""
    optimized = deepcopy(model).optimize_for_inference()
    torch._dynamo.reset()
    # Weights become constants, which the compiler lays out as it likes.
    compiled = torch.compile(deepcopy(optimized), options={"freezing": True})
    return {
        "plain": torch_form(model, modality, inputs),
        "optimize_for_inference()": torch_form(optimized, modality, inputs),
        "compiled": torch_form(compiled, modality, inputs),
        "OpenVINO": openvino_form(onnx, inputs, threads),
    }


def run(rounds: int, batch: int = 8, frames: int = 8, size: int = 224, config: AvidConfig | None = None) -> dict:
    """Measure both towers in all forms on one thread and on two.

    Args:
        rounds: How often each form runs.
        batch: Clips in a batch.
        frames: Frames of a clip.
        size: Side of a frame in pixels.
        config: The network; the paper's main one by default.

    Returns:
        The section of the report.
    """
    config = config or AvidConfig()
    model = model_with_statistics(config)
    inputs = inputs_of(config, batch, frames, size)
    rows, figures, gemm = [], [], {}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        paths = export_onnx(model, folder, video_shape=(frames, config.video_num_channels, size, size))
        for threads in sorted({1, min(2, os.cpu_count() or 1)}):
            gemm[str(threads)] = gemm_gflops(threads)
            for modality in ("video", "audio"):
                print(f"{modality} tower, threads: {threads}", file=sys.stderr, flush=True)
                with torch_threads(threads):
                    measured = _measure(forms_of(model, modality, inputs[modality], paths[modality], threads), rounds)
                for part, found in zip((rows, figures), _report(*measured, modality, threads, batch)):
                    part.extend(found)
    return {
        "title": f"Networks, batch {batch} of {frames} × {size}² frames and of 200 × 257 spectrograms",
        "setting": {"rounds": rounds, "batch": batch, "gemm_gflops": gemm},
        "rows": rows,
        "figures": figures,
    }


def _measure(forms: Mapping[str, Form], rounds: int) -> tuple[Laps, dict[str, float]]:
    # The first call compiles; it is also the one compared.
    outputs = {name: form() for name, form in forms.items()}
    differences = {name: (output - outputs["plain"]).abs().max().item() for name, output in outputs.items()}
    laps = Laps()
    by_turns(forms, rounds, laps)
    return laps, differences


def _report(laps: Laps, differences: Mapping[str, float], modality: str, threads: int, batch: int):
    rows, figures = [], []
    for form, difference in differences.items():
        label = f"{modality} tower, {form}, threads: {threads}"
        row = laps.row(form, unit=f"batch of {batch}")
        rows.append({**row, "name": label, "max_difference": difference})
        if form == "plain":
            continue
        wall, cpu = laps.ratio("plain", form)
        figures.append(bar(f"{label}: over plain", wall, BARS.get((modality, form, threads)), cpu=cpu))
        figures.append(bar(f"{label}: largest difference", difference, TOLERANCE, at_least=False, unit=""))
    return rows, figures
