"""Power maps and intensity vectors of scenes whose directions are known."""

from math import pi

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import (
    angle_between,
    arrival,
    decode,
    encode,
    map_of_covariance,
    open_grid,
    picture_grid,
    power_map,
    unit_vectors,
    window_covariance,
)
from avssl_hub.audio.ambisonics.dominant import dominant_directions
from avssl_hub.errors import InvalidValueError


@pytest.fixture
def noise():
    return torch.from_numpy(np.random.RandomState(2).standard_normal((1, 1000)))


def plane_wave(noise, azimuth, elevation, order=1):
    return encode(noise, torch.tensor([azimuth]), torch.tensor([elevation]), order)


def test_grids_lie_as_a_picture_does_and_as_the_second_class():
    azimuth, elevation = (torch.rad2deg(angles) for angles in picture_grid(45))
    assert azimuth[2].tolist() == pytest.approx([135, 90, 45, 0, -45, -90, -135, -180])
    assert elevation[:, 3].tolist() == pytest.approx([90, 45, 0, -45, -90])
    azimuth, elevation = (torch.rad2deg(angles) for angles in open_grid(90))
    assert azimuth[1].tolist() == pytest.approx([90, 0, -90, -180])
    assert elevation[:, 0].tolist() == pytest.approx([-90, 0])


@pytest.mark.parametrize("resolution", [0, -5, 7, 400])
def test_grid_that_does_not_close_is_refused(resolution):
    with pytest.raises(InvalidValueError, match=f"grid resolution: got {resolution}; expected"):
        picture_grid(resolution)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("method", ["projection", "plane_wave"])
def test_map_is_the_level_of_what_is_decoded_and_peaks_at_the_source(noise, order, method):
    sound = plane_wave(noise, pi / 2, pi / 6, order)
    grid = picture_grid(30)
    maps = power_map(sound, *grid, window=300, method=method)
    assert maps.shape == (3, 7, 12)
    flat = [angles.flatten() for angles in grid]
    expected = decode(sound[:, 300:600], *flat, method=method).square().mean(-1).sqrt()
    torch.testing.assert_close(maps[1].flatten(), expected, rtol=1e-9, atol=1e-7)
    row, column = divmod(maps[1].argmax().item(), 12)
    assert (row, column) == (2, 2)  # 30 degrees up, 90 degrees to the left


def test_single_precision_keeps_the_direction_in_which_nothing_is_heard(noise):
    sound = plane_wave(noise.float(), 0.0, 0.0)
    there, opposite = power_map(sound, torch.tensor([0.0, pi]), torch.zeros(2))
    assert opposite.dtype == torch.float32
    assert opposite < 1e-6 * there


def test_map_of_a_long_sound_is_the_mean_of_its_parts(noise):
    sound = plane_wave(noise, 0.3, 0.1)
    grid = picture_grid(90)
    whole = power_map(sound, *grid)
    torch.testing.assert_close(map_of_covariance(window_covariance(sound, 250).mean(0), *grid), whole)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (2.5, -0.6), (-1.0, 1.2)])
def test_intensity_points_at_a_plane_wave(noise, azimuth, elevation, order):
    found = arrival(plane_wave(0.1 * noise, azimuth, elevation, order), window=500)
    expected = unit_vectors(torch.tensor(azimuth), torch.tensor(elevation)).double()
    assert angle_between(unit_vectors(found.azimuth, found.elevation), expected).max() < 1e-6
    torch.testing.assert_close(found.level, 0.1 * noise.reshape(2, 500).square().mean(1).sqrt())
    assert found.diffuseness.abs().max() < 1e-6


def test_sound_from_both_sides_is_diffuse_and_silence_too(noise):
    other = torch.from_numpy(np.random.RandomState(3).standard_normal((1, 1000)))
    both = plane_wave(noise, pi / 2, 0.0) + plane_wave(other, -pi / 2, 0.0)
    assert arrival(both, window=1000).diffuseness.item() > 0.9
    silent = arrival(torch.zeros(4, 100), window=100)
    assert [field.item() for field in silent] == [0, 0, 0, 1]


def test_sound_shorter_than_a_window_is_refused(noise):
    with pytest.raises(InvalidValueError, match="got 1000; expected a window of 1001 or more"):
        power_map(plane_wave(noise, 0.0, 0.0), *picture_grid(30), window=1001)
    with pytest.raises(InvalidValueError, match="channels of ambisonic sound: got 6"):
        arrival(torch.zeros(6, 100), window=10)


def test_windows_are_grouped_by_direction_strongest_first():
    rng = np.random.RandomState(8)
    ahead = torch.tensor([1.0, 0, 0]) + torch.from_numpy(0.02 * rng.standard_normal((60, 3))).float()
    # Around the back, where azimuth jumps from 180 to -180 degrees.
    behind = 0.5 * (torch.tensor([-1.0, 0, 0]) + torch.from_numpy(0.02 * rng.standard_normal((60, 3))).float())
    up = torch.tensor([[0, 0, 1e-3]])
    first, second = dominant_directions(torch.cat([behind, up, ahead]))
    assert (first.azimuth, first.elevation) == pytest.approx((0, 0), abs=0.02)
    assert (abs(second.azimuth), second.elevation) == pytest.approx((pi, 0), abs=0.02)
    assert (first.share, second.share) == pytest.approx((2 / 3, 1 / 3), abs=0.01)


def test_silence_has_no_direction():
    assert dominant_directions(torch.zeros(5, 3)) == []
    assert len(dominant_directions(torch.eye(3), most=2)) == 2
