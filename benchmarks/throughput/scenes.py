"""The multisensory networks on whole clips of the paper's size: plain, and optimized for inference.

Both forms see the same clip by turns and must give the same; the most memory that each takes is that of a fresh
process, which loads the network and runs it once.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers.utils import ModelOutput

from avssl_hub.models.multisensory import (
    MultisensoryConfig,
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryPreTrainedModel,
)

from ._measure import Laps, bar, by_turns, gemm_gflops, torch_threads
from .load import in_fresh_process

OPTIMIZED = "optimize_for_inference()"
SPEED_UP = 1.3
# Of the standard deviation of each output.
TOLERANCE = 1e-4
COMPARED = ("activation_maps", "levels", "phases", "waveforms")

PEAK = """
    import avssl_hub, torch
    from importlib import import_module
    peak_mb = import_module(sys.argv[1]).peak_mb
    folder, model_class, form, *numbers = sys.argv[2:]
    frames, size, samples, threads = map(int, numbers)
    torch.set_num_threads(threads)
    model_class = getattr(avssl_hub, model_class)
    imports = peak_mb()
    model = model_class.from_pretrained(folder)
    if form != "plain":
        model.optimize_for_inference()
    with torch.inference_mode():
        model(torch.rand(1, frames, 3, size, size) - 0.5, torch.rand(1, 2, samples) - 0.5)
    result = {"imports": imports, "peak": peak_mb()}
"""


class Scene(NamedTuple):
    """A network and the clip that it is measured on; the limits are half of what the TensorFlow original takes.

    The original's seconds were measured on another machine, of two cores and a matrix product of 257 to 292 GFLOP/s.
    """

    name: str
    model_class: type[MultisensoryPreTrainedModel]
    config: MultisensoryConfig
    frames: int
    samples: int
    seconds_limit: float | None = None
    memory_limit: float | None = None

    def clip(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Random pixels and sound."""
        generator = torch.Generator().manual_seed(1)
        pixels = torch.rand(1, self.frames, 3, size, size, generator=generator) * 2 - 1
        return pixels, 0.1 * torch.randn(1, 2, self.samples, generator=generator)


def paper_scenes() -> list[Scene]:
    """The pretext network on 4.2 s and the separation network on 2.1 s."""
    separation = MultisensoryConfig.separation()
    return [
        Scene("alignment", MultisensoryForAlignment, MultisensoryConfig(), 125, 87588, 5.3, 1335),
        Scene("separation", MultisensoryForSourceSeparation, separation, 63, 44144, 3.9, 985),
    ]


def run(
    rounds: int, folder: Path, scenes: Sequence[Scene] | None = None, size: int = 224, threads: int | None = None
) -> dict:
    """Measure each network in both forms on two threads, or on one where there are no two.

    Args:
        rounds: How often each form runs.
        folder: Where the networks are saved, 0.6 GB.
        scenes: What is measured; the paper's networks by default.
        size: Side of a frame in pixels.
        threads: Threads to compute on.

    Returns:
        The section of the report.
    """
    threads = threads or min(2, os.cpu_count() or 1)
    gemm = gemm_gflops(threads)
    rows, figures = [], []
    for scene in scenes or paper_scenes():
        print(f"{scene.name}, threads: {threads}", file=sys.stderr, flush=True)
        torch.manual_seed(0)
        # With statistics as they begin: those of noise would magnify the rounding of both forms.
        plain = scene.model_class(scene.config).eval()
        plain.save_pretrained(folder / scene.name)
        memory = {form: _peak(scene, folder / scene.name, form, size, threads) for form in ("plain", OPTIMIZED)}
        with torch_threads(threads), torch.inference_mode():
            laps, difference, gflop = _measure(plain, scene.clip(size), rounds)
        figures.append(bar(f"{scene.name}: work of a clip", gflop, None, unit=" GFLOP"))
        for part, found in zip((rows, figures), _report(scene, laps, memory, difference, gflop / gemm)):
            part.extend(found)
    return {
        "title": f"Multisensory networks, one clip of {size}² frames, threads: {threads}",
        "setting": {"rounds": rounds, "gemm_gflops": {str(threads): gemm}},
        "rows": rows,
        "figures": figures,
    }


def _peak(scene: Scene, folder: Path, form: str, size: int, threads: int) -> Mapping[str, float]:
    numbers = scene.frames, size, scene.samples, threads
    return in_fresh_process(PEAK, f"{__package__}._measure", folder, scene.model_class.__name__, form, *numbers)


def _measure(plain: MultisensoryPreTrainedModel, clip: tuple[torch.Tensor, ...], rounds: int):
    optimized = deepcopy(plain).optimize_for_inference()
    with FlopCounterMode(display=False) as counter:
        expected = plain(*clip)
    difference = _difference(optimized(*clip), expected)
    laps = Laps()
    by_turns({"plain": lambda: plain(*clip), OPTIMIZED: lambda: optimized(*clip)}, rounds, laps)
    return laps, difference, counter.get_total_flops() / 1e9


def _difference(actual: ModelOutput, expected: ModelOutput) -> float:
    """Largest difference of an output's values, in standard deviations of that output."""
    pairs = [(actual[name], expected[name]) for name in COMPARED if expected.get(name) is not None]
    return max(((one - other).abs().max() / other.std()).item() for one, other in pairs)


def _report(scene: Scene, laps: Laps, memory: Mapping[str, Mapping], difference: float, seconds_at_peak: float):
    rows = [
        {**laps.row(form, "clip"), "name": f"{scene.name}, {form}", "memory_mb": taken["peak"]}
        for form, taken in memory.items()
    ]
    wall, cpu = laps.ratio("plain", OPTIMIZED)
    seconds, taken = rows[-1]["wall_ms"] / 1e3, memory[OPTIMIZED]
    label = f"{scene.name}, {OPTIMIZED}"
    limits = {"at_least": False}
    figures = [
        bar(f"{label}: over plain", wall, SPEED_UP, cpu=cpu),
        bar(f"{label}: largest difference, in standard deviations", difference, TOLERANCE, unit="", **limits),
        bar(f"{label}: seconds, half of the original's elsewhere", seconds, scene.seconds_limit, unit="s", **limits),
        bar(f"{label}: share of the matrix product", 100 * seconds_at_peak / seconds, None, unit=" %"),
        bar(f"{label}: memory, half of the original's", taken["peak"], scene.memory_limit, unit=" MB", **limits),
        bar(f"{label}: of which imports", taken["imports"], None, unit=" MB"),
    ]
    return rows, figures
