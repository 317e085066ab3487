"""Scenes of known sources: encoded, decoded and rotated."""

from math import pi

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import (
    angle_between,
    angles_of,
    decode,
    decode_to_design,
    encode,
    encode_at_distance,
    encode_moving,
    rotate,
    rotation_matrix,
    t_design,
    unit_vectors,
)
from avssl_hub.errors import InvalidValueError, UnknownNameError

ORDERS = [1, 2, 3]


@pytest.fixture
def signals():
    return torch.from_numpy(np.random.RandomState(1).standard_normal((3, 64)))


@pytest.fixture
def angles():
    return torch.tensor([[0.4, -2.0, 1.3], [0.2, -1.1, 1.5]], dtype=torch.float64)


def random_ambisonics(order, *batch):
    return torch.from_numpy(np.random.RandomState(order).standard_normal((*batch, (order + 1) ** 2, 32)))


def test_angles_and_vectors_agree(angles):
    forward, left, up = unit_vectors(torch.tensor([0, pi / 2, 0.5]), torch.tensor([0, 0, pi / 2]))
    torch.testing.assert_close(torch.stack([forward, left, up]), torch.eye(3))
    torch.testing.assert_close(torch.stack(angles_of(3 * unit_vectors(*angles))), angles)
    assert angle_between(torch.tensor([1.0, 0, 0]), torch.tensor([-2.0, 0, 0])).item() == pytest.approx(pi)
    small = torch.tensor([1.0, 1e-6, 0], dtype=torch.float64)
    assert angle_between(torch.tensor([1.0, 0, 0], dtype=torch.float64), small).item() == pytest.approx(1e-6)


def test_source_that_moves_is_encoded_sample_by_sample(signals):
    azimuth = torch.linspace(0, 1, 64, dtype=torch.float64).expand(3, 64)
    moving = encode_moving(signals, azimuth, torch.zeros_like(azimuth), 2)
    for sample in (0, 40):
        there = torch.full((3,), azimuth[0, sample].item(), dtype=torch.float64)
        still = encode(signals, there, torch.zeros_like(there), 2)
        torch.testing.assert_close(moving[:, sample], still[:, sample])


def test_distance_delays_and_weakens_only_beyond_the_near_radius(signals):
    # 3.43 m beyond 1 m take 10 ms: ten samples and a half at 1050 Hz, of which the whole ones count.
    positions = torch.tensor([[0.5, 0, 0], [4.43, 0, 0]], dtype=torch.float64)
    sound = encode_at_distance(signals[:2], positions, sampling_rate=1050)
    late = torch.cat([torch.zeros(10, dtype=torch.float64), signals[1, :-10]]) / 4.43
    torch.testing.assert_close(sound[0], signals[0] + late)
    assert torch.isfinite(encode_at_distance(signals[:1], torch.tensor([[900.0, 0, 0]]), 1000)).all()


@pytest.mark.parametrize("order", ORDERS)
def test_plane_wave_beam_hears_its_own_direction_as_it_is(signals, angles, order):
    single = encode(signals[:1], angles[0, :1], angles[1, :1], order)
    heard = decode(single, angles[0, :1], angles[1, :1], method="plane_wave")
    torch.testing.assert_close(heard, signals[:1])
    behind = decode(single, angles[0, :1] + pi, -angles[1, :1], method="plane_wave")
    # A sum of (2n + 1) (-1)^n over (N + 1)^2 is left of what lies opposite.
    expected = sum((2 * n + 1) * (-1) ** n for n in range(order + 1)) / (order + 1) ** 2
    torch.testing.assert_close(behind, expected * signals[:1])


@pytest.mark.parametrize("order", ORDERS)
def test_decoding_to_a_design_loses_nothing(order):
    sound = random_ambisonics(order, 2)
    speakers, vectors = decode_to_design(sound)
    torch.testing.assert_close(encode(speakers, *angles_of(vectors), order), sound)
    # Speakers that are spread evenly share the beams' sound equally.
    beams = decode(sound, *angles_of(vectors), method="plane_wave")
    torch.testing.assert_close(speakers, beams * (order + 1) ** 2 / len(vectors))


