"""From 360-degree recordings to AVSA's inputs: directions of picture and sound, windows, what is missing or wrong."""

import math

import pytest
import torch
from transformers import AutoProcessor

from avssl_hub import AvsaProcessor
from avssl_hub.audio.ambisonics import encode
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import MediaError, write_media
from avssl_hub.media.hrir import read_hrir
from avssl_hub.video.views import Views

RATE = 24000


def patch_at(column: int) -> torch.Tensor:
    """Eight black frames 64 by 128 with a white patch whose left edge is at a column, on the horizon."""
    frames = torch.zeros(8, 64, 128, 3, dtype=torch.uint8)
    frames[:, 28:36, [(column + step) % 128 for step in range(8)]] = 255
    return frames


def sound_from(azimuth: float, seconds: float = 1.0) -> torch.Tensor:
    noise = 0.1 * torch.randn(1, int(seconds * RATE), generator=torch.Generator().manual_seed(0))
    return encode(noise, torch.tensor([azimuth]), torch.tensor([0.0]))


@pytest.mark.parametrize("projection", ["released", "camera"])
def test_a_source_lies_in_the_middle_of_the_view_that_faces_it(projection):
    processor = AvsaProcessor(projection=projection)
    # A quarter of the sphere to the left is a quarter of the picture from its left edge.
    inputs = processor(patch_at(32 - 4), sound_from(math.pi / 2), RATE)
    pictures, mels = inputs["pixel_values_videos"][0], inputs["input_features"][0]
    assert pictures.shape == (4, 8, 3, 112, 112)
    assert mels.shape == (4, 4, 100, 128)
    assert pictures[:, 0, 0, 52:60, 52:60].mean((1, 2)).argmax() == 1
    assert pictures[1, 0, 0, 52:60, 52:60].min().item() == pytest.approx((1 - 0.485) / 0.229, abs=1e-5)
    # Turned to the source, Y (left) is silent and X (forward) is W.
    levels = mels * (torch.tensor(processor.spectrogram_std) + 1e-5) + torch.tensor(processor.spectrogram_mean)
    torch.testing.assert_close(levels[1, 3], levels[1, 0], rtol=0, atol=1e-3)
    assert (levels[1, 1] < levels[1, 0] - 20).all()
    # Of one who faces the front it is on the left.
    torch.testing.assert_close(levels[0, 1], levels[0, 0], rtol=0, atol=1e-3)


