"""From recordings to SpatialAudioGen's inputs: windows, frames, flow, and what is missing or wrong."""

import math

import numpy as np
import pytest
import torch
from torchvision.io import write_jpeg
from torchvision.models.optical_flow import raft_small
from transformers import AutoProcessor

from avssl_hub import SpatialAudioGenProcessor
from avssl_hub.errors import DownloadError, InvalidValueError
from avssl_hub.media import MediaError, write_media, write_sound
from avssl_hub.models.spatial_audio_gen import RaftFlow
from avssl_hub.models.spatial_audio_gen.flow_spatial_audio_gen import read_flow_folder
from avssl_hub.video.flow import decode_flow_maps, flow_channels

RATE, FPS = 48000, 10


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    """Two seconds at 30 frames a second whose grey level rises with time, with a click at 0.3 s."""
    levels = torch.linspace(20, 230, 60).round().to(torch.uint8)
    frames = levels[:, None, None, None].expand(-1, 32, 64, 3).contiguous()
    sound = torch.zeros(1, 2 * RATE)
    sound[0, int(0.3 * RATE)] = 0.9
    path = tmp_path_factory.mktemp("clips") / "panorama é.mp4"
    write_media(path, frames, 30, sound, RATE)
    return path


def test_windows_lie_around_their_chunks_and_are_silent_outside():
    sound = 0.1 * noise(1, RATE)
    inputs = SpatialAudioGenProcessor()(audio=sound, sampling_rate=RATE)
    windows = inputs["input_values"]
    assert windows.shape == (10, 1, 52799)
    for index, window in enumerate(windows[:, 0]):
        chunk = slice(4800 * index, 4800 * (index + 1))
        assert torch.equal(window[24000:28800], sound[0, chunk])
        assert not window[: max(24000 - 4800 * index, 0)].any()
        assert not window[24000 + RATE - 4800 * index :].any()
    later = SpatialAudioGenProcessor()(audio=sound, sampling_rate=RATE, starts=[0.2, 3.0])["input_values"]
    assert torch.equal(later[0], windows[2])
    assert not later[1].any()


def test_a_last_chunk_is_completed_by_silence():
    inputs = SpatialAudioGenProcessor()(audio=noise(4801), sampling_rate=RATE)["input_values"]
    assert len(inputs) == 2
    assert inputs[1, 0, 24000:].count_nonzero() == 1


def test_released_starts_are_cut_off_in_floating_point():
    near, released = SpatialAudioGenProcessor(), SpatialAudioGenProcessor(released_starts=True)
    starts = [0.5 + index / 10 for index in range(100)]
    assert [near.first_sample(start) for start in starts] == [24000 + 4800 * index for index in range(100)]
    early = [24000 + 4800 * index - released.first_sample(start) for index, start in enumerate(starts)]
    assert set(early) == {0, 1}
    assert 30 <= sum(early) <= 50


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (1, lambda x: x[0]),
        (2, lambda x: x.mean(0)),
        (4, lambda x: x[0]),
        (6, lambda x: x.mean(0)),
        (16, lambda x: x[0]),
    ],
)
def test_one_channel_is_made_of_many(channels, expected):
    sound = 0.1 * noise(channels, 4800)
    window = SpatialAudioGenProcessor()(audio=sound, sampling_rate=RATE)["input_values"][0, 0]
    torch.testing.assert_close(window[24000:28800], expected(sound))


def test_sound_of_another_rate_is_resampled():
    time = torch.arange(16000) / 16000
    inputs = SpatialAudioGenProcessor()(audio=torch.sin(2 * math.pi * 440 * time), sampling_rate=16000, starts=[0.5])
    chunk = inputs["input_values"][0, 0, 24000:28800]
    expected = torch.sin(2 * math.pi * 440 * (24000 + torch.arange(4800)) / RATE)
    torch.testing.assert_close(chunk, expected, atol=1e-2, rtol=0)