@pytest.mark.parametrize(("degree", "points"), [(1, 4), (2, 4), (3, 6), (4, 12), (5, 12), (6, 24), (7, 24)])
def test_designs_average_monomials_as_the_sphere_does(degree, points):
    design = t_design(degree)
    assert design.shape == (points, 3)
    torch.testing.assert_close(design.norm(dim=1), torch.ones(points, dtype=torch.float64))

    def double_factorial(number):
        return 1 if number < 2 else number * double_factorial(number - 2)

    for i in range(degree + 1):
        for j in range(degree + 1 - i):
            for k in range(degree + 1 - i - j):
                mean = (design[:, 0] ** i * design[:, 1] ** j * design[:, 2] ** k).mean().item()
                # The mean over the sphere of x^i y^j z^k.
                even = not (i % 2 or j % 2 or k % 2)
                product = double_factorial(i - 1) * double_factorial(j - 1) * double_factorial(k - 1)
                expected = product / double_factorial(i + j + k + 1) if even else 0
                assert mean == pytest.approx(expected, abs=1e-12), (i, j, k)


def test_axes_turn_the_way_they_are_said_to():
    forward, left, up = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(rotation_matrix(pi / 2) @ forward, left)
    torch.testing.assert_close(rotation_matrix(0, pi / 2) @ forward, up)
    torch.testing.assert_close(rotation_matrix(0, 0, pi / 2) @ left, up)
    # Roll comes first and yaw last: left rolls up, pitch leans it back, yaw takes back to the right.
    torch.testing.assert_close(rotation_matrix(pi / 2, pi / 2, pi / 2) @ left, -left)


@pytest.mark.parametrize("order", ORDERS)
def test_rotated_scene_is_the_scene_of_rotated_sources(signals, angles, order):
    turn = (0.7, -0.4, 2.5)
    moved = unit_vectors(*angles) @ rotation_matrix(*turn).T
    rotated = rotate(encode(signals, *angles, order), *turn)
    torch.testing.assert_close(rotated, encode(signals, *angles_of(moved), order))


def test_yaw_of_first_order_is_the_augmentation_of_the_paper():
    sound, yaw = random_ambisonics(1), torch.tensor([0.3, -2.0], dtype=torch.float64)
    w, y, z, x = sound
    for one, angle in zip(rotate(sound.expand(2, 4, 32), yaw), yaw):
        expected = [w, y * angle.cos() + x * angle.sin(), z, x * angle.cos() - y * angle.sin()]
        torch.testing.assert_close(one, torch.stack(expected))


def test_rotation_and_encoding_can_be_trained_through(signals):
    angle = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    sound = random_ambisonics(2)[..., :4]
    assert torch.autograd.gradcheck(lambda turn: rotate(sound, turn, 0.2 * turn, -turn), angle)
    few = signals[:, :4].clone().requires_grad_()
    azimuth = torch.tensor([0.1, 0.2, 3.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s, a: encode(s, a, torch.zeros_like(a), 3), (few, azimuth))


def test_bad_requests_are_refused(signals):
    with pytest.raises(InvalidValueError, match="channels of ambisonic sound: got 2; expected 4, 9 or 16"):
        rotate(signals[:2], 0.1)
    with pytest.raises(UnknownNameError, match="Did you mean 'projection'"):
        decode(random_ambisonics(1), torch.zeros(1), torch.zeros(1), method="project")
    with pytest.raises(InvalidValueError, match="got 8; expected a whole number from 1 to 7"):
        t_design(8)
    with pytest.raises(InvalidValueError, match="got 3; expected at least 4"):
        decode_to_design(random_ambisonics(2), degree=3)
