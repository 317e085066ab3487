"""Mapping PyTorch's older file format, against torch's own reader."""

import subprocess
import sys
from random import Random

import pytest
import torch

from avssl_hub.errors import CheckpointError
from conversion._checkpoint import load_checkpoint
from conversion._legacy import map_legacy

from ..conftest import ROOT
from ..parity._rules import fixture_files


def legacy(path, content):
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for pair in zip(one, other):
            assert_same(*pair)
    else:
        assert one == other


@pytest.mark.parametrize("path", fixture_files("avid_cma", "checkpoint_*_layout.pth.tar"))
def test_recorded_layouts_read_as_torch_reads_them(path):
    assert_same(map_legacy(path), torch.load(path, weights_only=True))


def test_odd_tensors_read_as_torch_reads_them(tmp_path):
    base = torch.randn(4, 6)
    content = {
        "rows": base[1:3],
        "transposed": base.T,
        "repeated": torch.tensor(2.5).expand(3, 4),
        "scalar": torch.tensor(7, dtype=torch.int64),
        "half": torch.randn(5).half(),
        "flags": torch.tensor([True, False, True]),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.randn(2)),
        "plain": {"epoch": 3, "names": ["a", "b"], "nothing": None},
    }
    path = legacy(tmp_path / "odd.pth", content)
    mapped = map_legacy(path)
    assert_same(mapped, torch.load(path, weights_only=True))
    assert mapped["rows"].untyped_storage().data_ptr() == mapped["transposed"].untyped_storage().data_ptr()


def test_changing_a_tensor_leaves_the_file_alone(tmp_path):
    path = legacy(tmp_path / "one.pth", {"a": torch.ones(3)})
    before = path.read_bytes()
    map_legacy(path)["a"].zero_()
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory from /proc")
@pytest.mark.parametrize("is_legacy", [True, False])
def test_training_state_that_is_not_used_takes_no_memory(tmp_path, is_legacy):
    content = {"model": {"a": torch.ones(10)}, "train_criterion": {"bank": torch.ones(200_000, 128)}}
    torch.save(content, tmp_path / "source.pth", _use_new_zipfile_serialization=not is_legacy)
    code = (
        "import sys; from pathlib import Path; from conversion._checkpoint import load_checkpoint\n"
        "resident = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 1e6\n"
        "before = resident(); saved = load_checkpoint(Path(sys.argv[1]))\n"
        "assert saved['train_criterion']['bank'].shape == (200_000, 128); print(resident() - before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "source.pth")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # The bank alone has 102 MB.
    assert float(done.stdout) < 25


def test_a_cut_in_the_storages_is_told_by_sizes(tmp_path):
    path = legacy(tmp_path / "cut.pth", {"a": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"cut\.pth: got EOFError: \d+ bytes where its storages need \d+"):
        load_checkpoint(path)


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "page.pth").write_text("<html>404</html>")
    with pytest.raises(CheckpointError, match=r"reading .*page\.pth"):
        load_checkpoint(tmp_path / "page.pth")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_legacy", [True, False])
def test_damaged_bytes_give_our_error_or_a_checkpoint(tmp_path, is_legacy):
    content = {"model": {"a": torch.ones(10), "b": torch.zeros(3, 4).T}, "epoch": 3, "names": ["x", 2.0, None]}
    path = tmp_path / "source.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not is_legacy)
    whole, random, refused = path.read_bytes(), Random(0), 0
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        path.write_bytes(damaged[: random.randrange(len(damaged))] if random.random() < 0.3 else damaged)
        try:
            load_checkpoint(path)
        except CheckpointError:
            refused += 1
    assert refused > 100
