"""``avssl align360`` from the shell."""

import json
import math
import shutil

import pytest

from avssl_hub.media import SpatialAudio, SphericalVideo, read_spatial_metadata, write_media
from avssl_hub.pipelines import orient
from tests.pipelines.orienting import (
    RATE,
    CosineJudge,
    bright_towards,
    film,
    small_network,
    small_processor,
    sound_from,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the folder of a small model."""
    folder = tmp_path_factory.mktemp("models") / "small"
    small_network().save_pretrained(folder)
    small_processor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Return the folder of a film, a silent one and one without sound."""
    folder = tmp_path_factory.mktemp("films")
    film(folder / "a.mp4")
    film(folder / "silent.mp4", sound=0 * sound_from(0.0))
    write_media(folder / "mute.mp4", bright_towards(0.0).expand(4, -1, -1, -1), 8)
    return folder


@pytest.fixture
def right(monkeypatch):
    """Let a judge whose answers are right take the place of the model."""
    monkeypatch.setattr(orient, "judge_of", lambda model: CosineJudge())


def test_the_verdict_the_plot_and_the_film(avssl, model, right, tmp_path):
    film(tmp_path / "a.mp4", -1.0, sound_from(-1.0 + math.pi / 2))
    result = avssl("align360", "a.mp4", "-m", model, "-o", "plot.png", "--fixed", "b.mp4")
    assert result.exit_code == 0, result.stderr
    told = result.stdout.splitlines()
    assert told[0] == "a.mp4: the sound is turned; it fits when it is turned by 90° to the right"
    assert told[1].startswith("best yaw -90°: score ")
    assert told[3] == "4 of 4 windows by themselves find it within 30°, 0.8 would by chance"
    assert told[4:] == ["Look at plot.png", "b.mp4: the film with its sound turned by -90°"]
    assert (tmp_path / "plot.png").stat().st_size > 10_000
    found = read_spatial_metadata("b.mp4")
    assert (found.video, found.audio) == (SphericalVideo(), SpatialAudio())
    again = avssl("align360", "b.mp4", "-m", model, "--fixed", "c.mp4", "--json")
    assert again.exit_code == 0, again.stderr
    scores = json.loads(again.stdout)
    assert (scores["aligned"], scores["best_yaw"], scores["sure"], scores["agreeing"]) == (True, 0, True, 4)
    assert [row["yaw"] for row in scores["yaws"]] == list(range(-180, 180, 15))
    assert [row["start"] for row in scores["windows"]] == [0, 0.5, 1, 1.5]
    assert len(scores["windows"][0]["scores"]) == 24
    assert "Nothing has to be corrected: c.mp4 is not written." in again.stderr
    assert not (tmp_path / "c.mp4").exists()


@pytest.mark.parametrize(
    ("degrees", "seconds", "verdict"),
    [
        (15, 2.0, "the sound fits the picture nearly as it is, best turned by 15° to the left"),
        (0, 2.0, "the sound fits the picture as it is"),
        (60, 0.5, "cannot be told, since the windows hardly agree"),
    ],
)
def test_verdicts(avssl, model, right, tmp_path, degrees, seconds, verdict):
    film(tmp_path / "a.mp4", math.radians(degrees), sound_from(0.0, seconds=seconds), seconds)
    result = avssl("align360", "a.mp4", "-m", model)
    assert result.stdout.startswith(f"a.mp4: {verdict}\nbest yaw ")


def test_a_given_angle_needs_no_model(avssl, tmp_path):
    film(tmp_path / "a.mp4")
    result = avssl("align360", "a.mp4", "--yaw", -30, "--fixed", "b.mp4", "-m", "no_model")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "b.mp4: the film with its sound turned by -30°\n"
    nothing = avssl("align360", "a.mp4", "--yaw", 0, "--fixed", "c.mp4")
    assert (nothing.exit_code, nothing.stdout) == (0, "Nothing has to be corrected: c.mp4 is not written.\n")


def test_windows_that_could_not_be_compared_are_told_together(avssl, model, right, tmp_path):
    sound = sound_from(0.0)
    sound[:, : RATE + RATE // 4] = 0
    film(tmp_path / "a.mp4", sound=sound, metadata=False)
    result = avssl("align360", "a.mp4", "-m", model)
    assert result.exit_code == 0, result.stderr
    assert "Not compared: sound is silence: 0.00 to 1.00 s." in result.stderr
    assert "no spherical metadata: taken for equirectangular" in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a.mp4", "-o", "plot.jpg"], "got suffix '.jpg'; expected .png"),
        (["a.mp4", "-o", "there.png"], "pass --force to replace it"),
        (["a.mp4", "--fixed", "there.mp4"], "pass --force to replace it"),
        (["a.mp4", "--fixed", "a.mp4", "--force"], "got the film itself"),
        (["a.mp4", "--yaw", "30"], "--yaw: got without --fixed"),
        (["a.mp4", "--yaw", "30", "--fixed", "b.mp4", "--json"], "--yaw: got with -o or --json"),
        (["a.mp4", "--step", "7"], "step of yaw: got 7 degrees"),
        (["a.mp4", "--every", "0"], "every: got 0.0"),
        (["a.mp4", "--channels", "w,y"], "--channels: got 'w,y'"),
        (["a.mp4", "--projection", "cube"], "Did you mean 'cubemap'"),
        (["mute.mp4"], "sound of 'mute.mp4': got none"),
        (["silent.mp4"], "'silent.mp4': got sound is silence"),
        (["nowhere.mp4"], "nowhere.mp4"),
    ],
)
def test_mistakes_are_explained(avssl, model, films, tmp_path, words, text):
    shutil.copytree(films, tmp_path, dirs_exist_ok=True)
    for name in ("there.png", "there.mp4"):
        (tmp_path / name).touch()
    before = sorted(tmp_path.iterdir())
    result = avssl("align360", *words, "-m", model)
    assert result.exit_code == 2
    assert text in result.stderr
    assert sorted(tmp_path.iterdir()) == before
