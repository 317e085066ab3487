"""AVSA's views, rotations, misalignments and log-mels against outputs of the authors' code."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import avssl_hub
from avssl_hub.audio.ambisonics import face, mirrored, mono_towards, rotate, rotation_matrix, turn
from avssl_hub.audio.mel import mel_bands
from avssl_hub.audio.misalignment import quaternion_matrix
from avssl_hub.audio.spectrogram import fit_length, log_mel_spectrogram, to_mono
from avssl_hub.video.released_views import cut_labels_as_released, cut_pictures_as_released, sphere_coordinates
from avssl_hub.video.views import Views
from avssl_hub.views import ViewCutter

from ._rules import assert_matches, fixture_files, load_fixture, waveform

# Sums of float32 in another order; levels as the fixtures' authors suggest.
SOUND_TOLERANCE, DECIBELS = 1e-6, 1e-4

geometry = pytest.mark.parametrize("path", fixture_files("avsa", "geometry*.npz"))
log_mel = pytest.mark.parametrize("path", fixture_files("avsa", "log_mel*.npz"))


def drawn_frame(seed, height, width):
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, 3))
    return torch.from_numpy(pixels.astype(np.uint8)).permute(2, 0, 1)


def drawn_labels(seed, height, width, classes):
    return torch.from_numpy(np.random.RandomState(seed).randint(0, classes, (height, width)).astype(np.uint8))


def drawn_sound(meta, arrays):
    samples = arrays["view0__mono"].shape[1]
    return torch.from_numpy(np.random.RandomState(meta["foa_seed"]).standard_normal((4, samples)))


def assert_sampled(actual, expected, total):
    """Compare a picture ``(h, w, ...)`` bit for bit with one of which pixels in equal steps are stored."""
    assert actual.sum() == total
    steps = [-(-size // stored) for size, stored in zip(actual.shape[:2], expected.shape)]
    np.testing.assert_array_equal(actual[:: steps[0], :: steps[1]], expected)


def assert_sound(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=SOUND_TOLERANCE * np.abs(expected).max())


@geometry
def test_views_match_bit_for_bit(path):
    meta, arrays = load_fixture(path)
    size = (meta["crop"], meta["crop"])
    views = Views(torch.from_numpy(arrays["views"]))
    pictures = cut_pictures_as_released(drawn_frame(*meta["frame"])[None], views, size)
    labels = cut_labels_as_released(drawn_labels(*meta["segm"]), views, size)
    coordinates = torch.stack(sphere_coordinates(views.rows, size), -1)
    for number in range(len(views.rows)):
        name = f"view{number}"
        picture = pictures[number, 0].permute(1, 2, 0).numpy().astype(np.int64)
        assert_sampled(picture, arrays[f"{name}__rgb"], arrays[f"{name}__rgb_sum"])
        assert_sampled(labels[number].numpy().astype(np.int64), arrays[f"{name}__segm"], arrays[f"{name}__segm_sum"])
        stored = arrays[f"{name}__sphere_coord"]
        step = -(-meta["crop"] // len(stored))
        np.testing.assert_allclose(coordinates[number, ::step, ::step], stored, rtol=0, atol=1e-12)


@geometry
def test_a_frame_of_odd_size_matches(path):
    meta, arrays = load_fixture(path)
    expected = arrays["odd__rgb"]
    rows = torch.from_numpy(arrays["views"])
    view = Views(torch.cat([rows[2, :2], rows[1, 2:]])[None])
    found = cut_pictures_as_released(drawn_frame(*meta["odd_frame"])[None], view, expected.shape[:2])
    np.testing.assert_array_equal(found[0, 0].permute(1, 2, 0), expected)


@geometry
def test_sounds_of_views_match(path):
    meta, arrays = load_fixture(path)
    sound, views = drawn_sound(meta, arrays), Views(torch.from_numpy(arrays["views"]))
    turned = face(sound, views.azimuth, views.elevation, "pitch_first")
    mono = mono_towards(sound, views.azimuth, views.elevation)
    for number in range(len(views.rows)):
        azimuth, elevation, radius = arrays[f"view{number}__polar"]
        assert (math.remainder(views.azimuth[number] - azimuth, 2 * math.pi), radius) == pytest.approx((0, 1))
        assert views.elevation[number].item() == pytest.approx(elevation)
        assert_sound(turned[number], arrays[f"view{number}__foa_rotated"])
        assert_sound(mono[number], arrays[f"view{number}__mono"])


def stated_rotation(name, quaternion, drawn):
    """The rotation that a fixture's name states, by way of angles where it has some."""
    scalar, left, up, _ = quaternion
    # Positive turns about the left axis take forward downwards.
    pitch, yaw = -2 * math.atan2(left, scalar), 2 * math.atan2(up, scalar)
    if name == "pitch-yaw":
        return rotation_matrix(yaw, pitch)
    if name == "yaw-pitch":
        return rotation_matrix(0.0, pitch) @ rotation_matrix(yaw)
    if name.startswith("yaw"):
        return rotation_matrix(float(name.removeprefix("yaw")))
    return quaternion_matrix(torch.from_numpy(np.roll(drawn, 1)))


