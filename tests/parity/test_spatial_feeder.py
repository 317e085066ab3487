"""The chunk feeder against the authors' data reader (SpatialAudioGen)."""

from functools import cache

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import rotate
from avssl_hub.data.spatial import ChunkRules, write_folder
from avssl_hub.video.equirectangular import roll
from avssl_hub.video.flow import decode_flow_maps

from ._rules import fixture_files

YAWS = {"norot": 0.0, "rot1": 0.7, "rot2": -2.1}
FILES = fixture_files("spatialaudiogen", "feeder*.npz")


def arrays_of(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@cache
def recording(path):
    """Sound (192000, 4) int16, frames and pictures of flow (40, 3, 224, 448) uint8 and limits, by the input rule."""
    # The file itself tells no seed; another one of its set does.
    others = path.with_name("ambisonics.npz")
    base = int(arrays_of(others)["map|foa_seed"]) - 101 if others.exists() else 1000
    rs = np.random.RandomState(base + 300)
    pcm = rs.randint(-20000, 20000, (192000, 4)).astype(np.int16)
    pcm[96000:120000] //= 50
    pcm[144000:] //= 2
    frames, flow = (rs.randint(0, 256, (40, 14, 28, 3)).astype(np.uint8) for _ in range(2))
    flow[..., 1] = 0
    limits = np.stack([rs.uniform(0, 1, 40), rs.uniform(2, 9, 40)], 1)
    pictures = [torch.from_numpy(x.repeat(16, 1).repeat(16, 2)).permute(0, 3, 1, 2) for x in (frames, flow)]
    return torch.from_numpy(pcm.astype(np.float32) / 32768).T, *pictures, limits


@pytest.fixture(params=FILES)
def fixture(request):
    return arrays_of(request.param), recording(request.param)


@pytest.fixture(scope="module", params=FILES)
def folder(request, tmp_path_factory):
    """The recording in a prepared folder; the parity of its sound does not see what JPEG does to its frames."""
    sound, frames, *_ = recording(request.param)
    place = tmp_path_factory.mktemp("feeder") / "video"
    return arrays_of(request.param), write_folder(place, sound.split(50000, 1), frames)


def test_powers_match(folder):
    arrays, video = folder
    np.testing.assert_array_equal(video.powers.times, arrays["audio_pow"][:, 0])
    np.testing.assert_allclose(video.powers.powers, arrays["audio_pow"][:, 1], rtol=1e-12)


def test_lists_of_chunks_match(folder):
    arrays, video = folder
    lists = {name.removeprefix("chunks|"): times for name, times in arrays.items() if name.startswith("chunks|")}
    assert lists
    for name, expected in lists.items():
        if name == "eval":
            actual = video.powers.evaluation()
        elif name.startswith("train_thr"):
            actual = video.powers.training(float(name.removeprefix("train_thr")))
        else:
            start, duration = name.removeprefix("deploy_start").split("_dur")
            actual = video.powers.deploy(float(start), float(duration))
        np.testing.assert_array_equal(actual, expected, err_msg=name)


def test_windows_of_sound_match(folder):
    arrays, video = folder
    names = [name for name in arrays if name.startswith("audio|") and name.endswith("|sample")]
    assert names
    for name in names:
        _, turn, start, _ = name.split("|")
        samples, channels = arrays[f"audio|{turn}|{start}|shape"]
        sound = video.sound(ChunkRules().sample(float(start.removeprefix("start"))), int(samples))
        assert sound.shape == (channels, samples)
        np.testing.assert_allclose(rotate(sound, YAWS[turn]).T[::401], arrays[name], rtol=0, atol=1e-6, err_msg=name)


def test_frames_match(fixture):
    arrays, (_, frames, _, _) = fixture
    names = [name for name in arrays if name.startswith("video|")]
    assert names
    for name in names:
        _, turn, time = name.split("|")
        frame = roll(frames[ChunkRules().frame(float(time.removeprefix("t")))], YAWS[turn], whole_pixels=True)
        actual = (frame.permute(1, 2, 0).double() / 255 - 0.5)[None, ::32, ::7]
        np.testing.assert_allclose(actual, arrays[name], rtol=0, atol=1e-12, err_msg=name)


def test_flow_matches(fixture):
    arrays, (_, _, pictures, limits) = fixture
    names = [name for name in arrays if name.startswith("flow|")]
    assert names
    for name in names:
        _, turn, time = name.split("|")
        number = ChunkRules().frame(float(time.removeprefix("t")))
        (flow,) = decode_flow_maps(pictures[number].permute(1, 2, 0)[None], torch.as_tensor(limits[number])[None])
        flow = roll(flow, YAWS[turn], whole_pixels=True)
        np.testing.assert_allclose(
            flow.permute(1, 2, 0)[None, ::32, ::7], arrays[name], rtol=0, atol=1e-5, err_msg=name
        )
