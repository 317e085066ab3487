"""How fast a full-size training step of AVID is, by stage: decode, augment, forward and backward, criterion, optimiser.

On a CPU the plain step has torch's usual layout of weights in eager mode; beside it are channels last, the recipes'
``loop.channels_last``, and that compiled, their ``loop.compile``. On a GPU one step in bf16 is measured on synthetic
input, beside what the device can compute at best.
"""

import contextlib
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from avssl_hub.media import MediaReader, probe
from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.objectives import AvidObjective
from avssl_hub.training.layout import channels_last
from avssl_hub.video.augment import ClipAugmentation

from ._measure import Laps, bar, by_turns, torch_threads

# Forward, for 8 frames of 224² and for a spectrogram of 200 × 257; a backward pass takes twice as much.
FLOP_OF_PAIR = 3 * (24.25e9 + 2.9e9)
# Dense bf16 FLOP/s on the makers' data sheets.
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
STAGES = ("forward and backward", "criterion and banks", "optimiser")


class Step:
    """A model, its objective and its optimiser, which take training steps.

    Args:
        config: The network.
        items: Rows of the memory banks.
        device: Where it computes.
        layout: Whether the weights lie channels last, instead of as torch makes them.
        compiled: Whether the model is compiled.
    """

    def __init__(
        self, config: AvidConfig, items: int, device: torch.device, layout: bool = True, compiled: bool = False
    ):
        torch.manual_seed(0)
        self.device = device
        self.model = AvidModel(config).to(device).train()
        if layout:
            channels_last(self.model)
        if compiled:
            self.model.compile()
        self.objective = AvidObjective(items, config.projection_sizes[-1]).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 2e-4, weight_decay=1e-5)

    def __call__(self, pixels: Tensor, features: Tensor, laps: Laps, label: str) -> float:
        """Train on a batch; time each stage as ``label: stage`` and return the loss."""
        indices = torch.arange(len(pixels), device=self.device)
        generator = torch.Generator(self.device).manual_seed(0)
        precision = torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else contextlib.nullcontext()
        start = self._now()
        with precision:
            output = self.model(pixels, features)
        forward = self._now()
        negatives = self.objective.draw_negatives(indices, generator)
        loss = self.objective(output.video_embeds, output.audio_embeds, indices, negatives).loss
        criterion = self._now()
        loss.backward()
        backward = self._now()
        self.optimizer.step()
        self.optimizer.zero_grad()
        end = self._now()
        spans = [(start, forward, criterion, backward), (forward, criterion), (backward, end)]
        for stage, times in zip(STAGES, spans):
            for kind, seconds in enumerate((laps.wall, laps.cpu)):
                marks = [mark[kind] for mark in times]
                seconds[f"{label}: {stage}"].append(sum(b - a for a, b in zip(marks[::2], marks[1::2])))
        return loss.item()

    def _now(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()


def run(
    rounds: int,
    files: Sequence[Path] = (),
    batch: int = 8,
    config: AvidConfig | None = None,
    processor: AvidProcessor | None = None,
    items: int = 232_067,
    compiled: bool = True,
) -> dict:
    """Measure steps on two threads, and on a GPU if there is one.

    Args:
        rounds: How often each runs.
        files: Video files; a clip of each of the first ``batch`` with picture and sound is decoded. Without any the
            input is random and nothing is decoded.
        batch: Clips in a batch.
        config: The network; the paper's main one by default.
        processor: What its inputs look like; the paper's by default.
        items: Rows of the memory banks.
        compiled: Whether to measure the compiled network too; compiling takes minutes.

    Returns:
        The section of the report.
    """
    config, processor = config or AvidConfig(), processor or AvidProcessor()
    section = _on_cpu(rounds, files, batch, config, processor, items, compiled)
    if torch.cuda.is_available():
        rows, figures = _on_gpu(Step(config, items, torch.device("cuda")), rounds, 8 * batch, processor)
        section["rows"] += rows
        section["figures"] += figures
    return section


@torch_threads(2)
def _on_cpu(rounds, files, batch, config, processor, items, compiled) -> dict:
    laps, cpu = Laps(), torch.device("cpu")
    clips, variants = _synthetic(batch, processor), {}
    if files:
        chosen = list(islice((path for path in files if _has_both(path)), batch))
        clips = _decode(chosen, processor)
        variants["decode, one thread"] = lambda: _decode(chosen, processor)
    frames, samples = clips
    augmentation = ClipAugmentation(processor.crop_size)
    generator = torch.Generator().manual_seed(0)

    def augment() -> tuple[Tensor, Tensor]:
        features = torch.stack([processor.spectrogram(sound) for sound in samples])
        return augmentation(frames, generator), features.unsqueeze(1)

    inputs = augment()
    steps = {"plain": Step(config, items, cpu, layout=False), "channels last": Step(config, items, cpu)}
    if compiled:
        steps["channels last, compiled"] = Step(config, items, cpu, compiled=True)
    print("training step", file=sys.stderr, flush=True)
    # The first step of each compiles, fills the allocator, and is compared.
    losses = {name: step(*inputs, Laps(), name) for name, step in steps.items()}
    variants["augment"] = augment
    variants |= {
        f"step, {name}": lambda name=name, step=step: step(*inputs, laps, f"step, {name}")
        for name, step in steps.items()
    }
    by_turns(variants, rounds, laps)

    figures = []
    for name in steps.keys() - {"plain"}:
        wall, cpu_ratio = laps.ratio("step, plain", f"step, {name}")
        figures.append(bar(f"step: {name} over plain", wall, 1.3 if name == "channels last" else None, cpu=cpu_ratio))
        difference = abs(losses[name] / losses["plain"] - 1)
        figures.append(bar(f"{name}: relative difference of the first loss", difference, 1e-4, at_least=False, unit=""))
    return {
        "title": f"Training step, batch {batch}, two threads",
        "setting": {"rounds": rounds, "rows of the banks": items, "input": "real clips" if files else "random"},
        "rows": [_row(laps, name, batch) for name in sorted(laps.wall)],
        "figures": sorted(figures, key=lambda figure: figure["name"]),
    }


def _on_gpu(step: Step, rounds: int, batch: int, processor: AvidProcessor) -> tuple[list[dict], list[dict]]:
    """Time steps in bf16 on random input, then profile as many for the share of time in which the device computes."""
    laps, size = Laps(), processor.crop_size
    pixels = torch.randn(batch, processor.num_frames, 3, size, size, device=step.device)
    rows = len(processor.spectrogram_mean)
    features = torch.randn(batch, 1, processor.num_spectrogram_frames, rows, device=step.device)
    for _ in range(3):
        step(pixels, features, Laps(), "")
    for _ in range(rounds):
        with laps.lap("GPU step, bf16"):
            step(pixels, features, laps, "GPU step, bf16")
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        start = time.perf_counter()
        for _ in range(rounds):
            step(pixels, features, Laps(), "")
        seconds = time.perf_counter() - start
    busy = sum(event.self_device_time_total for event in profile.key_averages()) / 1e6
    measured = [_row(laps, name, batch) for name in laps.wall]
    figures = [bar("GPU: share of time it computes", busy / seconds, None, unit="")]
    name = torch.cuda.get_device_name()
    for model, peak in PEAKS.items():
        if model in name:
            share = FLOP_OF_PAIR * measured[-1]["per_second"] / peak
            figures.append(bar(f"GPU: share of {peak / 1e12:.0f} TFLOP/s ({name})", share, None, unit=""))
    return measured, figures


def _row(laps: Laps, name: str, batch: int) -> dict:
    row = laps.row(name, "pair")
    return {**row, "per_second": batch * row["per_second"]}


def _has_both(path: Path) -> bool:
    info = probe(path)
    return info.has_video and info.has_audio


def _decode(files: Sequence[Path], processor: AvidProcessor) -> tuple[list[Tensor], list[Tensor]]:
    clips = []
    for path in files:
        with MediaReader(path) as reader:
            clips.append(processor.read_clip(reader))
    return tuple(map(list, zip(*clips)))


def _synthetic(batch: int, processor: AvidProcessor) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    shape = (processor.num_frames, 240, 320, 3)
    frames = [torch.randint(256, shape, dtype=torch.uint8, generator=generator) for _ in range(batch)]
    count = int(processor.audio_duration * processor.sampling_rate)
    return frames, list(torch.randn(batch, count, generator=generator))
