"""Views of picture and sound together."""

import math

import pytest
import torch

from avssl_hub.audio.ambisonics import angle_between, angles_of, encode, face
from avssl_hub.errors import UnknownNameError
from avssl_hub.video.equirectangular import pixel_directions
from avssl_hub.video.views import Views
from avssl_hub.views import ViewCutter


@pytest.mark.parametrize("turns", ["yaw_first", "pitch_first"])
def test_sounds_are_turned_as_named(turns):
    azimuth, elevation = torch.tensor([1.1]), torch.tensor([0.6])
    sound = encode(torch.ones(1, 1, dtype=torch.float64), azimuth, elevation)
    heard = face(sound, azimuth, elevation, turns)[0, [3, 1, 2], 0]
    front = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    if turns == "yaw_first":
        torch.testing.assert_close(heard, front, rtol=0, atol=1e-7)
    else:
        # Straight ahead only without one of the angles.
        assert angle_between(heard, front) > 0.1
        for one, other in ((azimuth, 0 * elevation), (0 * azimuth, elevation)):
            sound = encode(torch.ones(1, 1, dtype=torch.float64), one, other)
            heard = face(sound, one, other, turns)[0, [3, 1, 2], 0]
            torch.testing.assert_close(heard, front, rtol=0, atol=1e-7)


def test_picture_and_sound_of_a_view_agree():
    # A spot and the sound that comes from it, and a camera that looks beside it.
    height = 64
    frames = torch.zeros(1, 3, height, 2 * height)
    frames[..., 25, 40] = 255
    azimuth, elevation = (angles[25, 40][None] for angles in pixel_directions(height, 2 * height))
    sound = encode(torch.ones(1, 1), azimuth, elevation)
    half = torch.tensor([0.6])
    views = Views.facing(azimuth + 0.2, elevation - 0.1, half, half)
    cutter = ViewCutter((60, 60), "camera", "yaw_first")
    spot = cutter.pictures(frames.to(torch.uint8), views)[0, 0, 0].flatten().argmax().item()
    heard = angles_of(cutter.sounds(sound, views)[0, [3, 1, 2], 0])
    # A pixel is a fiftieth wide at the tangent plane; rows fall, columns fall to the right.
    left, up = (0.6 * (1 - (2 * place + 1) / 60) for place in (spot % 60, spot // 60))
    assert heard[0].tan() == pytest.approx(left, abs=0.03)
    assert heard[1].tan() / heard[0].cos() == pytest.approx(up, abs=0.03)


def test_one_channel_hears_a_view_by_the_papers_formula():
    w, y, z, x = sound = torch.randn(4, 30, generator=torch.Generator().manual_seed(0))
    phi, nu = torch.tensor([0.4, -2.0]), torch.tensor([0.3, 0.9])
    half = torch.ones(2)
    heard = ViewCutter(hearing="mono").sounds(sound, Views.facing(phi, nu, half, half))
    assert heard.shape == (2, 1, 30)
    for own, (a, e) in zip(heard[:, 0], zip(phi.tolist(), nu.tolist())):
        expected = w + y * math.sin(a) * math.cos(e) + z * math.sin(e) + x * math.cos(a) * math.cos(e)
        torch.testing.assert_close(own, expected)


def test_two_ears_hear_a_view_as_a_head_that_faces_it():
    sound = torch.randn(2, 4, 400, generator=torch.Generator().manual_seed(0))
    filters = torch.randn(4, 2, 9, generator=torch.Generator().manual_seed(1))
    half = torch.ones(2, 2)
    views = Views.facing(torch.tensor([[0.4, -2.0], [1.0, 0.0]]), torch.zeros(2, 2), half, half)
    heard = ViewCutter(hearing="stereo", head=filters).sounds(sound, views)
    assert heard.shape == (2, 2, 2, 400)
    # One sample of one ear, written out.
    turned = face(sound[1], views.azimuth[1, 0], views.elevation[1, 0], "pitch_first")
    expected = sum(filters[c, 1, tap] * turned[c, 123 - tap] for c in range(4) for tap in range(9))
    assert heard[1, 0, 1, 123].item() == pytest.approx(expected.item(), abs=1e-4)


def test_unknown_ways_are_refused():
    with pytest.raises(UnknownNameError, match="unknown projection of views: got 'camara'"):
        ViewCutter(projection="camara")
    with pytest.raises(UnknownNameError, match="unknown hearing of views: got 'quad'"):
        ViewCutter(hearing="quad")
    with pytest.raises(UnknownNameError, match="unknown order of turns"):
        face(torch.zeros(4, 1), 0.0, 0.0, "roll_first")
