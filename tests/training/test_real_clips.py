"""AVID from scratch on real recordings by the command line: one of them is damaged, and the run is cut and resumed."""

import csv
import json

from typer.testing import CliRunner

from avssl_hub.cli import app
from avssl_hub.training.checkpoints import list_checkpoints

SMALL = """
name: avid_small.real
model: {video_depth: 10, video_hidden_sizes: [8, 8, 16, 16], audio_hidden_sizes: [8, 8, 16, 16], projection_sizes: 16}
processor: {crop_size: 112, resize_size: 128, fft_size: 512, hop_length: 480}
objective: {name: avid, num_negatives: 16}
loop: {epochs: 1, batch_size: 8, checkpoint_every: 2, log_every: 1}
"""


def test_a_small_network_trains_on_real_clips_and_survives_a_damaged_one(shared_data, tmp_path):
    videos = shared_data("ucf101-mini/videos")
    with open(shared_data("ucf101-mini/labels.csv"), newline="", encoding="utf-8") as file:
        audible = [row["filename"] for row in csv.DictReader(file) if row["audible"] == "1" and row["duration_s"] > "3"]
    names = [videos / name for name in audible[:24]]
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(names[7].read_bytes()[:20_000])
    names[7] = damaged
    manifest, recipe, folder = tmp_path / "clips.csv", tmp_path / "small.yaml", tmp_path / "run"
    manifest.write_text("\n".join(["path", *map(str, names)]), encoding="utf-8")
    recipe.write_text(SMALL, encoding="utf-8")
    command = ["train", str(recipe), "-o", str(folder), f"data.manifest={manifest}"]

    done = CliRunner().invoke(app, [*command, "loop.steps=2", "loop.epochs=0"])
    assert done.exit_code == 0, done.output
    assert "trained as avid_small.real" in done.output
    again = CliRunner().invoke(app, [*command, "--resume"])
    assert again.exit_code == 2
    assert "a recipe that differs in loop.epochs, loop.steps" in " ".join(again.output.split())

    # Of three steps the second is saved; what comes after it is lost and done again.
    whole = tmp_path / "whole"
    command[3] = str(whole)
    assert CliRunner().invoke(app, command).exit_code == 0
    (checkpoint,) = list_checkpoints(whole / "checkpoints")
    assert checkpoint.name == "step-2"
    weights = (whole / "model.safetensors").read_bytes()
    (whole / "model.safetensors").unlink()
    resumed = CliRunner().invoke(app, [*command, "--resume"])
    assert resumed.exit_code == 0, resumed.output
    assert (whole / "model.safetensors").read_bytes() == weights
    with open(whole / "broken.csv", newline="", encoding="utf-8") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [str(damaged)]
    assert "broken.csv names them" in " ".join(resumed.output.split())
    metrics = json.loads((whole / "metrics.json").read_text())
    assert [row["step"] for row in metrics["history"]] == [1, 2, 3]
    assert 0 < metrics["waited"] < metrics["seconds"]
    assert list((whole / "logs").rglob("events.out.tfevents.*"))
