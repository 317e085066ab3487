"""Protocols that train, from the shell: what they write, what they refuse, and several processes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.torch import load_file

from benchmarks.__main__ import main
from tests.media.corpus import make

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")

MODEL = "avid_tiny.avworld"
FORM = ["clip={}", "data.workers=1", "loop.batch_size=4", "loop.epochs=0", "test={dense_clips: 2, random_clips: 3}"]
STEPS = [*FORM, "loop.steps=2", "data.clips_per_item=2"]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return the manifest of six videos of a second, dark and bright, one split."""
    folder = tmp_path_factory.mktemp("own")
    lines = ["path,label,split"]
    for number in range(6):
        grey = 60 + 120 * (number % 2) + number
        make(
            folder / f"{number}.mp4",
            [k / 8 for k in range(8)],
            pictures=lambda _, g=grey: np.full((48, 64, 3), g, "u1"),
        )
        lines.append(f"{number}.mp4,{('dark', 'bright')[number % 2]},{'train' if number < 4 else 'test'}")
    (folder / "own.csv").write_text("\n".join(lines) + "\n")
    return folder / "own.csv"


def arguments(own, out, *further):
    given = ["--task", "own", "--model", MODEL, "--data", str(own), "--out", str(out), "--modality", "video"]
    return ["run", *given, "--cache", str(out / "cache"), *further]


def result_of(out):
    (file,) = (path for path in out.rglob("*.json") if "cache" not in path.parts)
    return file, json.loads(file.read_text())


def test_a_run_tells_its_recipe_and_every_value(own, tmp_path, capsys):
    assert main(arguments(own, tmp_path, "--protocol", "finetune", "--set", *STEPS, "classifier_epochs=1")) == 0
    file, result = result_of(tmp_path)
    assert file.name == "own.own.video.finetune.avid_8_ucf-changed.json"
    settings = result["protocol"]["settings"]
    assert settings["changed"] == sorted(
        {item.partition("=")[0] for item in STEPS if "workers" not in item} | {"classifier_epochs"}
    )
    assert (settings["dropout"], settings["loop"]["batch_size"], settings["optimizer"]["decay"]) == (0.5, 4, 0.3)
    # Two steps of the classifier and two of all, of four clips each, and five clips of each of two recordings.
    cost = result["cost"]
    assert cost["clips"] == 8 + 8 + 10
    assert cost["gmacs"] == pytest.approx(cost["gmacs_per_clip"] * (8 + 3 * 8 + 10))
    assert result["input"]["shape"] == [8, 3, 56, 56]
    assert set(result["run"]) == {"date", "training_seconds", "test_seconds"}
    assert list(result["layers"]) == ["network"]
    assert result["layers"]["network"]["splits"][0]["notes"]["network"]["steps"] == 2
    assert main(["validate", str(file)]) == 0
    before = result["layers"]
    capsys.readouterr()
    # Settings that do not touch the result neither train anew nor make another result of it.
    again = arguments(own, tmp_path, "--protocol", "finetune", "--set", *STEPS, "classifier_epochs=1", "data.workers=2")
    assert main(again) == 2
    assert main([*again, "--force"]) == 0
    assert result_of(tmp_path)[1]["layers"] == before
    assert len(list((tmp_path / "cache").glob("run-*"))) == 1


def test_the_probe_of_four_layers_says_that_the_best_is_reported(own, tmp_path, capsys):
    given = ["--protocol", "most_probe", "--recipe", "frozen", "--control", "shuffled-labels", "--set", *STEPS]
    assert main(arguments(own, tmp_path, *given)) == 0
    file, result = result_of(tmp_path)
    assert file.name == "own.own.video.most_probe.frozen-changed.shuffled-labels.json"
    assert list(result["layers"]) == ["conv2x", "conv3x", "conv4x", "conv5x"]
    assert result["protocol"]["selection"].startswith("best of the four layers")
    # The network itself is not trained, so every clip costs a forward pass.
    assert result["cost"]["gmacs"] == pytest.approx(result["cost"]["gmacs_per_clip"] * (8 + 10))
    assert main(["validate", str(file)]) == 0
    assert "This is the control shuffled-labels" in capsys.readouterr().out


def test_random_weights_are_trained_too(own, tmp_path):
    given = [
        "--protocol",
        "finetune",
        "--control",
        "random-weights",
        "--set",
        *STEPS,
        "loop.steps=1",
        "classifier_epochs=0",
    ]
    assert main(arguments(own, tmp_path, *given)) == 0
    _, result = result_of(tmp_path)
    assert (result["model"]["revision"], result["model"]["pretrain_data"]) == ("random-seed0", None)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            ["--recipe", "gdt"],
            "recipe for protocol linear_probe: got gdt; expected none, as only finetune and most_probe",
        ),
        (["--set", "loop.epochs=1"], "recipe for protocol linear_probe: got loop.epochs=1; expected none"),
        (["--protocol", "finetune", "--recipe", "gtd"], "unknown recipe: got 'gtd'; expected one of"),
        (["--protocol", "finetune", "--set", "loop.epoch=1"], "unknown recipe key in 'loop': got 'epoch'"),
        (
            ["--protocol", "finetune", "--set", "loop.steps"],
            "recipe override: got 'loop.steps'; expected section.key=value",
        ),
        (
            ["--protocol", "finetune", "--modality", "audio"],
            "modality for protocol finetune: got audio; expected video",
        ),
        (
            ["--protocol", "finetune", "--set", "clip={}", "data.clips_per_item=1"],
            "recipe key 'loop.batch_size': got 64; expected at most the clips of an epoch, 4 items",
        ),
    ],
)
def test_what_does_not_fit_is_refused(own, tmp_path, capsys, given, text):
    assert main(arguments(own, tmp_path, *given)) == 2
    assert text in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(own, tmp_path):
    # As in pretraining: a large epsilon keeps rounding from deciding which way weights go.
    given = [
        "--protocol",
        "finetune",
        "--set",
        *STEPS,
        "loop.sync_batch_norm=true",
        "optimizer.epsilon=0.1",
        "dropout=0",
    ]
    weights = []
    for processes in (1, 2):
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        done = subprocess.run(
            [*launch, "-m", "benchmarks", *arguments(own, tmp_path / str(processes), *given, "classifier_epochs=1")],
            capture_output=True,
            text=True,
            timeout=240,
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        assert done.returncode == 0, done.stderr
        weights.append(load_file(next((tmp_path / str(processes)).glob("cache/run-*/network/model.safetensors"))))
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name].numpy(), value.numpy(), rtol=0, atol=1e-5, err_msg=name)
