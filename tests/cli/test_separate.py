"""``avssl separate`` and ``avssl recognize`` from the shell."""

import json

import pytest

from avssl_hub.media import probe
from tests.pipelines.readable import film
from tests.pipelines.separating import blind, processor, seeing
from tests.pipelines.test_recognize import LABELS, classifier
from tests.pipelines.test_recognize import processor as recognition_processor


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with the folders ``seeing``, ``blind``, ``actions`` of small models."""
    folder = tmp_path_factory.mktemp("models")
    for name, model, rules in (
        ("seeing", seeing(), processor()),
        ("blind", blind(), processor()),
        ("actions", classifier(), recognition_processor()),
    ):
        model.config.architectures = None
        model.save_pretrained(folder / name)
        rules.save_pretrained(folder / name)
    config = json.loads((folder / "seeing" / "config.json").read_text())
    config["architectures"] = ["MultisensoryForSourceSeparation"]
    (folder / "seeing" / "config.json").write_text(json.dumps(config))
    return folder


def test_separate_writes_a_folder_and_says_so(avssl, models, tmp_path):
    film(tmp_path / "a.mp4")
    result = avssl("separate", "a.mp4", "-m", models / "seeing", "-o", "out", "--mask", "left")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "out: 4.00 s of sound in mixture.wav, off_screen.mp4, off_screen.wav, on_screen.mp4, on_screen.wav, "
        "spectrogram.png\n"
    )
    assert probe("out/on_screen.mp4").duration == pytest.approx(4.0, abs=0.001)
    released = avssl("separate", "a.mp4", "-m", models / "blind", "-o", "two", "--windows", "released")
    assert released.exit_code == 0, released.stderr
    assert "no window of the released rule covers the end: 3." in released.stderr
    assert (tmp_path / "two" / "track_1.mp4").is_file()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a.mp4", "-m", "{models}/seeing", "-o", "there"], "pass --force to replace files of the same names"),
        (["a.mp4", "-m", "{models}/actions", "-o", "out"], "got MultisensoryForVideoClassification; expected"),
        (["a.mp4", "-m", "avid_tiny.avworld", "-o", "out"], "got AvidModel; expected MultisensoryForSourceSeparation"),
        (["a.mp4", "-m", "unet_pit.voxcele", "-o", "out"], "Did you mean 'unet_pit.voxceleb'"),
        (["a.mp4", "-m", "{models}/blind", "-o", "out", "--mask", "left"], "a blind model has no picture"),
        (["a.mp4", "-m", "{models}/seeing", "-o", "out", "--windows", "none"], "unknown rule for windows: got 'none'"),
        (["mute.mp4", "-m", "{models}/seeing", "-o", "out"], "separating 'mute.mp4': got no sound track"),
        (["nowhere.mp4", "-m", "{models}/seeing", "-o", "out"], "nowhere.mp4"),
    ],
)
def test_mistakes_in_separating_are_explained(avssl, models, tmp_path, words, text):
    film(tmp_path / "a.mp4")
    film(tmp_path / "mute.mp4", seconds_of_sound=0)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").touch()
    result = avssl("separate", *(word.format(models=models) for word in words))
    assert result.exit_code == 2
    assert text in result.stderr
    assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_recognize_names_classes(avssl, models, tmp_path):
    film(tmp_path / "a.mp4")
    result = avssl("recognize", "a.mp4", "-m", models / "actions", "--top", 2)
    assert result.exit_code == 0, result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["class", "probability"]
    assert len(rows) == 2
    assert {row.split()[0] for row in rows} < set(LABELS)
    film(tmp_path / "mute.mp4", seconds_of_sound=0)
    mute = avssl("recognize", "mute.mp4", "-m", models / "actions")
    assert "no sound track: classified by the picture alone" in mute.stderr


def test_recognize_prints_json(avssl, models, tmp_path):
    film(tmp_path / "a.mp4")
    told = json.loads(avssl("recognize", "a.mp4", "-m", models / "actions", "--json", "--clips", 2).stdout)
    assert (told["file"], told["heard"], told["notes"], len(told["clip_starts"])) == ("a.mp4", True, [], 2)
    assert sum(row["probability"] for row in told["classes"]) == pytest.approx(1, abs=1e-5)
    assert {row["label"] for row in told["classes"]} == set(LABELS)


def test_mistakes_in_recognizing_are_explained(avssl, models, tmp_path):
    film(tmp_path / "a.mp4")
    wrong = avssl("recognize", "a.mp4", "-m", models / "seeing")
    assert (wrong.exit_code, "Give the folder that fine-tuning wrote." in wrong.stderr) == (2, True)
    none = avssl("recognize", "a.mp4", "-m", models / "actions", "--clips", 0)
    assert (none.exit_code, "clips: got 0; expected a positive integer" in none.stderr) == (2, True)
