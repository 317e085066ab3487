"""From raw media to AVID's inputs: files and arrays, what is missing, what is wrong, what is saved."""

import io
import math
import wave

import numpy as np
import pytest
import torch
from transformers import AutoProcessor

from avssl_hub import AvidProcessor, MediaReader
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MediaError, MissingStreamError, write_media

SECONDS, SOURCE_FPS, RATE = 4, 32, 24000


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    """Four seconds whose grey level rises with time and whose pitch is 200 Hz in the first half, 2000 Hz after."""
    levels = torch.linspace(30, 220, SECONDS * SOURCE_FPS).round().to(torch.uint8)
    frames = levels[:, None, None, None].expand(-1, 72, 96, 3).contiguous()
    t = torch.arange(SECONDS * RATE) / RATE
    sound = 0.5 * torch.sin(2 * math.pi * torch.where(t < 2, 200.0, 2000.0) * t)
    path = tmp_path_factory.mktemp("clips") / "grey ramp é.mp4"
    write_media(path, frames, SOURCE_FPS, sound[None], RATE)
    return path


@pytest.fixture(scope="module")
def silent_path(clip_path):
    path = clip_path.with_name("silent.mp4")
    with MediaReader(clip_path) as reader:
        write_media(path, reader.read_video(0, 2, 16).frames, 16, None, None)
    return path


def grey_levels(pixel_values: torch.Tensor, processor: AvidProcessor) -> torch.Tensor:
    mean, std = (torch.tensor(values)[:, None, None] for values in (processor.image_mean, processor.image_std))
    return (pixel_values * std + mean).mean((-1, -2, -3)) * 255


def test_file_is_read_in_its_middle_at_the_models_rate(clip_path):
    processor = AvidProcessor()
    inputs = processor(videos=clip_path, audio=clip_path)
    assert inputs["pixel_values_videos"].shape == (1, 8, 3, 224, 224)
    assert inputs["input_features"].shape == (1, 1, 200, 257)
    # The middle two seconds are 1-3 s, their middle half second 1.75-2.25 s; every second frame of 32 a second.
    wanted = torch.linspace(30, 220, SECONDS * SOURCE_FPS)[56:72:2]
    torch.testing.assert_close(grey_levels(inputs["pixel_values_videos"][0], processor), wanted, atol=2.5, rtol=0)


def test_start_moves_picture_and_sound_together(clip_path):
    processor = AvidProcessor()
    inputs = processor(videos=[clip_path] * 2, audio=[clip_path] * 2, starts=[0.0, 2.0])
    levels = grey_levels(inputs["pixel_values_videos"], processor)
    expected = torch.linspace(30, 220, SECONDS * SOURCE_FPS)[[24, 88]]
    torch.testing.assert_close(levels[:, 0], expected, atol=2.5, rtol=0)
    # Rows are 46.875 Hz apart: 200 Hz lies in row 4, 2000 Hz in row 43.
    std, mean = (torch.tensor(v) for v in (processor.spectrogram_std, processor.spectrogram_mean))
    decibels = inputs["input_features"][:, 0, 20:180] * (std + 1e-5) + mean
    loudest = decibels.mean(1).argmax(1)
    assert abs(loudest[0] - 4) <= 1
    assert abs(loudest[1] - 43) <= 1


def test_bytes_and_file_objects_give_what_the_path_gives(clip_path):
    processor = AvidProcessor(crop_size=64, resize_size=72)
    expected = processor(videos=clip_path, audio=clip_path)
    for source in (clip_path.read_bytes(), io.BytesIO(clip_path.read_bytes()), str(clip_path)):
        actual = processor(videos=source, audio=source)
        assert all(torch.equal(actual[name], expected[name]) for name in expected)


def test_one_pass_over_a_file_equals_reading_its_streams_apart(clip_path):
    processor = AvidProcessor(crop_size=64, resize_size=72)
    both = processor(videos=clip_path, audio=clip_path)
    # The clip starts on a frame, so that the sound window needs no shift.
    assert torch.equal(both["pixel_values_videos"], processor(videos=clip_path)["pixel_values_videos"])
    assert torch.equal(both["input_features"], processor(audio=clip_path)["input_features"])


def test_sound_window_moves_with_the_first_frame_found(clip_path):
    processor = AvidProcessor()
    with MediaReader(clip_path) as reader:
        # The picture is wanted 0.75 s into the window: at 1.76 s, between the frames at 1.75 s and 1.78125 s.
        _, samples = processor.read_clip(reader, 1.01)
        moved = reader.read_audio(1.00, 2.0, RATE).samples[0]
    assert torch.equal(samples, moved)


def test_missing_sound_is_marked_in_the_mask(clip_path, silent_path):
    inputs = AvidProcessor()(videos=[clip_path, silent_path], audio=[clip_path, silent_path])
    assert inputs["audio_mask"].tolist() == [True, False]
    assert inputs["input_features"][0].std() > 0.5
    assert AvidProcessor()(audio=[None, torch.zeros(10)], sampling_rate=RATE)["audio_mask"].tolist() == [False, True]


