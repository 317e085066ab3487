"""Runs of spatial sound: splits of the published sets, baselines, and distances of which less is better."""

import json

import pytest
import torch

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
pytest.importorskip("ot", reason="the earth mover's distance needs the extra 'metrics'")
from avssl_hub.audio.ambisonics import encode
from avssl_hub.data.spatial import write_folder
from benchmarks import _metrics
from benchmarks.__main__ import main
from benchmarks._check import check_copy
from benchmarks.spatial_audio import prior

RATE = 48000
STEERING = "avssl_hub.evaluation.measured:SteeringSpatializer"
TRAINED, TESTED = ["train_____1", "train_____2"], ["test______1", "test______2", "test______3"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Five videos of noise, all of it 30 degrees to the left of ahead, and lists of three splits; one is flat."""
    root = tmp_path_factory.mktemp("copy")
    (root / "meta" / "subsets").mkdir(parents=True)
    for number, name in enumerate(TRAINED + TESTED):
        noise = 0.1 * torch.randn(1, 3 * RATE, generator=torch.Generator().manual_seed(number))
        sound = encode(noise, torch.tensor([torch.pi / 6]), torch.zeros(1))
        write_folder(root / name, [sound], torch.zeros(30, 3, 8, 16, dtype=torch.uint8))
    for split in "123":
        train, test = (TRAINED, TESTED) if split == "1" else (TESTED, TRAINED)
        for part, names in (("train", train), ("test", test)):
            (root / "meta" / "subsets" / f"REC-Street.{part}.{split}.lst").write_text("\n".join(names))
    layouts = [f"{name} {'WXY' if name == TESTED[1] else 'WXYZ'}" for name in TRAINED + TESTED]
    (root / "meta" / "audio_layouts.txt").write_text("\n".join(layouts))
    return root


@pytest.fixture(scope="module")
def results(copy, tmp_path_factory):
    """Results of silence and of the prior on split 1."""
    out = tmp_path_factory.mktemp("results")
    file = out.parent / "prior.json"
    given = ["--data", str(copy), "--kind", "rec_street", "--list", str(copy / "meta"), "--out", str(file), "--force"]
    assert prior.main(given) == 0
    common = ["--task", "rec_street", "--data", str(copy), "--out", str(out), "--cache", str(out.parent / "cache")]
    assert main(["run", *common, "--model", "mono"]) == 0
    assert main(["run", *common, "--model", str(file), "--adapter", STEERING]) == 0
    told = {}
    for path in out.rglob("rec_street.json"):
        result = json.loads(path.read_text())
        told["mono" if result["model"]["name"] == "mono" else "prior"] = result
    return out, told, json.loads(file.read_text())


def test_only_the_test_videos_of_the_first_split_are_scored(results):
    _, told, _ = results
    result = told["mono"]
    assert result["data"]["recordings"] == 3
    assert result["task"]["part"] == "split1: 3 of 10 to test"
    assert result["data"]["missing"] == []
    assert set(result["score"]["further"]) >= {"ENV", "EMD", "MSE", "EMD of direction"}
    assert result["protocol"]["settings"] == {"batch": 16}


def test_the_prior_is_where_all_training_sounds_come_from(results):
    _, told, steering = results
    # Left of ahead: sine and cosine of 30 degrees, in 16-bit files.
    assert steering == pytest.approx({"Y": 0.5, "Z": 0, "X": 0.75**0.5}, abs=1e-3)
    assert told["prior"]["score"]["accuracy"] < told["mono"]["score"]["accuracy"] / 100
    assert told["prior"]["score"]["further"]["EMD"] < told["mono"]["score"]["further"]["EMD"] / 100


def test_readers_of_results_put_the_least_distance_first(results, tmp_path, capsys):
    out, told, _ = results
    assert main(["validate", str(out)]) == 0
    assert main(["leaderboard", "--results", str(out), "--out", str(tmp_path / "board")]) == 0
    text = (tmp_path / "board" / "leaderboard.md").read_text()
    silence = told["mono"]["score"]["accuracy"]
    assert f"[{silence:.3f}]" in text
    assert text.index("| prior |") < text.index(f"[{silence:.3f}]")
    files = sorted(map(str, out.rglob("rec_street.json")), key=lambda path: "/mono/" not in path)
    capsys.readouterr()
    assert main(["compare", *files]) == 0
    printed = capsys.readouterr().out
    assert f"-{silence - told['prior']['score']['accuracy']:.3f}" in printed
    assert "dB" not in printed


def test_a_folder_of_ones_own_is_scored_whole(copy, tmp_path, capsys):
    given = ["--task", "spatial_audio", "--model", "mono", "--data", str(copy), "--out", str(tmp_path)]
    assert main(["run", *given, "--protocol", "spatial_audio_alone", "--cache", str(tmp_path / "cache")]) == 0
    assert "STFT" in capsys.readouterr().out
    (path,) = tmp_path.glob("mono/1/*.json")
    assert path.name == f"spatial_audio.{copy.name}.spatial_audio_alone.json"
    assert json.loads(path.read_text())["data"]["recordings"] == 5


def test_a_test_video_that_is_not_here_is_missing_and_a_training_video_is_not(copy, tmp_path, capsys):
    part = tmp_path / "part"
    part.mkdir()
    for name in TESTED[1:]:
        (part / name).symlink_to(copy / name)
    given = ["run", "--task", "rec_street", "--model", "mono", "--out", str(tmp_path), "--list", str(copy / "meta")]
    given += ["--cache", str(tmp_path / "cache")]
    assert main([*given, "--data", str(part)]) == 2
    assert f"got 1 of 3 missing ({TESTED[0]})" in capsys.readouterr().err
    assert main([*given, "--data", str(part), "--allow-missing"]) == 0
    assert "only a part of it (2 of 3 recordings; split1: 2 of 10 to test)" in capsys.readouterr().out
    report = check_copy("rec_street", part, copy / "meta")
    assert ("split1, test", 2, 10) in report.counts
    assert not report.whole


def test_a_folder_without_prepared_videos_is_named(tmp_path, capsys):
    given = ["run", "--task", "spatial_audio", "--model", "mono", "--data", str(tmp_path), "--out", str(tmp_path)]
    assert main(given) == 2
    assert f"recordings of spatial audio in {tmp_path}: got none; expected at least one" in capsys.readouterr().err


def test_what_the_prior_cannot_be_fitted_to_is_told(copy, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert prior.main(["--data", str(tmp_path / "empty"), "--out", str(tmp_path / "prior.json")]) == 2
    assert "prepared videos in" in capsys.readouterr().err
    assert prior.main(["--data", str(copy), "--list", str(copy), "--out", str(tmp_path / "prior.json")]) == 2
    assert "expected none. Drop --list." in capsys.readouterr().err
    assert not (tmp_path / "prior.json").exists()


def test_distances_are_read_without_a_unit_and_the_least_first():
    assert _metrics.score_text("STFT", 0.15849) == "0.158"
    assert _metrics.score_text("SDR", 7.25) == "7.2 dB"
    assert _metrics.score_text("cIoU@0.5", 0.5) == "50.0"
    assert sorted([0.3, 0.1], key=lambda value: _metrics.rank("STFT", value)) == [0.1, 0.3]
    assert sorted([0.1, 0.3], key=lambda value: _metrics.rank("SDR", value)) == [0.3, 0.1]
