"""``avssl data prepare``, ``train``, ``convert`` and ``demo``."""

import csv

import matplotlib.image
import pytest

from avssl_hub.media import SpatialAudio, SphericalVideo, probe, read_spatial_metadata
from tests.parity._rules import OWN_FIXTURES
from tests.pipelines.readable import film


def test_prepare_says_that_pixels_change(avssl, tmp_path):
    film(tmp_path / "a.mkv")
    result = avssl("data", "prepare", "a.mkv", "-o", "fast", "--gop", 5)
    assert result.exit_code == 0, result.stderr
    assert "changes pixels" in result.stderr
    assert result.stdout == "fast: 1 file written, 0 there already\n"
    assert probe("fast/a.mp4").video[0].codec == "h264"
    assert avssl("data", "prepare", "a.mkv", "-o", "fast", "--gop", 5).stdout.endswith(
        "0 files written, 1 there already\n"
    )


def test_prepare_stores_sound_at_the_rate_it_is_read_at(avssl, tmp_path):
    film(tmp_path / "a.mkv")
    result = avssl("data", "prepare", "a.mkv", "-o", "fast", "--sampling-rate", 16000)
    assert result.exit_code == 0, result.stderr
    (sound,) = probe("fast/a.mp4").audio
    assert (sound.codec, sound.sampling_rate, sound.channels) == ("flac", 16000, 1)
    otherwise = avssl("data", "prepare", "a.mkv", "-o", "fast")
    assert (otherwise.exit_code, "made with other sampling_rate" in otherwise.stderr) == (2, True)


def test_prepare_names_bad_files(avssl, tmp_path):
    (tmp_path / "bad.mp4").write_text("not a film")
    stopped = avssl("data", "prepare", "bad.mp4", "-o", "fast")
    assert (stopped.exit_code, "bad.mp4" in stopped.stderr) == (2, True)
    gone_on = avssl("data", "prepare", "bad.mp4", "-o", "fast", "--keep-going")
    assert (gone_on.exit_code, "1 file failed" in gone_on.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["avid/tiny_avwrld"], "Did you mean 'avid/tiny_avworld'"),
        (["avid/tiny_avworld", "loop.step=3"], "unknown recipe key in 'loop': got 'step'"),
        (["avid/tiny_avworld", "loop.steps=many"], "recipe key 'loop.steps': got 'many'"),
        (["avid/tiny_avworld", "steps"], "recipe override: got 'steps'; expected section.key=value"),
    ],
)
def test_recipe_mistakes_are_explained(avssl, tmp_path, words, text):
    result = avssl("train", *words, "-o", "run")
    assert result.exit_code == 2
    assert text in result.stderr
    assert not (tmp_path / "run").exists()


def test_train_makes_a_model_and_resumes(avssl, tmp_path):
    small = [
        "loop.steps=2",
        "loop.batch_size=2",
        "data.items=4",
        "objective.num_negatives=2",
        "optimizer.warmup_steps=0",
    ]
    result = avssl("train", "avid/tiny_avworld", *small, "-o", "run")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "run: trained as avid_tiny.avworld\n"
    assert (tmp_path / "run" / "model.safetensors").is_file()
    again = avssl("train", "avid/tiny_avworld", *small, "-o", "run")
    assert again.exit_code == 2
    assert "a folder that holds a run" in again.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["avid_cma.audioset"], "--checkpoint and --download: got neither; expected one of the two"),
        (["avid_cma.audioset", "--download", "--checkpoint", "x"], "got both; expected one of the two"),
        (["avid_cma.audiset", "--checkpoint", "x"], "Did you mean 'avid_cma.audioset'"),
        (["avid_cma.audioset", "--checkpoint", "nowhere.pth"], "nowhere.pth"),
    ],
)
def test_conversion_mistakes_are_explained(avssl, words, text):
    result = avssl("convert", *words)
    assert result.exit_code == 2
    assert text in result.stderr


def test_a_converted_checkpoint_is_found_from_then_on(avssl, tmp_path):
    checkpoint = OWN_FIXTURES / "avid_cma" / "checkpoint_avid_layout.pth.tar"
    result = avssl("convert", "avid.audioset", "--checkpoint", checkpoint)
    assert result.exit_code == 0, result.stderr
    folder = tmp_path / "home" / "models" / "avid.audioset"
    assert f"267 tensors written to {folder}" in result.stdout
    (line,) = avssl("ls", "avid.audioset").stdout.splitlines()[1:]
    assert line.split()[-1] == "here"
    refused = avssl("convert", "avid.audioset", "--checkpoint", checkpoint)
    assert (refused.exit_code, "Pass --force to replace it" in refused.stderr) == (2, True)


def test_demo_shows_avworld(avssl, tmp_path, avid_folder):
    result = avssl("demo", "-m", avid_folder, "-o", "shown")
    assert result.exit_code == 0, result.stderr
    clips = sorted((tmp_path / "shown" / "clips").glob("*.mp4"))
    assert len(clips) == 10
    assert all(probe(clip).has_video and probe(clip).has_audio for clip in clips)
    with open(tmp_path / "shown" / "clips" / "labels.csv", newline="") as file:
        assert sorted(int(row["class"]) for row in csv.DictReader(file)) == list(range(10))
    height, width, _ = matplotlib.image.imread(tmp_path / "shown" / "similarity.png").shape
    assert 1000 < width < height * 1.2
    assert result.stdout.count("object") == 20
    assert "of 10 pictures find their own sound" in result.stdout
    refused = avssl("demo", "-m", avid_folder, "-o", "shown")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert avssl("demo", "-m", avid_folder, "-o", "shown", "--force").exit_code == 0


def test_demo_spatialises_a_360_clip(avssl, tmp_path):
    result = avssl("demo", "--spatial", "-o", "shown")
    assert result.exit_code == 0, result.stderr
    for name in ("clip360/avworld360_test_000000.mp4", "spatial.mp4"):
        found = read_spatial_metadata(tmp_path / "shown" / name)
        assert (found.video, found.audio) == (SphericalVideo(), SpatialAudio())
    assert probe(tmp_path / "shown" / "binaural.wav").audio[0].channels == 2
    assert probe(tmp_path / "shown" / "heat.mp4").has_video
    refused = avssl("demo", "--spatial", "-o", "shown")
    assert (refused.exit_code, "--force" in refused.stderr) == (2, True)
    assert "avssl spatialize FILM" in avssl("demo", "mine", "--spatial").stderr


def test_demo_shows_your_own_clips(avssl, tmp_path, avid_folder):
    (tmp_path / "mine").mkdir()
    film(tmp_path / "mine" / "a_film_with_a_very_long_name.mp4", seed=1)
    film(tmp_path / "mine" / "mute.mp4", seconds_of_sound=0)
    result = avssl("demo", "mine", "-m", avid_folder, "-o", "shown")
    assert result.exit_code == 0, result.stderr
    assert "Without sound, so in no column: mute" in result.stdout
    assert "a_film…ng_name" in result.stdout
    assert not (tmp_path / "shown" / "clips").exists()
