"""What it costs to import the package, to load a model and to read an original checkpoint.

Each is measured in fresh processes: nothing is imported, opened or in memory before.
"""

import json
import os
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from avssl_hub.models.avid import AvidConfig, AvidModel

from ._measure import bar

# Videos in the memory banks of the Kinetics checkpoints.
BANK_ROWS = 232_067

CONVERSION = f"{__package__.removesuffix('benchmarks.throughput')}conversion"

IMPORT = """
    start = time.perf_counter()
    import avssl_hub
    result = {"seconds": time.perf_counter() - start}
"""
TORCH = """
    import torch
    result = {}
"""
TRANSFORMERS = """
    from transformers import PreTrainedModel
    result = {}
"""
LOAD = """
    import avssl_hub
    avssl_hub.load(Path(sys.argv[1]))
    result = {}
"""
LOAD_AGAIN = """
    import avssl_hub, psutil
    # All that loading imports, by way of a model of no size.
    avssl_hub.load(Path(sys.argv[2]))
    before, start = psutil.Process().memory_info().rss, time.perf_counter()
    model = avssl_hub.load(Path(sys.argv[1]))
    seconds = time.perf_counter() - start
    # Mapped weights come into memory when they are used.
    total = sum(value.sum().item() for value in model.state_dict().values())
    result = {"seconds": seconds, "growth": psutil.Process().memory_info().rss - before}
"""
READ_CHECKPOINT = """
    import psutil
    from importlib import import_module
    reading = import_module(sys.argv[2] + "._checkpoint")
    path = Path(sys.argv[1])
    before, start = psutil.Process().memory_info().rss, time.perf_counter()
    weights = reading.entry(reading.load_checkpoint(path), "model", path)
    # Every weight is touched, as renaming and saving do.
    total = sum(value.sum().item() for value in weights.values())
    result = {"seconds": time.perf_counter() - start, "growth": psutil.Process().memory_info().rss - before}
"""


def in_fresh_process(code: str, *arguments: object) -> dict[str, float]:
    """Run ``code`` in a new interpreter; its ``result`` plus ``wall``, the seconds of the whole process."""
    program = f"import json, sys, time\nfrom pathlib import Path\n{textwrap.dedent(code)}\nprint(json.dumps(result))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"a measuring process failed:\n{done.stderr}")
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}


def save_models(config: AvidConfig, folder: Path) -> tuple[Path, Path]:
    """Save a model of ``config`` and the smallest one there can be; return their folders."""
    small = AvidConfig(video_depth=10, video_hidden_sizes=[1] * 4, audio_hidden_sizes=[1] * 4, projection_sizes=1)
    for name, its_config in (("model", config), ("small", small)):
        AvidModel(its_config).save_pretrained(folder / name)
    return folder / "model", folder / "small"


def save_checkpoint(config: AvidConfig, path: Path, bank_rows: int, legacy: bool) -> None:
    """Save what the authors' training saves: weights, Adam's state, both memory banks and Z.

    Key names of the weights are ours: only reading is measured.
    """
    weights = {f"module.{name}": value for name, value in AvidModel(config).state_dict().items()}
    moments = [value for value in weights.values() if value.is_floating_point()]
    # Old versions of torch numbered parameters by their addresses.
    first = 140_000_000_000_000
    adam = {
        first + index: {"step": 1000, "exp_avg": torch.zeros_like(value), "exp_avg_sq": torch.zeros_like(value)}
        for index, value in enumerate(moments)
    }
    bank = torch.randn(bank_rows, 128)
    checkpoint = {
        "epoch": 30,
        "model": weights,
        "optimizer": {"state": adam, "param_groups": [{"lr": 2e-4, "params": list(adam)}]},
        "train_criterion": {
            "nce_average.view1_mem": bank,
            "nce_average.view2_mem": bank.clone(),
            "criterion.avg_exp_score": torch.tensor(4.0),
        },
    }
    torch.save(checkpoint, path, _use_new_zipfile_serialization=not legacy)


def run(rounds: int, folder: Path, config: AvidConfig | None = None, bank_rows: int = BANK_ROWS) -> dict:
    """Measure import, loading and reading, each ``rounds`` times in fresh processes.

    Args:
        rounds: Processes a measurement.
        folder: Where about 1.2 GB of models and checkpoints are written.
        config: The network; the paper's main one by default.
        bank_rows: Rows of each memory bank.

    Returns:
        The section of the report.
    """
    config = config or AvidConfig()
    model, small = save_models(config, folder)
    weights_bytes = (model / "model.safetensors").stat().st_size
    jobs = {
        "import avssl_hub": (IMPORT,),
        "importing torch alone, the whole process": (TORCH,),
        "importing transformers' PreTrainedModel alone, the whole process": (TRANSFORMERS,),
        "load(), the whole process": (LOAD, model),
        "load(), after imports": (LOAD_AGAIN, model, small),
    }
    sizes = {}
    for name, legacy in (("zip", False), ("legacy", True)):
        path = folder / f"{name}.pth.tar"
        save_checkpoint(config, path, bank_rows, legacy)
        sizes[name] = path.stat().st_size
        jobs[f"reading a {name} checkpoint"] = (READ_CHECKPOINT, path, CONVERSION)
    results = {name: [] for name in jobs}
    for turn in range(rounds):
        print(f"\rround {turn + 1}/{rounds} ", end="", file=sys.stderr, flush=True)
        for name, job in jobs.items():
            results[name].append(in_fresh_process(*job))
    print(file=sys.stderr)

    seconds = {name: statistics.median(r.get("seconds", r["wall"]) for r in found) for name, found in results.items()}
    growth = {
        name: statistics.median(r["growth"] for r in found) / 1e6
        for name, found in results.items()
        if "growth" in found[0]
    }
    rows = [_row(name, value, growth, rounds) for name, value in seconds.items()]
    in_memory = growth["load(), after imports"] / (weights_bytes / 1e6)
    return {
        "title": "Import, load, read a checkpoint; fresh processes",
        "setting": {"rounds": rounds, "weights_mb": weights_bytes / 1e6, "checkpoint_mb": sizes["zip"] / 1e6},
        "rows": rows,
        "figures": [
            bar("import avssl_hub", seconds["import avssl_hub"], 0.3, at_least=False, unit="s"),
            bar("load(), the whole process", seconds["load(), the whole process"], 1.5, at_least=False, unit="s"),
            bar("load(), after imports", seconds["load(), after imports"], 0.1, at_least=False, unit="s"),
            bar("load(), memory over the size of the weights", in_memory, 1.2, at_least=False),
        ],
    }


def _row(name: str, seconds: float, growth: Mapping[str, float], rounds: int) -> dict:
    row = {"name": name, "wall_ms": 1e3 * seconds, "per_second": 1 / seconds, "unit": "process", "samples": rounds}
    return {**row, "memory_mb": growth[name]} if name in growth else row
