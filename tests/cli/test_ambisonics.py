"""``avssl ambisonics`` from the shell."""

import pytest
import torch

from avssl_hub.media import read_sound, write_sound
from tests.pipelines.ambisonics.conftest import RATE, scene, written  # noqa: F401


def test_info_shows_channels_and_directions(avssl, written):  # noqa: F811
    written(scene(90, 30, 2), name="a.wav")
    result = avssl("ambisonics", "info", "a.wav")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == ["a.wav: 9 channels, order 2, 16000 Hz, 1.00 s", "convention: ambix, assumed"]
    assert ["90°", "30°", "100%"] in [line.split() for line in lines]
    assert "no convention stated, read as ambix" in result.stderr
    stated = avssl("ambisonics", "info", "a.wav", "-c", "n3d")
    assert "convention: n3d, given" in stated.stdout
    assert "ambix fits clearly better than n3d; see --convention." in stated.stderr


def test_info_of_silence_says_so(avssl, written):  # noqa: F811
    written(torch.zeros(4, 100), name="a.wav")
    result = avssl("ambisonics", "info", "a.wav", "-c", "ambix")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "the sound is silent"


def test_rotate_binauralize_and_map_write_files(avssl, written, tmp_path):  # noqa: F811
    written(40 * scene(-90), name="a.wav")
    turned = avssl("ambisonics", "rotate", "a.wav", "-o", "b.wav", "--yaw", 90, "--to", "fuma")
    assert turned.stdout == "b.wav: 4 channels, fuma, turned by 90°, 0°, 0°\n"
    assert "players cut what is beyond 1" in turned.stderr
    w, x, y, _ = read_sound(tmp_path / "b.wav")[0]
    torch.testing.assert_close(x, w * 2**0.5)
    assert y.abs().max() < 1e-3
    heard = avssl("ambisonics", "binauralize", "a.wav", "-o", "c.wav", "-c", "ambix")
    assert heard.stdout == "c.wav: heard through a rigid sphere, head turned by 0°\n"
    left, right = read_sound(tmp_path / "c.wav")[0].square().mean(1)
    assert right > left
    for name in ("d.png", "d.npz"):
        mapped = avssl("ambisonics", "map", "a.wav", "-o", name, "--resolution", 30, "--every", 0.25)
        assert mapped.stdout == f"{name}: 4 maps of 7 × 12 directions, 0.25 s apart\n"
    again = avssl("ambisonics", "map", "a.wav", "-o", "d.png")
    assert again.exit_code == 2
    assert "--force" in again.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["info", "stereo.wav"], "channels of stereo.wav: got 2; expected 4, 9 or 16"),
        (["info", "a.wav", "-c", "fumma"], "Did you mean 'fuma'"),
        (["info", "absent.wav"], "absent.wav"),
        (["rotate", "a.wav", "-o", "out.mp4"], "expected .wav"),
        (["binauralize", "a.wav", "-o", "out.wav", "--hrir", "stereo.wav"], "stereo.wav: got 2 channels"),
        (["map", "a.wav", "-o", "out.jpg"], "expected one of .png, .npz"),
        (["map", "a.wav", "-o", "out.png", "--method", "plane"], "Did you mean 'plane_wave'"),
    ],
)
def test_mistakes_are_explained(avssl, written, tmp_path, words, text):  # noqa: F811
    written(scene(0), name="a.wav")
    write_sound(tmp_path / "stereo.wav", torch.zeros(2, 100), RATE)
    result = avssl("ambisonics", *words)
    assert result.exit_code == 2
    assert text in " ".join(result.stderr.split())
