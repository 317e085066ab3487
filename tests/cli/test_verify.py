"""``avssl verify``: certificates in words and as JSON, and the exit status."""

import json
import shutil

import avssl_hub
from avssl_hub import zoo


def test_one_certificate_says_where_the_weights_are_from_and_how_far_each_stage_is_off(avssl):
    result = avssl("verify", "avid_tiny.avworld")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("avid_tiny.avworld: verified; 4 files, 88 tensors, largest error ")
    assert "source: trained by this project's own recipe" in lines
    files = avssl_hub.card("avid_tiny.avworld").files
    assert all(any(line.split() == [name, digest] for line in lines) for name, digest in files.items())
    (stage,) = (line for line in lines if line.startswith("output.audio_embeds "))
    assert stage.split()[1:4] == ["1", "×", "64"]
    assert stage.split()[-1] == "1e-04"


def test_json_holds_the_whole_certificate(avssl):
    told = json.loads(avssl("verify", "unet_pit_tiny.avworld", "--json").stdout)
    assert told["verified"]
    assert told["problems"] == []
    assert {file["name"]: file["sha256"] for file in told["files"]} == avssl_hub.card("unet_pit_tiny.avworld").files
    assert all(stage["error"] <= stage["tolerance"] for stage in told["stages"])


def test_a_changed_file_is_named_and_the_exit_status_is_1(avssl, tmp_path):
    shutil.copytree(zoo.card("unet_pit_tiny.avworld").path.parent, tmp_path / "checkpoint")
    config = tmp_path / "checkpoint" / "config.json"
    config.write_text(config.read_text().replace('"phase_weight": 1', '"phase_weight": 2'))
    result = avssl("verify", "./checkpoint")
    assert result.exit_code == 1
    assert "unet_pit_tiny.avworld: differs" in result.stdout
    assert "  config.json has sha256 " in result.stdout


def test_all_takes_what_is_on_this_machine(avssl, tmp_path, monkeypatch):
    for name in ("unet_pit_tiny.avworld", "avid.kinetics"):
        shutil.copytree(zoo.card(name).path.parent, tmp_path / "cards" / name)
    monkeypatch.setattr(zoo, "cards_folder", lambda: tmp_path / "cards")
    result = avssl("verify", "--all")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith("unet_pit_tiny.avworld: verified; 4 files, 42 tensors")
    assert "1 more in the catalogue have no weights on this machine" in result.stderr
    assert avssl("verify").exit_code == avssl("verify", "unet_pit_tiny.avworld", "--all").exit_code == 2
