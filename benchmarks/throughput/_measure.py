"""Timing by turns, and the facts of the machine without which a time says nothing."""

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from .._machine import hardware, versions

PACKAGES = ("torch", "torchvision", "torchaudio", "transformers", "av", "numpy", "librosa", "pillow", "openvino")


class Laps:
    """Wall and CPU seconds of named stages; a stage that comes again is a further sample of it."""

    def __init__(self):
        self.wall: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Time what is inside as one sample of ``name``."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name].append(time.perf_counter() - wall)
        self.cpu[name].append(time.process_time() - cpu)

    def row(self, name: str, unit: str = "clip") -> dict:
        """Median of a stage as a row of the report."""
        wall = statistics.median(self.wall[name])
        cpu = statistics.median(self.cpu[name])
        row = {"name": name, "wall_ms": 1e3 * wall, "cpu_ms": 1e3 * cpu, "per_second": 1 / wall}
        return {**row, "unit": unit, "samples": len(self.wall[name])}

    def ratio(self, slow: str, fast: str) -> tuple[float, float]:
        """Median over samples of the same turn of ``slow`` over ``fast``: by wall time, by CPU time."""
        return tuple(
            statistics.median(s / f for s, f in zip(seconds[slow], seconds[fast], strict=True))
            for seconds in (self.wall, self.cpu)
        )


def by_turns(variants: Mapping[str, Callable[[], object]], rounds: int, laps: Laps) -> None:
    """Time every variant once a round, each round beginning with another one."""
    names = list(variants)
    for turn in range(rounds):
        begin = turn % len(names)
        for name in names[begin:] + names[:begin]:
            with laps.lap(name):
                variants[name]()


def bar(
    name: str, value: float, limit: float | None, at_least: bool = True, unit: str = "×", cpu: float | None = None
) -> dict:
    """One figure beside its bar, if it has one; ``cpu`` is the ratio by CPU time, which other jobs disturb less."""
    met = None if limit is None else value >= limit if at_least else value <= limit
    figure = {"name": name, "value": value, "unit": unit, "bar": limit, "at_least": at_least, "met": met}
    return figure if cpu is None else {**figure, "cpu_value": cpu}


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Compute on ``count`` threads inside, and on as many as before afterwards; a decorator too."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def gemm_gflops(threads: int, size: int = 1536, repeats: int = 3) -> float:
    """Float32 matrix product in GFLOP/s, best of a few: what the machine gives at this moment."""
    left, right = torch.rand(size, size), torch.rand(size, size)
    best = float("inf")
    with torch_threads(threads):
        for _ in range(repeats + 1):
            start = time.perf_counter()
            left @ right
            best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def peak_mb() -> float:
    """Return the most memory that this process has had so far, in MB; Linux only.

    ``getrusage`` would not do: what it tells of a process begins with the size of its parent.
    """
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def machine() -> dict:
    """Describe the machine and the versions that decide about speed."""
    return {
        **hardware(),
        "versions": versions(*PACKAGES),
        "load_average": os.getloadavg()[0],
        "gemm_gflops": {str(threads): gemm_gflops(threads) for threads in (1, 2)},
    }
