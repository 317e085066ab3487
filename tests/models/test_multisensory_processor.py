"""From raw media to the multisensory networks' inputs: windows, sizes, loudness, what is missing and what is wrong."""

import io
import math

import numpy as np
import pytest
import torch
from transformers import AutoProcessor

from avssl_hub import MediaReader, MultisensoryConfig, MultisensoryForAlignment, MultisensoryProcessor
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import write_media

SECONDS, SOURCE_FPS, RATE = 6, 30, 21000


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    """Six seconds whose grey level rises with time, with 200 Hz on the left and 2000 Hz, half as loud, on the right."""
    levels = torch.linspace(20, 230, SECONDS * SOURCE_FPS).round().to(torch.uint8)
    frames = levels[:, None, None, None].expand(-1, 48, 64, 3).contiguous()
    t = torch.arange(SECONDS * 24000) / 24000
    sound = torch.stack([0.5 * torch.sin(2 * math.pi * 200 * t), 0.25 * torch.sin(2 * math.pi * 2000 * t)])
    path = tmp_path_factory.mktemp("clips") / "grey ramp é.mp4"
    write_media(path, frames, SOURCE_FPS, sound, 24000)
    return path


@pytest.fixture(scope="module")
def silent_path(clip_path):
    path = clip_path.with_name("silent.mp4")
    with MediaReader(clip_path) as reader:
        write_media(path, reader.read_video(0, 2, 16).frames, 16, None, None)
    return path


def small(**changes) -> MultisensoryProcessor:
    return MultisensoryProcessor(**{"resize_size": 40, "crop_size": 32, **changes})


def loudest_hertz(samples: torch.Tensor) -> torch.Tensor:
    return torch.fft.rfft(samples).abs().argmax(-1) * RATE / samples.shape[-1]


def test_clips_have_the_papers_sizes():
    assert MultisensoryProcessor().num_samples == 87588
    assert MultisensoryProcessor.separation().num_frames == 63
    assert MultisensoryProcessor.separation().num_samples == 44144
    longer = MultisensoryProcessor.separation(duration_multiple=4)
    # 248 frames of 21000 / 29.97 samples hold 512 spectrogram frames.
    assert longer.num_frames == 248
    assert 1 + (longer.num_samples - 1344) // 336 >= 512
    assert longer.rms**2 == pytest.approx(0.02)


def test_file_is_read_from_its_start_in_stereo(clip_path):
    inputs = small()(videos=clip_path, audio=clip_path)
    assert inputs["pixel_values_videos"].shape == (1, 125, 3, 32, 32)
    levels = (inputs["pixel_values_videos"][0].mean((1, 2, 3)) + 1) * 127.5
    # Frame k is wanted at k / 29.97 s, which lies in source frame floor(k * 30 / 29.97).
    wanted = torch.linspace(20, 230, SECONDS * SOURCE_FPS)[[int(k * 30 / 29.97) for k in range(125)]]
    torch.testing.assert_close(levels, wanted, atol=2.5, rtol=0)
    samples = inputs["input_values"][0]
    torch.testing.assert_close(loudest_hertz(samples), torch.tensor([200.0, 2000.0]), atol=0.5, rtol=0)
    rms = samples[:, 2000:].square().mean(1).sqrt()
    torch.testing.assert_close(rms, torch.tensor([0.5, 0.25]) / math.sqrt(2), rtol=0.03, atol=0)


def test_start_moves_picture_and_sound_together(clip_path):
    processor = small(num_frames=30)
    inputs = processor(videos=clip_path, audio=clip_path, starts=[2.0])
    level = (inputs["pixel_values_videos"][0, 0].mean() + 1) * 127.5
    assert level.item() == pytest.approx(20 + 210 * 60 / 179, abs=2.5)
    with MediaReader(clip_path) as reader:
        seconds = processor.num_samples / RATE
        expected = reader.read_audio(2.0, seconds, RATE, channels=2).samples
    assert torch.equal(inputs["input_values"][0], expected)


def test_bytes_and_file_objects_give_what_the_path_gives(clip_path):
    processor = small(num_frames=9)
    expected = processor(videos=clip_path, audio=clip_path)
    for source in (clip_path.read_bytes(), io.BytesIO(clip_path.read_bytes()), str(clip_path)):
        actual = processor(videos=source, audio=source)
        assert all(torch.equal(actual[name], expected[name]) for name in expected)


def test_every_frame_is_there_from_a_slow_source(tmp_path):
    frames = torch.arange(0, 250, 10, dtype=torch.uint8)[:, None, None, None].expand(-1, 16, 16, 3).contiguous()
    write_media(tmp_path / "slow.mkv", frames, 5, None, None)
    processor = small(num_frames=60)
    levels = (processor(videos=tmp_path / "slow.mkv")["pixel_values_videos"][0].mean((1, 2, 3)) + 1) * 127.5
    wanted = torch.tensor([10.0 * int(k * 5 / 29.97) for k in range(60)])
    torch.testing.assert_close(levels, wanted, atol=3, rtol=0)


def test_whole_frame_is_squeezed_and_its_centre_cut():
    frames = torch.zeros(4, 40, 80, 3, dtype=torch.uint8)
    frames[:, :, :16] = 255
    pixels = small(num_frames=4)(videos=frames)["pixel_values_videos"]
    # 16 of 80 columns become 8 of 40, of which the crop drops 4.
    torch.testing.assert_close((pixels > 0).float().mean(), torch.tensor(4 / 32), atol=0.01, rtol=0)
    assert pixels.min() == -1
    assert pixels.max() == 1


