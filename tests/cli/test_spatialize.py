"""``avssl spatialize`` from the shell."""

import pytest

from avssl_hub.media import SpatialAudio, SphericalVideo, probe, read_spatial_metadata, write_media
from tests.pipelines.spatializing import film, network, pictures, processor


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the folder of a small model."""
    folder = tmp_path_factory.mktemp("models") / "small"
    made = network()
    made.save_pretrained(folder)
    processor(made).save_pretrained(folder)
    return folder


def test_spatialize_writes_all_and_says_so(avssl, model, tmp_path):
    film(tmp_path / "a.mp4")
    outputs = ("-o", "film.mp4", "--wav", "sound.wav", "--binaural", "ears.wav", "--heat", "heat.mp4")
    result = avssl("spatialize", "a.mp4", "-m", model, *outputs, "--yaw", 90, "--lossless", "--running-stats")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("film.mp4, sound.wav, ears.wav, heat.mp4: 1.")
    assert "no spherical metadata: taken for equirectangular" in result.stderr
    found = read_spatial_metadata("film.mp4")
    assert (found.video, found.audio) == (SphericalVideo(), SpatialAudio())
    assert [probe(name).audio[0].channels for name in ("film.mp4", "sound.wav", "ears.wav")] == [4, 4, 2]
    released = avssl("spatialize", "film.mp4", "-m", model, "--wav", "b.wav", "--windows", "released")
    assert released.exit_code == 0, released.stderr
    assert "sound of 4 channels taken for ambisonics" in released.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a.mp4"], "got none; expected one or more"),
        (["a.mp4", "-o", "there.mp4"], "pass --force to replace it"),
        (["a.mp4", "-o", "a.mp4", "--force"], "got the film itself"),
        (["flat.mp4", "-o", "out.mp4"], "pass --projection equirectangular"),
        (["a.mp4", "-o", "out.mp4", "--projection", "cube"], "Did you mean 'cubemap'"),
        (["mute.mp4", "-o", "out.mp4"], "no audio stream in 'mute.mp4'"),
        (["a.mp4", "-o", "out.mp4", "--windows", "none"], "unknown rule for windows: got 'none'"),
        (["nowhere.mp4", "-o", "out.mp4"], "nowhere.mp4"),
    ],
)
def test_mistakes_in_spatialising_are_explained(avssl, model, tmp_path, words, text):
    film(tmp_path / "a.mp4")
    film(tmp_path / "flat.mp4", frames=pictures(16, 48, 64))
    write_media(tmp_path / "mute.mp4", pictures(4), 10)
    (tmp_path / "there.mp4").touch()
    before = sorted(tmp_path.iterdir())
    result = avssl("spatialize", *words, "-m", model)
    assert result.exit_code == 2
    assert text in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_flat_film_may_be_taken_for_a_sphere(avssl, model, tmp_path):
    film(tmp_path / "flat.mp4", frames=pictures(16, 48, 64))
    result = avssl("spatialize", "flat.mp4", "-m", model, "-o", "out.mp4", "--projection", "equirectangular")
    assert result.exit_code == 0, result.stderr
    assert "squeezed to twice as wide as high" in result.stderr
    assert read_spatial_metadata("out.mp4").video == SphericalVideo()
