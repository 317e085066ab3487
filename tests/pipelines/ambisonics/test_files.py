"""Reports, turned and binaural files and maps of files whose directions are known."""

import wave
from math import degrees, radians

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from avssl_hub.audio.ambisonics import rotate
from avssl_hub.audio.binaural import binauralize
from avssl_hub.audio.head_model import spherical_head
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import read_sound
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines.ambisonics.figure import draw_power_maps
from avssl_hub.pipelines.ambisonics.maps import map_ambisonics, write_power_maps
from avssl_hub.pipelines.ambisonics.render import binauralize_file, rotate_file
from avssl_hub.pipelines.ambisonics.report import inspect_ambisonics
from avssl_hub.pipelines.ambisonics.source import AmbisonicSound

from .conftest import RATE, scene


def inspected(path, convention=None):
    with AmbisonicSound(path, convention) as sound:
        return inspect_ambisonics(sound)


def test_report_tells_levels_directions_and_convention(written):
    # The first direction for 2 s, then the other for 1 s.
    made = torch.cat([scene(60, 30, seconds=2), scene(-120)], 1)
    report = inspected(written(made, "fuma"), "fuma")
    assert report.seconds == 3
    assert [level.name for level in report.levels] == ["W", "X", "Y", "Z"]
    fuma = torch.stack([made[0] / 2**0.5, made[3], made[1], made[2]])
    assert [level.rms for level in report.levels] == pytest.approx(fuma.square().mean(1).sqrt().tolist(), rel=1e-5)
    assert [level.peak for level in report.levels] == pytest.approx(fuma.abs().amax(1).tolist(), rel=1e-5)
    found = [(degrees(place.azimuth), degrees(place.elevation), place.share) for place in report.directions]
    assert found[0] == pytest.approx((60, 30, 2 / 3), abs=0.05)
    assert found[1] == pytest.approx((-120, 0, 1 / 3), abs=0.05)
    assert report.diffuseness == pytest.approx(0, abs=1e-3)
    assert report.misfits["fuma"] < 0.01 < report.misfits["n3d"] < report.misfits["ambix"]


def test_silence_has_levels_but_neither_directions_nor_misfits(written):
    report = inspected(written(torch.zeros(4, RATE)))
    assert [level.rms for level in report.levels] == [0] * 4
    assert (report.directions, report.diffuseness, report.misfits) == ((), 1, {})


def test_scene_without_height_lies_on_the_horizon(written):
    made = scene(45, 30)
    made[2] = 0
    (found,) = inspected(written(made)).directions
    assert (degrees(found.azimuth), found.elevation) == pytest.approx((45, 0), abs=0.01)


def test_turned_file_holds_the_rotated_scene_in_the_wanted_convention(written, tmp_path):
    made = scene(10, 20, 2, seconds=2.3)
    with AmbisonicSound(written(made, "fuma"), "fuma") as sound:
        peak = rotate_file(sound, tmp_path / "turned.wav", *map(radians, (40, -15, 70)), convention="ambix")
    turned, rate = read_sound(tmp_path / "turned.wav")
    assert (rate, peak) == (RATE, pytest.approx(turned.abs().max().item()))
    torch.testing.assert_close(turned, rotate(made, *map(radians, (40, -15, 70))), rtol=0, atol=1e-5)


def test_file_that_is_only_converted_keeps_its_samples(written, tmp_path):
    path = written(scene(10, 20), "n3d")
    with AmbisonicSound(path, "n3d") as sound:
        rotate_file(sound, tmp_path / "same.wav")
    torch.testing.assert_close(read_sound(tmp_path / "same.wav")[0], read_sound(path)[0], rtol=0, atol=1e-6)


