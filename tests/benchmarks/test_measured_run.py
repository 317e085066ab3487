"""Runs whose answers are measured: results in decibels and in shares, and what readers of results make of them."""

import hashlib
import json

import pytest

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
from benchmarks.__main__ import main
from benchmarks._results import ResultError, check_result
from tests.media.corpus import Sound, make, noise, sine

from .test_run import only


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Return a folder of three speakers with one clip each."""
    folder = tmp_path_factory.mktemp("faces") / "talkers"
    for number in range(3):
        place = folder / f"s{number}" / "video" / f"{number}.mkv"
        place.parent.mkdir(parents=True)
        voice = noise(2.2, 21000, seed=number)
        make(place, [frame / 10 for frame in range(22)], (Sound(voice, 21000, "pcm_s16le"),))
    return folder


@pytest.fixture(scope="module")
def results(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    given = ["--task", "speech_mixtures", "--model", "mixture", "--data", str(faces), "--out", str(out)]
    assert main(["run", *given, "--cache", str(out.parent / "cache")]) == 0
    return out


def test_mixtures_are_scored_in_decibels(results, capsys):
    file = only(results)
    assert file.relative_to(results).as_posix() == "mixture/1/speech_mixtures.talkers.json"
    result = json.loads(file.read_text())
    assert (result["metric"], result["data"]["classes"], result["confusion"]) == ("SDR", [], [])
    assert result["data"]["splits"][0]["test"] == len(result["hits"][0]["hits"]) == 3
    # Three speakers, a group each.
    assert result["hits"][0]["groups"] == [0, 1, 2]
    further = result["score"]["further"]
    # White noises of equal power that have nothing in common.
    assert further["SI-SDR"] == pytest.approx(0, abs=0.2)
    assert (further["right tracks"], further["SI-SDRi"]) == (0.5, 0)
    assert 0 < result["score"]["accuracy"] < 0.5
    assert main(["validate", str(results)]) == 0
    assert "1 result, 0 wrong" in capsys.readouterr().out


def test_readers_of_results_show_decibels(results, tmp_path, capsys):
    assert main(["leaderboard", "--results", str(results), "--out", str(tmp_path / "board")]) == 0
    score = json.loads(only(results).read_text())["score"]["accuracy"]
    assert f"[{score:.1f} dB]" in (tmp_path / "board" / "leaderboard.md").read_text()
    (plot,) = (tmp_path / "board" / "plots").iterdir()
    assert "sdr" in plot.name
    capsys.readouterr()
    assert main(["compare", str(only(results)), str(only(results))]) == 0
    told = capsys.readouterr().out
    assert "SDR dB" in told
    assert "in dB" in told
    assert "+0.0 to +0.0" in told


def test_shares_out_of_their_range_are_refused(results, tmp_path):
    result = json.loads(only(results).read_text())
    result["layers"]["answer"]["further"]["right tracks"] = result["score"]["further"]["right tracks"] = 1.5
    with pytest.raises(ResultError, match=r"right tracks: got \[1.5\]; expected shares, 0 to 1"):
        check_result(result, "here")


def test_questions_that_make_no_sense_are_refused(faces, tmp_path, capsys):
    common = ["run", "--task", "speech_mixtures", "--data", str(faces), "--out", str(tmp_path)]
    assert main([*common, "--model", "mixture", "--control", "shuffled-labels"]) == 2
    assert "got shuffled-labels; expected random-weights" in capsys.readouterr().err
    assert main([*common, "--model", "mixture", "--control", "random-weights"]) == 2
    assert "none: it learns nothing" in capsys.readouterr().err
    assert main([*common, "--model", "avid_tiny.avworld"]) == 2
    assert "model avid_tiny.avworld for separation: got AvidModel" in capsys.readouterr().err
    assert main([*common, "--model", "m", "--adapter", "benchmarks.adapters.ast:AstEncoder"]) == 2
    assert "expected a subclass of avssl_hub.evaluation.measured.separator.Separator" in capsys.readouterr().err
    assert main([*common, "--model", "mixture", "--modality", "audio"]) == 2
    assert "modality of task speech_mixtures: got audio; expected both" in capsys.readouterr().err


def test_a_part_of_vggss_is_called_one_and_names_its_annotations(tmp_path, capsys):
    (tmp_path / "copy" / "clips").mkdir(parents=True)
    tone = sine(5.0, 8000)
    names = ["abcdefghijk_000001", "abcdefghijk_000002"]
    for name in names:
        clip = tmp_path / "copy" / "clips" / f"{name}.mkv"
        make(clip, [frame / 10 for frame in range(50)], (Sound(tone, 8000, "pcm_s16le"),))
    boxes = [[[0.25, 0.25, 0.75, 0.75]], [[0, 0, 0.1, 0.1]]]
    entries = [{"file": name, "class": "x", "bbox": box} for name, box in zip([*names, "gone"], [*boxes, boxes[0]])]
    (tmp_path / "copy" / "vggss.json").write_text(json.dumps(entries))
    given = ["--task", "vggss", "--model", "centre", "--data", str(tmp_path / "copy"), "--out", str(tmp_path / "out")]
    given += ["--cache", str(tmp_path / "cache")]
    assert main(["run", *given]) == 2
    assert "1 of 3 missing (gone)" in capsys.readouterr().err
    assert main(["run", *given, "--allow-missing"]) == 0
    assert "only a part of it (2 of 5158 recordings; test: 2 of 5158 to test): cIoU@0.5 50.0 %" in (
        capsys.readouterr().out
    )
    result = json.loads(only(tmp_path / "out").read_text())
    assert result["data"]["list_sha256"] == hashlib.sha256((tmp_path / "copy" / "vggss.json").read_bytes()).hexdigest()
    assert result["hits"][0]["hits"] == [1, 0]