def test_file_gives_the_frame_at_each_chunks_start(clip_path):
    processor = SpatialAudioGenProcessor(image_size=(16, 32))
    inputs = processor(videos=clip_path)
    # Encoded sound is completed to whole packets.
    assert inputs["input_values"].shape == (21, 1, 52799)
    assert inputs["pixel_values_videos"].shape == (21, 1, 3, 16, 32)
    levels = (inputs["pixel_values_videos"][:20].mean((1, 2, 3, 4)) + 0.5) * 255
    torch.testing.assert_close(levels, torch.linspace(20, 230, 60)[::3], atol=2.5, rtol=0)
    # The click lies where the third chunk begins.
    places = inputs["input_values"][1:8, 0].argmax(1)
    assert (places - torch.tensor([24000 + 4800 * (3 - index) for index in range(1, 8)])).abs().max() <= 1
    some = processor(videos=clip_path, starts=[0.7, 1.9, 5.0])
    torch.testing.assert_close(some["pixel_values_videos"][:2], inputs["pixel_values_videos"][[7, 19]])
    assert torch.equal(some["pixel_values_videos"][2], some["pixel_values_videos"][1])
    assert torch.equal(some["input_values"][0], inputs["input_values"][7])
    bytes_of_it = processor(videos=clip_path.read_bytes(), starts=[0.7])
    assert torch.equal(bytes_of_it["pixel_values_videos"][0], some["pixel_values_videos"][0])


def test_frames_are_resized_whole_and_centred_on_grey():
    frames = torch.zeros(3, 40, 60, 3, dtype=torch.uint8)
    frames[1, :, :30] = 255
    inputs = SpatialAudioGenProcessor(image_size=(8, 16))(
        videos=frames, audio=noise(RATE), sampling_rate=RATE, starts=[0.1, 0.9]
    )
    pixels = inputs["pixel_values_videos"][:, 0]
    assert pixels[0, :, :, :6].unique().tolist() == [0.5]
    assert pixels[0, :, :, 10:].unique().tolist() == [-0.5]
    # Held, as there is no tenth frame.
    assert pixels[1].unique().tolist() == [-0.5]


def test_settings_are_saved(tmp_path):
    made = SpatialAudioGenProcessor(encoders=("audio", "flow"), image_size=(16, 32), released_starts=True)
    made.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is SpatialAudioGenProcessor
    assert again.to_dict() == made.to_dict()


def test_flow_maps_hold_direction_and_length():
    motion = noise(2, 2, 6, 8)
    length = motion.square().sum(1).sqrt()
    limits = torch.stack([length.amin((1, 2)), length.amax((1, 2))], 1)
    red = (torch.atan2(motion[:, 1], motion[:, 0]) + math.pi) * 255 / (2 * math.pi)
    blue = (length - limits[:, :1, None]) / (limits[:, 1:, None] - limits[:, :1, None]) * 255
    maps = torch.stack([red, torch.zeros_like(red), blue], -1).round().to(torch.uint8)
    # Directions come in steps of 1.4 degrees.
    torch.testing.assert_close(decode_flow_maps(maps, limits, inverted=False)[:, :2], motion, atol=0.1, rtol=0)
    torch.testing.assert_close(decode_flow_maps(maps, limits)[:, :2], -motion, atol=0.1, rtol=0)
    torch.testing.assert_close(decode_flow_maps(maps, limits), flow_channels(motion), atol=0.1, rtol=0)
    with pytest.raises(InvalidValueError, match="flow maps and limits: got shapes"):
        decode_flow_maps(maps, limits[:1])


def test_flow_is_read_from_a_prepared_folder(tmp_path):
    maps = torch.zeros(3, 16, 32, 3, dtype=torch.uint8)
    maps[..., 2] = torch.tensor([0, 128, 255])[:, None, None]
    for index, frame in enumerate(maps):
        write_jpeg(frame.movedim(-1, 0), str(tmp_path / f"{index:06d}.jpg"), quality=95)
    np.save(tmp_path / "flow_limits.npy", np.array([[0.0, 2.0]] * 3))
    processor = SpatialAudioGenProcessor(encoders=("audio", "flow"), image_size=(16, 32))
    inputs = processor(audio=noise(RATE), sampling_rate=RATE, flow=tmp_path, starts=[0.1, 0.2])
    assert set(inputs) == {"input_values", "flow_values"}
    lengths = inputs["flow_values"][:, 0, 2].mean((1, 2))
    torch.testing.assert_close(lengths, torch.tensor([1.0, 2.0]), atol=0.05, rtol=0)
    with pytest.raises(InvalidValueError, match="no map or no limits of frame 9; expected frames up to 9"):
        processor(audio=noise(RATE), sampling_rate=RATE, flow=tmp_path, starts=[0.9])
    (tmp_path / "flow_limits.npy").unlink()
    with pytest.raises(InvalidValueError, match=r"expected a file flow_limits\.npy"):
        read_flow_folder(tmp_path, [0])