def test_localization_squeezes_the_frame_by_early_tensorflows_rule():
    frames = torch.arange(0, 240, 30, dtype=torch.uint8)[None, None, :, None].expand(1, 6, 8, 3).contiguous()
    processor = MultisensoryProcessor.localization(num_frames=1, crop_size=6)
    row = (processor(videos=frames)["pixel_values_videos"][0, 0, 0, 2] + 1) * 127.5
    # Columns 0, 4/3, 8/3, 4, 16/3 and 20/3 of a ramp of 30 a column.
    torch.testing.assert_close(row, torch.tensor([0.0, 40, 80, 120, 160, 200]), atol=1e-3, rtol=0)


def test_short_clip_holds_its_last_frame_and_falls_silent():
    frames = torch.stack([torch.full((40, 40, 3), level, dtype=torch.uint8) for level in (10, 90, 200)])
    inputs = small(num_frames=5)(videos=frames, audio=torch.full((1000,), 0.5), sampling_rate=RATE)
    levels = (inputs["pixel_values_videos"][0].mean((1, 2, 3)) + 1) * 127.5
    torch.testing.assert_close(levels, torch.tensor([10.0, 90, 200, 200, 200]))
    assert inputs["input_values"].shape == (1, 2, 3504)
    assert inputs["input_values"][0, :, :1000].eq(0.5).all()
    assert not inputs["input_values"][0, :, 1000:].any()


def test_mono_is_repeated_and_other_rates_are_resampled():
    t = torch.arange(2 * 8000) / 8000
    inputs = small()(audio=np.sin(2 * np.pi * 440 * t.numpy()), sampling_rate=8000)
    left, right = inputs["input_values"][0]
    assert torch.equal(left, right)
    # Two of 4.2 seconds are a tone, so that its line is a little wide.
    assert loudest_hertz(left).item() == pytest.approx(440, abs=0.5)


def test_separation_sets_the_loudness_of_each_channel(clip_path):
    samples = MultisensoryProcessor.separation()(audio=clip_path)["input_values"][0]
    torch.testing.assert_close(samples.square().mean(1), torch.full((2,), 0.02))


def test_missing_sound_is_marked_in_the_mask(clip_path, silent_path):
    inputs = small(num_frames=9)(videos=[clip_path, silent_path], audio=[clip_path, silent_path])
    assert inputs["audio_mask"].tolist() == [True, False]
    digital_silence = small()(audio=[None, torch.zeros(2, 10)], sampling_rate=RATE)
    assert digital_silence["audio_mask"].tolist() == [False, True]


def test_processor_survives_saving(tmp_path):
    processor = MultisensoryProcessor.separation(duration_multiple=2)
    processor.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "multisensory"}')
    again = AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is MultisensoryProcessor
    assert again.to_dict() == processor.to_dict()


def test_a_clip_goes_from_the_file_through_the_network(shared_data):
    video = sorted(shared_data("grid-mini/videos").iterdir())[0]
    sizes = {"video_hidden_sizes": (8, 12, 16, 20), "audio_hidden_sizes": (8, 8, 8, 8, 8), "fusion_hidden_size": 8}
    model = MultisensoryForAlignment(MultisensoryConfig(**sizes)).eval()
    inputs = small(num_frames=60)(videos=video, audio=video)
    output = model(**inputs)
    assert output.logits.isfinite().tolist() == [True]
    # 60 frames are halved three times in time; the picture of 32 pixels five times and one.
    assert output.activation_maps.shape == (1, 8, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "neither modality; expected videos, audio or both"),
        ({"videos": torch.zeros(8, 3, 32, 32)}, r"videos item: got float32 of shape \(8, 3, 32, 32\); expected uint8"),
        ({"audio": torch.zeros(100)}, "sampling_rate: got None; expected the rate .* 21000"),
        ({"audio": torch.zeros(4, 100), "sampling_rate": RATE}, "channels of an audio item: got 4; expected 1 or 2"),
    ],
)
def test_wrong_input_is_named(arguments, text):
    with pytest.raises(InvalidValueError, match=text):
        MultisensoryProcessor()(**arguments)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("resize_size", 100, r"at least crop_size \(224\)"),
        ("rms", 0.0, "positive number or None"),
        ("fps", 0, "positive"),
    ],
)
def test_processor_names_the_setting_that_is_wrong(field, value, text):
    with pytest.raises(InvalidValueError, match=rf"MultisensoryProcessor\.{field}: got .*{text}"):
        MultisensoryProcessor(**{field: value})


def test_a_mono_file_is_as_loud_as_mono_samples(tmp_path):
    samples = 0.5 * torch.sin(torch.arange(3 * 24000) / 10)[None]
    frames = torch.zeros(30, 16, 16, 3, dtype=torch.uint8)
    file = write_media(tmp_path / "mono.mp4", frames, 10, samples, 24000)
    processor = small(num_frames=60)
    from_file = processor(audio=file)["input_values"][0]
    from_samples = processor(audio=samples, sampling_rate=24000)["input_values"][0]
    assert torch.equal(from_file[0], from_file[1])
    loudness = [sound.square().mean().sqrt().item() for sound in (from_file, from_samples)]
    assert loudness[0] == pytest.approx(loudness[1], rel=0.02)
