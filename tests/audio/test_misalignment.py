"""Random rotations of sound: which axes they leave alone, and how often each comes up."""

import math

import pytest
import torch

from avssl_hub.audio.ambisonics import encode, mirrored, mono_towards, rotation_matrix, turn
from avssl_hub.audio.misalignment import MISALIGNMENTS, draw_misalignment, quaternion_matrix
from avssl_hub.errors import UnknownNameError

MANY = 4000


def drawn(mode):
    return draw_misalignment(mode, (MANY,), torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mode", MISALIGNMENTS)
def test_all_are_rotations(mode):
    rotations = drawn(mode)
    torch.testing.assert_close(rotations @ rotations.mT, torch.eye(3).double().expand(MANY, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(MANY).double())


def test_yaw_turns_about_the_vertical_by_any_angle():
    rotations = drawn("yaw")
    torch.testing.assert_close(rotations[:, 2], torch.tensor([0.0, 0.0, 1.0]).double().expand(MANY, 3))
    angles = torch.atan2(rotations[:, 1, 0], rotations[:, 0, 0])
    quarters = torch.histc(angles, 4, -math.pi, math.pi)
    # Four deviations of a binomial count.
    assert (quarters - MANY / 4).abs().max() < 4 * math.sqrt(MANY * 0.25 * 0.75)


def test_quaternions_turn_any_direction_to_all_equally():
    # The height of evenly spread unit vectors is uniform.
    for column in drawn("quaternion").unbind(-1):
        for height in column.unbind(-1):
            counts = torch.histc(height, 4, -1, 1)
            assert (counts - MANY / 4).abs().max() < 4 * math.sqrt(MANY * 0.25 * 0.75)


def test_pitch_and_yaw_come_in_the_order_of_the_name():
    # After a pitch and a yaw left is still level, and after a yaw and a pitch what comes out on the left was level.
    for mode, rows in (("pitch_yaw", drawn("pitch_yaw")), ("yaw_pitch", drawn("yaw_pitch").mT)):
        assert rows[:, 2, 1].abs().max() < 1e-12, mode
        # Pitches stay within a right angle: what was above is not below.
        assert rows[:, 2, 2].min() >= 0, mode
        assert rows[:, 2, 2].min() < 0.01, mode


def test_quaternions_name_left_up_and_forward():
    angle = 0.4
    half = (math.cos(angle / 2), math.sin(angle / 2))
    about_up = quaternion_matrix(torch.tensor([half[0], 0, half[1], 0]) * 3)
    torch.testing.assert_close(about_up, rotation_matrix(angle), rtol=0, atol=1e-6)
    # A right-handed turn about left takes forward down, and one about forward takes left up.
    about_left = quaternion_matrix(torch.tensor([half[0], half[1], 0, 0]))
    torch.testing.assert_close(about_left, rotation_matrix(0.0, -angle), rtol=0, atol=1e-6)
    about_forward = quaternion_matrix(torch.tensor([half[0], 0, 0, half[1]]))
    torch.testing.assert_close(about_forward, rotation_matrix(0.0, 0.0, angle), rtol=0, atol=1e-6)


def test_sounds_turn_mirror_and_are_heard_from_a_direction():
    azimuth, elevation = torch.tensor([0.5]), torch.tensor([-0.3])
    for order in (1, 2, 3):
        sound = encode(torch.ones(1, 2), azimuth, elevation, order=order)
        torch.testing.assert_close(mirrored(sound), encode(torch.ones(1, 2), -azimuth, elevation, order=order))
        turned = turn(sound, rotation_matrix(1.0))
        torch.testing.assert_close(turned, encode(torch.ones(1, 2), azimuth + 1, elevation, order=order))
    # W adds 1, and the others the cosine of the angle between.
    heard = mono_towards(
        encode(torch.ones(1, 2), azimuth, elevation), azimuth + torch.tensor([0.0, math.pi]), elevation
    )
    expected = torch.tensor([2.0, 1 + math.sin(0.3) ** 2 - math.cos(0.3) ** 2])
    torch.testing.assert_close(heard, expected[:, None, None].expand(2, 1, 2))


def test_unknown_modes_are_refused():
    with pytest.raises(UnknownNameError, match=r"unknown misalignment: got 'jaw'.*'yaw'"):
        draw_misalignment("jaw")