def test_binaural_file_is_what_the_turned_head_hears(written, tmp_path):
    made = scene(0, seconds=2.3)
    with AmbisonicSound(written(made)) as sound:
        binauralize_file(sound, tmp_path / "ears.wav", yaw=radians(90))
    ears, rate = read_sound(tmp_path / "ears.wav")
    expected = binauralize(rotate(made, radians(-90)), spherical_head(RATE).filters(1, RATE))
    assert rate == RATE
    torch.testing.assert_close(ears, expected, rtol=0, atol=1e-5)
    left, right = ears.square().mean(1)
    assert right > 1.5 * left  # what is ahead of the body lies at the right of a head that looks left


@pytest.mark.parametrize("write", [rotate_file, binauralize_file])
def test_outputs_are_not_replaced_and_nothing_is_left_of_a_failure(written, tmp_path, write):
    made = scene(0, seconds=2)
    made[0, -1] = float("nan")
    with AmbisonicSound(written(made)) as sound:
        for name, text in (("out.mp4", "expected .wav"), ("scene.wav", "exists already")):
            with pytest.raises(OutputError, match=text):
                write(sound, tmp_path / name)
        with pytest.raises(Exception, match="NaN or infinity"):
            write(sound, tmp_path / "out.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.wav"]


def test_maps_show_when_and_where(written, tmp_path):
    made = torch.cat([scene(90, 0, seconds=1), scene(-30, 60, seconds=1.25)], 1)
    with AmbisonicSound(written(made)) as sound:
        maps = map_ambisonics(sound, every=0.5, resolution_degrees=30)
    assert maps.times.tolist() == [0, 0.5, 1, 1.5, 2]
    for index, place in ((1, (90, 0)), (2, (-30, 60))):
        loudest = maps.maps[index].argmax()
        found = maps.azimuth_degrees.flatten()[loudest].item(), maps.elevation_degrees.flatten()[loudest].item()
        assert found == pytest.approx(place)
    # A projection of first order hears a plane wave twice as loud as W.
    assert maps.maps[0].max().item() == pytest.approx(2 * made[0, : RATE // 2].square().mean().sqrt().item(), rel=1e-5)
    # The mean is of the sound's own 2.25 s, whatever the last window is filled with.
    powers = maps.maps.square().sum(0) * 0.5 / 2.25
    torch.testing.assert_close(maps.mean.float(), powers.sqrt(), rtol=1e-5, atol=1e-7)
    write_power_maps(maps, tmp_path / "maps.npz")
    with np.load(tmp_path / "maps.npz") as file:
        assert file["maps"].shape == (5, 7, 12)
        assert file["azimuth_degrees"][0, 0] == pytest.approx(150)


def test_picture_is_bright_where_the_sound_is(written, tmp_path):
    with AmbisonicSound(written(scene(90))) as sound:
        draw_power_maps(map_ambisonics(sound, resolution_degrees=15), tmp_path / "map.png", "scene")
    picture = imread(tmp_path / "map.png")[..., :3]
    height, width = picture.shape[:2]
    upper = picture[height // 4, : int(0.8 * width)].mean(-1)
    # The sphere's left half is the left of the picture.
    assert upper[int(0.2 * width) : int(0.3 * width)].mean() > 2 * upper[int(0.6 * width) : int(0.7 * width)].mean()


def test_silent_picture_is_drawn(written, tmp_path):
    with AmbisonicSound(written(torch.zeros(4, RATE))) as sound:
        draw_power_maps(map_ambisonics(sound, resolution_degrees=30), tmp_path / "map.png", "silence")
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_bad_requests_for_maps_are_refused(written):
    with AmbisonicSound(written(scene(0))) as sound:
        with pytest.raises(InvalidValueError, match="seconds between maps: got 0"):
            map_ambisonics(sound, every=0)
        with pytest.raises(InvalidValueError, match="grid resolution: got 7"):
            map_ambisonics(sound, resolution_degrees=7)


def test_file_without_samples_is_refused(tmp_path):
    path = tmp_path / "empty.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((4, 2, RATE, 0, "NONE", ""))
    with AmbisonicSound(path) as sound, pytest.raises(InvalidValueError, match=r"samples of .*empty\.wav: got none"):
        inspect_ambisonics(sound)
