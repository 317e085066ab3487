"""Golden outputs and ``verify``: every checkpoint in the repository, and every way one can differ."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from avssl_hub import AvidConfig, AvidModel, golden, verification, verify, zoo
from avssl_hub._stages import run_stages
from avssl_hub.cards import fill
from avssl_hub.errors import CheckpointError

HERE = sorted(name for name, card in zoo.catalogue().items() if card.files)
FILES = ["config.json", "golden.safetensors", "model.safetensors", "preprocessor_config.json"]


@pytest.fixture
def checkpoint(tmp_path):
    return Path(shutil.copytree(zoo.card("avid_tiny.avworld").path.parent, tmp_path / "checkpoint"))


@pytest.mark.parametrize("name", HERE)
def test_every_checkpoint_in_the_repository_is_what_its_card_says(name):
    certificate = verify(name)
    assert certificate.problems == []
    assert [file.name for file in certificate.files] == FILES
    assert certificate.recording.made_from["model.safetensors"] == zoo.card(name).files["model.safetensors"]
    # What a module and the network give is there, and it is more than zeros.
    outputs = [stage for stage in certificate.recording.stages if stage.name.startswith("output.")]
    assert outputs
    assert all(stage.largest > 0 for stage in outputs)
    path = zoo.card(name).path.with_name("golden.safetensors")
    assert path.stat().st_size <= 200_000


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_is_caught_by_the_files_name_and_nothing_is_computed(checkpoint, name):
    content = bytearray((checkpoint / name).read_bytes())
    content[len(content) // 2] ^= 1
    (checkpoint / name).write_bytes(content)
    certificate = verify(checkpoint)
    (problem,) = certificate.problems
    assert problem.startswith(f"{name} has sha256 ")
    assert certificate.stages == ()


def test_missing_and_unlisted_files_are_named(checkpoint):
    (checkpoint / "golden.safetensors").unlink()
    shutil.copyfile(checkpoint / "model.safetensors", checkpoint / "model-2.safetensors")
    assert verify(checkpoint).problems == [
        "golden.safetensors is missing",
        "model-2.safetensors is not in the card's list",
    ]


def test_other_weights_under_matching_hashes_differ_from_the_first_stage_they_touch(checkpoint):
    weights = load_file(checkpoint / "model.safetensors")
    weights["audio_encoder.blocks.2.norm1.bias"] += 0.05
    save_file(weights, checkpoint / "model.safetensors", {"format": "pt"})
    fill(checkpoint)
    certificate = verify(checkpoint)
    differing = [stage.name for stage in certificate.stages if stage.problem]
    assert differing[0] == "audio_encoder.blocks.2.norm1"
    assert "output.audio_embeds" in differing
    assert not any("video" in name for name in differing)
    assert certificate.problems[0].startswith("audio_encoder.blocks.2.norm1 differs by ")
    assert certificate.worst.name in differing


def test_errors_are_shares_of_the_largest_value_and_angles_meet():
    class Network(nn.Module):
        def __init__(self, change):
            super().__init__()
            self.change = change

        def forward(self, pixel_values_videos):
            values = torch.tensor([[3.0, -4.0, 0.0]])
            levels = values + self.change
            # The first lies just within pi, and comes out just beyond minus pi.
            phases = torch.tensor([[torch.pi - 1e-3 if self.change == 0 else -torch.pi + 1e-3]])
            undefined = torch.full((2,), torch.nan)
            return {"levels": levels, "phases": phases, "undefined": undefined}

    kept = run_stages(Network(0.0), {"pixel_values_videos": torch.zeros(1)}, golden._Kept)
    stages = tuple(golden.Stage(name, value.shape, value.largest, 1e-4) for name, value in kept.items())
    recording = golden.Recording("Network", "zeros", "2026-01-01", {}, {}, None, stages)
    known = golden.Golden(
        recording, {"pixel_values_videos": torch.zeros(1)}, {name: value.values for name, value in kept.items()}
    )
    errors = known.errors(Network(0.5))
    assert errors["output.levels"] == pytest.approx(0.5 / 4)
    assert errors["output.phases"] == pytest.approx(2e-3 / (torch.pi - 1e-3), rel=1e-3)
    assert errors["output.undefined"] == 0


def test_a_stage_that_is_gone_or_of_another_shape_is_told(checkpoint):
    known = golden.read(checkpoint / "golden.safetensors")
    gone = replace(known.recording.stages[0], name="video_encoder.no_longer")
    known = replace(known, recording=replace(known.recording, stages=(gone, *known.recording.stages)))
    errors = known.errors(AvidModel(AvidConfig.from_pretrained(checkpoint, projection_sizes=32)).eval())
    assert errors["video_encoder.no_longer"] == errors["output.video_embeds"] == float("inf")
    assert errors["video_encoder.stem.conv"] < float("inf")


def test_modules_that_run_twice_and_tuples_have_names_of_their_own():
    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.twofold = Double()
            self.both = Both()

        def forward(self, x):
            # What is changed in place afterwards was kept as it was.
            return (self.twofold(self.twofold(x)), *self.both(x.add_(1)))

    class Both(nn.Module):
        def forward(self, x):
            return x, -x

    kept = run_stages(Shared(), {"x": torch.tensor([[3.0]])}, lambda value: value.item())
    assert kept == {
        "twofold": 6.0,
        "twofold#2": 12.0,
        "both[0]": 4.0,
        "both[1]": -4.0,
        "output[0]": 12.0,
        "output[1]": 4.0,
        "output[2]": -4.0,
    }


def test_recording_keeps_what_is_of_these_weights_and_replaces_what_is_not(checkpoint):
    path = checkpoint / "golden.safetensors"
    before = path.read_bytes()
    golden.record(checkpoint)
    assert path.read_bytes() == before
    torch.manual_seed(0)
    AvidModel(AvidConfig.from_pretrained(checkpoint)).save_pretrained(checkpoint)
    golden.record(checkpoint, "c0ffee")
    assert golden.read(path).recording.converter_commit == "c0ffee"
    fill(checkpoint)
    assert verify(checkpoint).problems == []


def test_a_file_that_holds_no_recording_is_refused(checkpoint):
    save_file({"a": torch.zeros(1)}, checkpoint / "golden.safetensors")
    with pytest.raises(CheckpointError, match=r"golden outputs .*golden\.safetensors: got KeyError"):
        fill(checkpoint)
    recorded = {"golden": json.dumps({"model": "AvidModel"})}
    save_file({"a": torch.zeros(1)}, checkpoint / "golden.safetensors", recorded)
    with pytest.raises(CheckpointError, match="input: got nothing"):
        golden.read(checkpoint / "golden.safetensors")
    (checkpoint / "golden.safetensors").write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="a file that record"):
        golden.read(checkpoint / "golden.safetensors")
    golden.record(checkpoint)
    fill(checkpoint)
    assert verify(checkpoint).problems == []


def test_without_a_card_nothing_is_vouched_for(checkpoint):
    (checkpoint / "README.md").unlink()
    with pytest.raises(CheckpointError, match="no card"):
        verification.verify(checkpoint)
