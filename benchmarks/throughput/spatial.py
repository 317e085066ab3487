"""SpatialAudioGen on sound and picture that follow each other: chunk by chunk, in batches, and as fast as it goes.

All forms see the same chunks by turns, in the two modes in which chunks do not change each other, and must give the
same ambisonics. The plainest calls the network on one window after the other.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel

from ._measure import Laps, bar, by_turns, gemm_gflops, torch_threads

LOOP, BATCHES, SHARED, OPTIMIZED = "chunk by chunk", "batches of 10", "side by side", "side by side, optimized"
MODES = {"running statistics": {"use_running_stats": True}, "statistics of each chunk": {"statistics_group": 1}}
BATCH = 10
SPEED_UP = 1.5
# Two and a half times the share that the TensorFlow original reaches elsewhere.
PEAK_SHARE = 75.0
# Of the standard deviation of the ambisonics. Statistics of single chunks magnify rounding.
TOLERANCE = 1e-3


def run(
    rounds: int, seconds: float = 2.0, config: SpatialAudioGenConfig | None = None, threads: int | None = None
) -> dict:
    """Measure the network for sound and picture on two threads, or on one where there are no two.

    Args:
        rounds: How often each form runs.
        seconds: Length of the recording, of noise, in which all frames differ.
        config: The network; by default the paper's without flow.
        threads: Threads to compute on.

    Returns:
        The section of the report.
    """
    threads = threads or min(2, os.cpu_count() or 1)
    config = config or SpatialAudioGenConfig(encoders=("audio", "video"))
    gemm, rows, figures = gemm_gflops(threads), [], []
    chunks = round(seconds * config.sampling_rate / config.chunk_samples)
    with torch_threads(threads), torch.inference_mode():
        for mode, statistics in MODES.items():
            laps, difference, shares, gflop = _measure(config, chunks, mode, statistics, rounds)
            for part, found in zip((rows, figures), _report(laps, mode, seconds, difference, shares, gflop / gemm)):
                part.extend(found)
    figures.append(bar("work of a second", gflop / seconds, None, unit=" GFLOP"))
    return {
        "title": f"SpatialAudioGen, {seconds:g} s of sound and picture, threads: {threads}",
        "setting": {"rounds": rounds, "chunks": chunks, "gemm_gflops": {str(threads): gemm}},
        "rows": rows,
        "figures": figures,
    }


def _measure(
    config: SpatialAudioGenConfig, chunks: int, mode: str, statistics: dict, rounds: int
) -> tuple[Laps, float, dict[str, float], float]:
    torch.manual_seed(0)
    plain = SpatialAudioGenModel(deepcopy(config)).eval()
    # The last layer begins next to zero, where no difference would show.
    nn.init.normal_(plain.localization.output.weight, std=0.05)
    plain.config.use_running_stats = "use_running_stats" in statistics
    optimized = deepcopy(plain).optimize_for_inference()
    sound = 0.1 * torch.randn(config.window_samples + (chunks - 1) * config.chunk_samples)
    frames = torch.rand(chunks, 3, *config.image_size) - 0.5
    windows = sound.unfold(0, config.window_samples, config.chunk_samples)[:, None]

    def batches(size: int) -> torch.Tensor:
        pairs = zip(windows.split(size), frames[:, None].split(size))
        parts = [plain(window, frame, **statistics).ambisonics for window, frame in pairs]
        return torch.cat(parts).transpose(0, 1).flatten(1)

    def side_by_side(model: SpatialAudioGenModel) -> torch.Tensor:
        return model.predict_consecutive(sound, frames, batch_size=BATCH, **statistics)

    forms: dict[str, Callable[[], torch.Tensor]] = {
        LOOP: lambda: batches(1),
        BATCHES: lambda: batches(BATCH),
        SHARED: lambda: side_by_side(plain),
        OPTIMIZED: lambda: side_by_side(optimized),
    }
    with FlopCounterMode(display=False) as counter:
        expected = forms[LOOP]()
    difference = max(((forms[name]() - expected).abs().max() / expected.std()).item() for name in forms)
    laps = Laps()
    by_turns(forms, rounds, laps)
    return laps, difference, _shares(optimized, forms[OPTIMIZED]), counter.get_total_flops() / 1e9


def _shares(model: SpatialAudioGenModel, call: Callable[[], object]) -> dict[str, float]:
    """Percentage of a call's time spent in the encoders of sound and of pictures."""
    spent: Counter[str] = Counter()
    parts = {"the encoder of sound": [model.audio_encoder], "encoders of pictures": model.visual_encoders.values()}
    with _timed(parts, spent):
        begin = time.perf_counter()
        call()
        whole = time.perf_counter() - begin
    return {name: 100 * spent[name] / whole for name in parts}


@contextmanager
def _timed(parts: dict, spent: Counter[str]) -> Iterator[None]:
    """Add up the seconds that modules take inside."""
    handles = []
    for name, modules in parts.items():
        for module in modules:

            def enter(module, inputs, name=name):
                spent[name] -= time.perf_counter()

            def leave(module, inputs, output, name=name):
                spent[name] += time.perf_counter()

            handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _report(
    laps: Laps, mode: str, seconds: float, difference: float, shares: dict[str, float], seconds_at_peak: float
) -> tuple[list[dict], list[dict]]:
    rows = [{**laps.row(form, "recording"), "name": f"{form}, {mode}"} for form in (LOOP, BATCHES, SHARED, OPTIMIZED)]
    figures = []
    for form, limit in ((BATCHES, None), (SHARED, None), (OPTIMIZED, SPEED_UP)):
        wall, cpu = laps.ratio(LOOP, form)
        figures.append(bar(f"{form}, {mode}: over {LOOP}", wall, limit, cpu=cpu))
    label, taken = f"{OPTIMIZED}, {mode}", rows[-1]["wall_ms"] / 1e3
    figures += [
        bar(f"{mode}: largest difference, in standard deviations", difference, TOLERANCE, at_least=False, unit=""),
        bar(f"{label}: share of the matrix product", 100 * seconds_at_peak / taken, PEAK_SHARE, unit=" %"),
        bar(f"{label}: seconds of recording a second", seconds / taken, None, unit=""),
        *(bar(f"{label}: time in {part}", share, None, unit=" %") for part, share in shares.items()),
    ]
    return rows, figures