@geometry
def test_misalignments_match(path):
    meta, arrays = load_fixture(path)
    sound = drawn_sound(meta, arrays)
    names = [name.split("__")[1] for name in arrays if name.startswith("misalign__") and name.endswith("__foa")]
    assert {"quat", "pitch-yaw", "yaw-pitch"} < set(names)
    for name in names:
        quaternion = arrays[f"misalign__{name}__quat_wxyz"]
        rotation = stated_rotation(name, quaternion, arrays["quat_xyzw"])
        torch.testing.assert_close(rotation, quaternion_matrix(torch.from_numpy(quaternion)), rtol=0, atol=1e-7)
        assert_sound(turn(sound, rotation), arrays[f"misalign__{name}__foa"])


@geometry
def test_clips_of_several_views_match(path):
    meta, arrays = load_fixture(path)
    frame, labels = drawn_frame(*meta["frame"]), drawn_labels(*meta["segm"])
    sound = drawn_sound(meta, arrays)
    cutter = ViewCutter((meta["crop"], meta["crop"]))
    views = Views(torch.from_numpy(arrays["views"])[: len(arrays["tool__position"])])
    np.testing.assert_array_equal(views.rows[:, :2], arrays["tool__position"])
    frames = torch.stack([frame, frame.flip(-1)])

    scalar, _, up, _ = arrays["tool__rotation"]
    misaligned = rotate(sound, 2 * math.atan2(up, scalar))
    assert_sound(cutter.sounds(misaligned, views), arrays["tool__audio"])
    sums = cutter.pictures(frames, views).long().sum((-3, -2, -1))
    np.testing.assert_array_equal(sums, arrays["tool__video_sum"])

    assert_sound(cutter.sounds(mirrored(sound), views), arrays["tool_flip__audio"])
    sums = cutter.pictures(frames.flip(-1), views).long().sum((-3, -2, -1))
    np.testing.assert_array_equal(sums, arrays["tool_flip__video_sum"])
    sums = cutter.labels(labels.flip(-1), views).long().sum((-2, -1))
    np.testing.assert_array_equal(sums, arrays["tool_flip__segm_sum"])


def standardize(decibels):
    published = load_file(Path(avssl_hub.__file__).parent / "models" / "avsa" / "statistics.safetensors")
    return (decibels - published["128.mean"]) / (published["128.std"] + 1e-5)


@log_mel
def test_log_mels_match(path):
    meta, arrays = load_fixture(path)
    sound = waveform(meta["wave_seed"], meta["n"], meta["ch"], meta["rate"]).float()
    decibels = log_mel_spectrogram(sound, meta["rate"], pad_mode=meta["pad_mode"])
    np.testing.assert_allclose(
        decibels.flatten()[:: int(arrays["logmel_db__stride"])], arrays["logmel_db__sample"], rtol=0, atol=DECIBELS
    )
    assert_matches(decibels, arrays, "logmel_db", 1e-5)
    assert_matches(standardize(decibels), arrays, "logmel_normalized", 1e-5)

    short = waveform(meta["short"]["wave_seed"], meta["short"]["n"], meta["ch"], meta["rate"]).float()
    assert_matches(standardize(log_mel_spectrogram(fit_length(short, meta["n"]))), arrays, "short_normalized", 1e-5)

    frames = torch.from_numpy(arrays["logmel_constant_pad_differing_frames"])
    padded = standardize(log_mel_spectrogram(sound, meta["rate"], pad_mode="constant"))
    expected = arrays["logmel_constant_pad_normalized_frames"]
    np.testing.assert_allclose(padded[:, frames], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert_matches(mel_bands(meta["rate"], 512, 128).T, arrays, "mel_filterbank", 1e-6)

    for channels in (2, 4):
        expected = arrays[f"mono_prep_{channels}ch_first32"]
        np.testing.assert_allclose(to_mono(sound[:channels])[:, : expected.shape[1]], expected, rtol=0, atol=1e-7)