def test_flow_is_estimated_from_the_frame_before():
    class Step:
        """Reports how much brighter a frame is than the one before."""

        def __call__(self, frames):
            levels = frames[:, :2].float()
            return torch.cat([torch.zeros_like(levels[:1]), levels.diff(dim=0)])

    frames = (torch.arange(10, dtype=torch.uint8) ** 2)[:, None, None, None].expand(-1, 16, 32, 3).contiguous()
    recording = {"videos": frames, "audio": noise(RATE), "sampling_rate": RATE, "starts": [0.4, 0.7]}
    inputs = SpatialAudioGenProcessor(image_size=(16, 32))(**recording, flow=Step())
    # Squares of 3 and 4, and of 6 and 7, inverted.
    assert inputs["flow_values"][:, 0, 0, 0, 0].tolist() == [-7, -13]
    assert inputs["flow_values"][0, 0, 2, 0, 0].item() == pytest.approx(7 * math.sqrt(2))
    hears = SpatialAudioGenProcessor(encoders=("audio", "flow"), image_size=(16, 32), inverted_flow=False)
    inputs = hears(**recording, flow=Step())
    assert "pixel_values_videos" not in inputs
    assert inputs["flow_values"][:, 0, 0, 0, 0].tolist() == [7, 13]


def test_raft_compares_each_frame_with_the_one_before():
    torch.manual_seed(0)
    network = raft_small()
    flow = RaftFlow(network)
    frames = torch.randint(0, 256, (3, 3, 130, 140), dtype=torch.uint8)
    motion = flow(frames)
    assert motion.shape == (3, 2, 130, 140)
    assert not motion[0].any()
    # Sizes are completed to multiples of eight by the border.
    pair = torch.nn.functional.pad(frames[1:].float() / 127.5 - 1, (0, 4, 0, 6), mode="replicate")
    with torch.no_grad():
        expected = network(pair[:1], pair[1:])[-1][0, :, :130, :140]
    torch.testing.assert_close(motion[2], expected)
    with pytest.raises(InvalidValueError, match=r"frames to estimate flow of: got 140 x 100; expected sides of 128"):
        flow(frames[..., :100, :])


def test_weights_of_raft_are_not_to_be_had_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("AVSSL_HOME", str(tmp_path))
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE"):
        RaftFlow.pretrained()
    with pytest.raises(InvalidValueError, match="size of RAFT: got 'tiny'"):
        RaftFlow.pretrained("tiny")


def test_wrong_inputs_are_named(clip_path, tmp_path):
    processor, frames = SpatialAudioGenProcessor(image_size=(16, 32)), torch.zeros(2, 16, 32, 3, dtype=torch.uint8)
    with pytest.raises(InvalidValueError, match="audio: got nothing; expected the sound"):
        processor(videos=frames)
    with pytest.raises(InvalidValueError, match="sampling_rate: got None"):
        processor(audio=noise(RATE))
    with pytest.raises(InvalidValueError, match=r"starts: got \[-1.0\]"):
        processor(audio=noise(RATE), sampling_rate=RATE, starts=[-1.0])
    with pytest.raises(InvalidValueError, match=r"flow: got shape \(2, 3, 16, 32\); expected \(time, 2, 16, 32\)"):
        processor(audio=noise(RATE), sampling_rate=RATE, flow=torch.zeros(2, 3, 16, 32))
    with pytest.raises(InvalidValueError, match="flow: got an estimator without videos"):
        processor(audio=noise(RATE), sampling_rate=RATE, flow=abs)
    with pytest.raises(InvalidValueError, match=r"SpatialAudioGenProcessor\.image_size: got \[0, 1\]"):
        SpatialAudioGenProcessor(image_size=(0, 1))
    write_media(tmp_path / "silent.mp4", frames, 10, None, None)
    with pytest.raises(MediaError, match=r"silent\.mp4"):
        processor(videos=tmp_path / "silent.mp4")
    with pytest.raises(MediaError, match="picture: got none"):
        processor(videos=write_sound(tmp_path / "sound.wav", torch.zeros(1, 4800), RATE))