def test_digital_silence_is_a_sound():
    processor = AvidProcessor()
    inputs = processor(audio=torch.zeros(48000), sampling_rate=RATE)
    assert inputs["audio_mask"].tolist() == [True]
    # The level floor is -100 dB in every row.
    expected = (-100 - torch.tensor(processor.spectrogram_mean)) / (torch.tensor(processor.spectrogram_std) + 1e-5)
    torch.testing.assert_close(inputs["input_features"][0, 0], expected.expand(200, -1))


def test_short_clip_is_completed_with_its_first_frames():
    frames = torch.stack([torch.full((40, 40, 3), level, dtype=torch.uint8) for level in (10, 90, 200)])
    processor = AvidProcessor(crop_size=32, resize_size=36)
    levels = grey_levels(processor(videos=frames)["pixel_values_videos"][0], processor)
    expected = torch.tensor([10.0, 90, 200, 10, 90, 200, 10, 90])
    torch.testing.assert_close(levels, expected, atol=1e-3, rtol=0)


def test_other_sampling_rates_are_resampled_and_channels_averaged():
    processor = AvidProcessor()
    tone = {rate: torch.sin(2 * math.pi * 440 * torch.arange(2 * rate) / rate) for rate in (24000, 48000)}
    expected = processor(audio=tone[24000], sampling_rate=24000)["input_features"]
    stereo = torch.stack([tone[48000] * 1.5, tone[48000] * 0.5])
    actual = processor(audio=stereo.numpy(), sampling_rate=48000)["input_features"]
    # Row 9 holds 440 Hz; elsewhere the resampler's own floor shows.
    torch.testing.assert_close(actual[0, 0, 10:190, 9], expected[0, 0, 10:190, 9], atol=1e-2, rtol=0)


def test_square_resize_squeezes_and_the_default_crops():
    frames = torch.zeros(8, 64, 128, 3, dtype=torch.uint8)
    frames[:, :, :32] = 255
    sizes = {"crop_size": 64, "resize_size": 64}
    kept = AvidProcessor(**sizes)(videos=frames)["pixel_values_videos"]
    squeezed = AvidProcessor(**sizes, keep_aspect_ratio=False)(videos=frames)["pixel_values_videos"]
    # The centre crop loses the white quarter at the left, squeezing keeps it.
    assert (kept > 0).float().mean() == 0
    assert (squeezed > 0).float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_statistics_are_saved_beside_the_weights(tmp_path):
    rows = AvidProcessor.ablation(spectrogram_mean=np.linspace(-9, 1, 129).tolist(), spectrogram_std=[0.1] * 129)
    rows.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "avid"}')
    again = AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is AvidProcessor
    assert again.to_dict() == rows.to_dict()
    assert again.spectrogram_mean == rows.spectrogram_mean


def test_published_statistics_are_the_published_figures(shared_data):
    published = np.load(shared_data("../reference/norm_stats.npz"))
    for processor, rows in ((AvidProcessor(), 257), (AvidProcessor.ablation(), 129)):
        for statistic in ("mean", "std"):
            values = np.array(getattr(processor, f"spectrogram_{statistic}"), np.float32)
            np.testing.assert_array_equal(values, published[f"avid_logspec_24k_{rows}bins_{statistic}"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "neither modality; expected videos, audio or both"),
        ({"videos": torch.zeros(8, 3, 32, 32)}, r"videos item: got float32 of shape \(8, 3, 32, 32\); expected uint8"),
        ({"videos": torch.zeros(0, 32, 32, 3, dtype=torch.uint8)}, "at least one"),
        ({"audio": torch.zeros(100)}, "sampling_rate: got None; expected the rate .* 24000"),
        ({"audio": torch.zeros(9, dtype=torch.int16), "sampling_rate": 8000}, "audio item: got int16"),
        ({"videos": [torch.zeros(1, 9, 9, 3, dtype=torch.uint8)], "audio": [None, None]}, "number of audio: got 2"),
    ],
)
def test_wrong_input_is_named(arguments, text):
    with pytest.raises(InvalidValueError, match=text):
        AvidProcessor()(**arguments)


def test_unreadable_files_and_missing_pictures_are_named(tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(MediaError, match=r"empty\.mp4"):
        AvidProcessor()(videos=tmp_path / "empty.mp4")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(4 * RATE))
    with pytest.raises(MissingStreamError, match=r"sound\.wav"):
        AvidProcessor()(videos=tmp_path / "sound.wav")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("resize_size", 100, r"at least crop_size \(224\)"),
        ("spectrogram_mean", [0.0], r"got \[0.0\]; expected 257 numbers"),
        ("spectrogram_mean", [0.0] * 100, "got a list of 100; expected 257 numbers"),
        ("fft_size", 2048, "published figures exist for 24000 Hz"),
        ("num_frames", 0, "positive integer"),
    ],
)
def test_processor_names_the_setting_that_is_wrong(field, value, text):
    settings = {field: value} | ({"spectrogram_std": [1.0]} if field == "spectrogram_mean" else {})
    with pytest.raises(InvalidValueError, match=text):
        AvidProcessor(**settings)
