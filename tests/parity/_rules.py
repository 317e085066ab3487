"""The rules by which parity fixtures make weights and inputs, and how a stored array is compared."""

import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

OWN_FIXTURES = Path(__file__).with_name("fixtures")
FAMILIES = {"avid_cma", "avsa", "multisensory", "spatialaudiogen"}


def fixture_files(family: str, pattern: str) -> list:
    """Parameters for ``pytest.mark.parametrize``: the matching files, or one skip that says what is absent."""
    root = Path(os.environ.get("AVSSL_PARITY_DIR") or OWN_FIXTURES)
    others = FAMILIES - {family}
    files = [path for path in sorted(root.rglob(pattern)) if not others & {root.name, *path.relative_to(root).parts}]
    if not files:
        reason = f"no {family} fixture {pattern} in {root}"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id=pattern)]
    return [pytest.param(path, id=str(path.relative_to(root).with_suffix(""))) for path in files]


def load_fixture(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read a fixture's ``meta_json`` and its arrays."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(str(arrays.pop("meta_json"))), arrays


def rule_weight(name: str, shape: Iterable[int]) -> torch.Tensor:
    """The value of one state-dict entry, which follows from its original name."""
    shape = tuple(shape)
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    value = rng.standard_normal(shape)
    if name.endswith("running_var"):
        value = np.abs(1 + 0.1 * value) + 0.1
    elif name.endswith(("running_mean", "bias")):
        value = 0.1 * value
    elif len(shape) == 1:
        value = 1 + 0.1 * value
    else:
        value = value * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(value, np.float32))


def gaussian(seed: int, shape: Iterable[int]) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(tuple(shape)).astype(np.float32))


def memory_bank(seed: int, rows: int, dim: int = 128) -> torch.Tensor:
    bank = np.random.RandomState(seed).standard_normal((rows, dim))
    return torch.from_numpy((bank / np.linalg.norm(bank, axis=1, keepdims=True)).astype(np.float32))


def waveform(seed: int, samples: int, channels: int, rate: int = 24000) -> torch.Tensor:
    """Noise under a slow envelope, a tone a channel and a chirp: ``(channels, samples)`` float64."""
    rng, t, rows = np.random.RandomState(seed), np.arange(samples) / rate, []
    for c in range(channels):
        noise = 0.02 * rng.standard_normal(samples) * (0.2 + 0.8 * np.sin(2 * np.pi * (0.7 + 0.3 * c) * t) ** 2)
        tone = 0.2 * np.sin(2 * np.pi * (440 + 110 * c) * t)
        rows.append(noise + tone + 0.1 * np.sin(2 * np.pi * (300 + 1500 * t) * t))
    return torch.from_numpy(np.stack(rows))


def assert_matches(actual: torch.Tensor, arrays: dict[str, np.ndarray], name: str, atol: float) -> None:
    """Compare with the stored array ``name``, whole or sampled; ``atol`` is a share of its largest value."""
    actual = actual.detach().numpy()
    if name in arrays:
        expected = arrays[name]
        assert actual.shape == expected.shape, name
    else:
        assert actual.shape == tuple(arrays[f"{name}__shape"]), name
        whole = actual.astype(np.float64)
        scale = np.abs(arrays[f"{name}__sample"]).max()
        for statistic in ("mean", "std"):
            np.testing.assert_allclose(
                getattr(whole, statistic)(),
                arrays[f"{name}__{statistic}"],
                rtol=0,
                atol=atol * scale,
                err_msg=name,
            )
        actual, expected = actual.reshape(-1)[:: int(arrays[f"{name}__stride"])], arrays[f"{name}__sample"]
    limit = atol * max(np.abs(expected).max(), 1e-12)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=limit, err_msg=name)