def test_views_can_be_given_for_all_clips_or_for_each():
    processor = AvsaProcessor()
    frames = [patch_at(60), patch_at(28)]
    left = Views(torch.tensor([[0.25, 0.5, 0.25, 0.5]], dtype=torch.float64))
    each = Views(torch.tensor([[[0.5, 0.5, 0.25, 0.5]], [[0.25, 0.5, 0.25, 0.5]]], dtype=torch.float64))
    shared = processor(frames, views=left)["pixel_values_videos"]
    own = processor(frames, views=each)["pixel_values_videos"]
    assert torch.equal(own[1], shared[1])
    assert not torch.equal(own[0], shared[0])
    torch.testing.assert_close(own[0], own[1], rtol=0, atol=1e-6)
    with pytest.raises(InvalidValueError, match=r"views: got shape \(2, 1, 4\); expected \(K, 4\), or \(1, K, 4\)"):
        processor(frames[:1], views=each)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two seconds at 16 frames a second; a white patch and its sound lie to the left throughout."""
    path = tmp_path_factory.mktemp("films") / "films é.mp4"
    write_media(path, patch_at(28).repeat(4, 1, 1, 1), 16, sound_from(math.pi / 2, 2.0), RATE)
    return path


def test_a_file_gives_the_clip_in_its_middle(film):
    inputs = AvsaProcessor()([film, film.read_bytes()], [film, film.read_bytes()])
    assert inputs["audio_mask"].tolist() == [True, True]
    assert torch.equal(inputs["pixel_values_videos"][0], inputs["pixel_values_videos"][1])
    middles = inputs["pixel_values_videos"][0, :, 4, 1, 52:60, 52:60].mean((1, 2))
    assert middles.argmax() == 1
    levels = inputs["input_features"][0].mean((2, 3))
    # W is everywhere the same; X is loudest where the source is in front, and Y at its sides.
    torch.testing.assert_close(levels[:, 0], levels[:1, 0].expand(4), rtol=0, atol=1e-3)
    assert levels[1, 3] > levels[0, 3] + 0.5
    assert levels[0, 1] > levels[1, 1] + 0.5


def test_missing_sound_is_masked(film, tmp_path):
    silent = tmp_path / "silent.mp4"
    write_media(silent, patch_at(28).repeat(4, 1, 1, 1), 16)
    inputs = AvsaProcessor(num_views=2)([film, silent], [film, silent], starts=[0.5, 0.5])
    assert inputs["audio_mask"].tolist() == [True, False]
    assert inputs["input_features"].shape == (2, 2, 4, 100, 128)
    assert not inputs["input_features"][1].any()


def test_sound_that_is_no_ambisonics_is_refused(tmp_path):
    path = tmp_path / "stereo.mp4"
    write_media(path, patch_at(0).repeat(4, 1, 1, 1), 16, torch.zeros(2, 2 * RATE), RATE)
    processor = AvsaProcessor()
    with pytest.raises(MediaError, match=r"stereo\.mp4: got 2 channels; expected 4 or more.*headphones"):
        processor(path, path)
    with pytest.raises(InvalidValueError, match="audio item: got 2 channels; expected first-order ambisonics"):
        processor(audio=torch.zeros(2, RATE), sampling_rate=RATE)


def test_short_clips_are_completed():
    inputs = AvsaProcessor()(patch_at(60)[:3], sound_from(0.0, 0.5), RATE)
    pictures = inputs["pixel_values_videos"][0]
    assert torch.equal(pictures[:, 3:6], pictures[:, :3])
    levels = inputs["input_features"][0, 0, 0]
    assert levels[60:].max() < levels[:40].mean()


def test_higher_orders_begin_with_the_first():
    sound = torch.cat([sound_from(0.3), torch.randn(5, RATE)])
    processor = AvsaProcessor()
    whole = processor(audio=sound, sampling_rate=RATE)["input_features"]
    assert torch.equal(whole, processor(audio=sound[:4], sampling_rate=RATE)["input_features"])


@pytest.mark.parametrize(("hearing", "channels"), [("mono", 1), ("stereo", 2)])
def test_what_is_heard_decides_the_channels(hearing, channels):
    processor = AvsaProcessor(hearing=hearing)
    assert processor.num_channels == channels
    mels = processor(audio=[sound_from(math.pi / 2), None], sampling_rate=RATE)["input_features"]
    assert mels.shape == (2, 4, channels, 100, 128)
    loud = processor.decibels(processor.cutter.sounds(sound_from(math.pi / 2), processor.around_horizon())).mean((2, 3))
    if hearing == "mono":
        # Towards the source twice the pressure, away from it nothing.
        assert loud[1, 0] == pytest.approx(loud[0, 0].item() + 10 * math.log10(2), abs=1e-3)
        assert loud[3, 0] < loud[0, 0] - 20
    else:
        # One who faces the front has the source at the left ear, one who faces the back at the right.
        assert loud[0, 0] > loud[0, 1] + 1
        assert loud[2, 1] > loud[2, 0] + 1
        assert (loud[1, 0] - loud[1, 1]).abs() < 0.01


def test_a_measured_head_is_heard_through_and_kept(shared_data, tmp_path):
    pytest.importorskip("h5py", reason="SOFA files need the extra 'sofa'")
    filters = read_hrir(shared_data("ambisonics/hrir/MIT_KEMAR_normal_pinna.sofa")).filters(1, RATE)
    processor = AvsaProcessor(hearing="stereo", head_filters=filters)
    processor.save_pretrained(tmp_path)
    again = AvsaProcessor.from_pretrained(tmp_path)
    sound = sound_from(math.pi / 2)
    expected = processor(audio=sound, sampling_rate=RATE)["input_features"]
    assert torch.equal(again(audio=sound, sampling_rate=RATE)["input_features"], expected)
    sphere = AvsaProcessor(hearing="stereo")(audio=sound, sampling_rate=RATE)["input_features"]
    assert not torch.allclose(sphere, expected, atol=0.01)


def test_settings_survive_saving(tmp_path):
    processor = AvsaProcessor(num_views=3, projection="camera", turns="yaw_first", hearing="stereo")
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is AvsaProcessor
    assert again.to_dict() == processor.to_dict()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("num_views", 0, "a positive integer"),
        ("view_width", 1.5, r"a number in \(0, 1\]"),
        ("head_filters", [[[1.0]] * 2] * 4, r"filters \(4, 2, taps\) with hearing='stereo'"),
        ("spectrogram_mean", [0.0], r"128 numbers \(num_mel_bands\)"),
    ],
)
def test_a_wrong_setting_is_named(field, value, expected):
    with pytest.raises(InvalidValueError, match=rf"AvsaProcessor\.{field}: got .*; expected {expected}"):
        AvsaProcessor(**{field: value, **({"spectrogram_std": [1.0] * 128} if field == "spectrogram_mean" else {})})


def test_unknown_geometry_and_other_statistics_are_refused():
    with pytest.raises(UnknownNameError, match=r"'fisheye'.*'camera', 'released'"):
        AvsaProcessor(projection="fisheye")
    with pytest.raises(InvalidValueError, match="published figures exist for 24000, 512, 240 and 128"):
        AvsaProcessor(fft_size=1024)
