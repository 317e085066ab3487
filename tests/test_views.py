"""Views of picture and sound together."""

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


def test_unknown_ways_are_refused():
    with pytest.raises(UnknownNameError, match="unknown projection of views: got 'camara'"):
        ViewCutter(projection="camara")
    with pytest.raises(UnknownNameError, match="unknown order of turns"):
        face(torch.zeros(4, 1), 0.0, 0.0, "roll_first")
