"""Runs from the shell: results, controls, the cache, and what validate refuses."""

import copy
import csv
import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avssl_hub.zoo import cards_folder
from benchmarks.__main__ import main

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
from benchmarks import _results

MODEL = "avid_tiny.avworld"


@pytest.fixture(scope="module")
def run(own, tmp_path_factory):
    """Return ``run(*arguments)``: the status of a run on the twelve sounds."""
    cache = tmp_path_factory.mktemp("cache")

    def run(out, *arguments):
        given = ["--task", "own", "--model", MODEL, "--data", str(own), "--out", str(out), "--modality", "audio"]
        return main(["run", *given, "--cache", str(cache), *arguments])

    return run


@pytest.fixture(scope="module")
def results(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    assert run(out) == 0
    return out


def only(folder):
    (file,) = folder.rglob("*.json")
    return file


def test_a_run_says_what_was_scored(results):
    file = only(results)
    assert file.relative_to(results).as_posix() == f"{MODEL}/eacacbb3a4f9/own.own.audio.json"
    result = json.loads(file.read_text())
    assert result["task"] == {"name": "own", "title": "your own", "version": 1, "modality": "audio", "part": None}
    assert result["data"]["classes"] == ["hum", "noise"]
    assert [(split["name"], split["train"], split["test"]) for split in result["data"]["splits"]] == [
        ("fold 0", 8, 4),
        ("fold 1", 8, 4),
        ("fold 2", 8, 4),
    ]
    assert result["score"]["accuracy"] == 1.0
    assert result["confusion"] == [[6, 0], [0, 6]]
    assert '"confusion": [\n  [6, 0],' in file.read_text()
    assert [split["hits"] for split in result["hits"]] == [[1.0] * 4] * 3
    assert sorted(group for split in result["hits"] for group in split["groups"]) == list(range(12))
    assert (result["cost"]["clips"], result["run"]["reused_recordings"]) == (120, 0)
    # As its card counts them, though the network is run in a form that has fewer.
    assert result["model"]["parameters"] == 758_432


def test_a_second_run_takes_all_from_the_cache_and_gives_the_same(run, results, capsys):
    before = json.loads(only(results).read_text())
    assert run(results) == 2
    assert "Choose another name, or pass --force" in capsys.readouterr().err
    assert run(results, "--force") == 0
    after = json.loads(only(results).read_text())
    assert after["run"]["reused_recordings"] == 12
    assert {**after, "run": None} == {**before, "run": None}


def test_controls_lie_beside_the_result_and_are_called_controls(run, tmp_path, capsys):
    assert run(tmp_path, "--control", "shuffled-labels") == 0
    assert only(tmp_path).name == "own.own.audio.shuffled-labels.json"
    assert "not a score of the model" in capsys.readouterr().out
    other = tmp_path / "random"
    assert run(other, "--control", "random-weights", "--seed", "3") == 0
    result = json.loads(only(other).read_text())
    assert result["model"]["revision"] == "random-seed3"
    assert not result["model"]["weights_sha256"].startswith("eacacbb3a4f9")


def test_a_folder_is_called_by_its_own_name(run, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(cards_folder() / MODEL, folder)
    assert run(tmp_path / "out", "--model", str(folder)) == 0
    assert only(tmp_path / "out").relative_to(tmp_path / "out").as_posix() == "mine/eacacbb3a4f9/own.own.audio.json"


def test_validate_accepts_what_run_wrote(results, capsys):
    assert main(["validate", str(results)]) == 0
    assert "1 result, 0 wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("hardware",), None, "hardware: got None is not of type 'object'"),
        (("model", "weights_sha256"), "?", "model/weights_sha256: got"),
        (("score", "accuracy"), 0.9, "score: got"),
        (("layers", "pooled", "splits"), slice(1, None), "every split with test recordings"),
        (("layers", "pooled", "splits", 0, "accuracy"), 0.5, r"layers/pooled/accuracy: got 1.0; expected the mean"),
        (("task", "name"), "esc50", "data/splits: got"),
        (("task", "part"), "a half", "task/part: got a half; expected None"),
        (("protocol", "name"), "ridge", "protocol/name: got ridge"),
        (("confusion", 0), [5, 0], "confusion: got 11 recordings; expected 12"),
        (("external",), 99.0, "'external' was unexpected"),
    ],
)
def test_validate_names_what_is_wrong(results, place, value, message):
    result = copy.deepcopy(json.loads(only(results).read_text()))
    *way, last = place
    held = result
    for step in way:
        held = held[step]
    held[last] = held[last][value] if isinstance(value, slice) else value
    with pytest.raises(_results.ResultError, match=message):
        _results.check_result(result, "here")


def test_validate_finds_results_that_lie_elsewhere(results, tmp_path, capsys):
    (tmp_path / "own.json").write_text(only(results).read_text())
    (tmp_path / "broken.json").write_text("{")
    assert main(["validate", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "2 results, 2 wrong" in told.out
    assert f"expected …/{MODEL}/eacacbb3a4f9/own.own.audio.json" in told.err
    assert "broken.json: got Expecting" in told.err


def test_questions_that_make_no_sense_are_refused(own, tmp_path, capsys):
    common = ["run", "--model", MODEL, "--data", str(own), "--out", str(tmp_path)]
    assert main([*common, "--task", "own"]) == 2
    assert "modality for protocol linear_probe: got none; expected audio or video or both. Pass --modality." in (
        capsys.readouterr().err
    )
    assert main([*common, "--task", "esc50", "--modality", "video"]) == 2
    assert "modality of task esc50: got video; expected audio" in capsys.readouterr().err
    assert main([*common, "--task", "ucf101", "--protocol", "avid_sound"]) == 2
    assert "unknown protocol of task ucf101: got 'avid_sound'" in capsys.readouterr().err
    own_sounds = [*common, "--task", "own", "--modality", "audio"]
    assert main([*own_sounds, "--seed", "-1"]) == 2
    assert "--seed: got -1; expected an integer from 0 on" in capsys.readouterr().err
    assert main([*own_sounds, "--list", "x.csv"]) == 2
    assert "list of task own: got x.csv; expected none" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_corrupt_recording_is_named_and_the_others_are_kept(own, tmp_path, capsys):
    (tmp_path / "bad.wav").write_bytes(b"RIFF, or not")
    rows = [f"{own.parent / line}" for line in own.read_text().splitlines()[1:5]]
    listing = tmp_path / "list.csv"
    listing.write_text("\n".join(["path,label,fold", *rows, f"{tmp_path / 'bad.wav'},hum,1", ""]))
    given = [
        "--model",
        MODEL,
        "--data",
        str(listing),
        "--out",
        str(tmp_path / "out"),
        "--cache",
        str(tmp_path / "cache"),
    ]
    assert main(["run", "--task", "own", "--modality", "audio", *given]) == 2
    assert "bad.wav" in capsys.readouterr().err
    assert len(list(tmp_path.glob("cache/*/*.safetensors"))) == 4
    assert not list(tmp_path.glob("out/**/*.json"))


def test_the_projects_own_results_are_valid(capsys):
    assert main(["validate"]) == 0
    assert ", 0 wrong" in capsys.readouterr().out


def test_tasks_are_listed(capsys):
    assert main(["ls"]) == 0
    assert "esc50" in capsys.readouterr().out


def test_avid_protocol_on_a_few_real_sounds(shared_data, tmp_path, capsys):
    source = shared_data("esc10")
    with open(source / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = {(row["fold"], row["category"]): row for row in rows if row["fold"] in "12"}.values()
    (tmp_path / "audio").mkdir()
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(chosen)
    for row in chosen:
        (tmp_path / "audio" / row["filename"]).symlink_to(source / "audio" / row["filename"])
    given = ["--task", "esc10", "--model", MODEL, "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["run", *given, "--cache", str(tmp_path / "cache")]) == 0
    assert "ESC-10, only a part of it (20 of 400 recordings; fold 1: 10 of 80 to test;" in capsys.readouterr().out
    result = json.loads(only(tmp_path / "out").read_text())
    assert list(result["layers"]) == ["conv2x", "conv3x", "conv4x", "conv5x"]
    assert result["cost"]["clips"] == 20 * 20
    # Ten clips of ten sounds to learn from are enough to beat chance, 0.1.
    assert result["score"]["accuracy"] > 0.2
    assert main(["validate", str(tmp_path / "out")]) == 0


def test_adapters_and_baselines_that_do_not_fit_are_refused(run, tmp_path, capsys):
    assert run(tmp_path, "--adapter", "no_such_module:Thing") == 2
    assert "--adapter: got 'no_such_module:Thing' (No module named" in capsys.readouterr().err
    assert run(tmp_path, "--adapter", "pathlib:Path") == 2
    assert "expected a subclass of avssl_hub.evaluation.encoder.Encoder" in capsys.readouterr().err
    assert run(tmp_path, "--model", "log_mel_statistics", "--control", "random-weights") == 2
    assert "control of baseline log_mel_statistics: got random weights" in capsys.readouterr().err
    assert run(tmp_path, "--model", "log_mel_statistics", "--protocol", "avid_sound") == 2
    assert "model for protocol avid_sound: got a model that takes recordings whole" in capsys.readouterr().err


def test_the_baseline_takes_a_recording_whole(run, tmp_path):
    assert run(tmp_path, "--model", "log_mel_statistics") == 0
    result = json.loads(only(tmp_path).read_text())
    assert result["cost"]["clips"] == 12
    assert result["input"] == {"seconds": None, "sampling_rate": 24000, "shape": [120000]}
    assert (result["model"]["parameters"], result["model"]["pretrain_data"]) == (0, "nothing")
    assert result["score"]["accuracy"] == 1.0


def test_retrieval_scores_the_splits_that_its_settings_say(run, tmp_path, capsys):
    assert run(tmp_path, "--protocol", "retrieval") == 0
    assert re.search(r"R@1 %.*R@5 +R@10 +R@20 +R@50 +fold 0 +fold 1 +fold 2", capsys.readouterr().out)
    result = json.loads(only(tmp_path).read_text())
    assert (result["metric"], result["score"]["clip_accuracy"]) == ("R@1", None)
    # Eight sounds to find, all of them among the first ten.
    assert result["score"]["further"]["R@10"] == 1.0
    assert main(["validate", str(tmp_path)]) == 0
    result["protocol"]["settings"]["first_split"] = True
    with pytest.raises(_results.ResultError, match="that the protocol scores, \\['fold 0'\\]"):
        _results.check_result(result, "here")


def test_protocols_of_pooled_features_share_one_pass(run, results, tmp_path):
    assert run(tmp_path, "--protocol", "linear_layer") == 0
    result = json.loads(only(tmp_path).read_text())
    assert (result["run"]["reused_recordings"], result["score"]["accuracy"]) == (12, 1.0)


def test_too_few_shots_are_refused(run, tmp_path, capsys):
    assert run(tmp_path, "--protocol", "few_shot") == 2
    assert "got 4 to train on in the smallest class; expected 5 or more of each" in capsys.readouterr().err


def test_pairs_are_looked_for_in_a_table_of_embeddings(tmp_path, capsys):
    columns = {"file": ["a", "b", "c"], "video_embeds": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]}
    pq.write_table(pa.table({**columns, "audio_embeds": [[1.0, 0.1], [0.1, 1.0], None]}), tmp_path / "t.parquet")
    assert main(["cross-modal", str(tmp_path / "t.parquet")]) == 0
    told = capsys.readouterr().out
    assert re.search(r"video to audio +100.0 +100.0 +100.0", told)
    assert "Among 2 files" in told
    assert "1 file without picture and sound took no part: c" in told
    assert main(["cross-modal", str(tmp_path / "none.parquet")]) == 2
