"""Clips of 360° films through the real decoder, in one file and in two."""

import shutil

import av
import pytest
import torch

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_films
from avssl_hub.data.clips import NoWindowError
from avssl_hub.data.manifest import ManifestItem
from avssl_hub.media import DecodeError, MissingStreamError, write_media
from avssl_hub.training.clip360_reader import Clip360Reader

RATE = 24000


@pytest.fixture(scope="module")
def world():
    return AVWorld360(AVWorld360Config(fps=16, height=48, duration=2.0, sampling_rate=RATE, camera_noise=0.0))


@pytest.fixture(scope="module")
def film(world, tmp_path_factory):
    return export_films(world, tmp_path_factory.mktemp("films"), "train", [0])[0]


def copied(film, kind, path):
    """Copy one stream of a film as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(film)) as source, av.open(str(path), "w", format="mp4") as target:
        stream = getattr(source.streams, kind)[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)


def test_a_window_is_what_was_rendered(world, film):
    frames, samples = Clip360Reader().read(ManifestItem(film), 0.5, 0.5)
    assert (frames.dtype, tuple(frames.shape), tuple(samples.shape)) == (torch.uint8, (8, 3, 48, 96), (4, RATE // 2))
    clip = world.render("train", [0])
    expected = clip.frames[0, 8:16]
    assert (frames.float() - expected.float()).abs().mean() < 4
    # AAC is no exact copy, but of each channel it is a close one.
    heard = clip.ambisonics[0, :, RATE // 2 : RATE]
    assert (samples - heard).square().mean(1).div(heard.square().mean(1)).max() < 0.05


def test_sound_beside_the_film_is_the_same(film, tmp_path):
    copied(film, "video", tmp_path / "video" / "id-7.mp4")
    copied(film, "audio", tmp_path / "audio" / "id-7.m4a")
    reader, item = Clip360Reader(size=(24, 48)), ManifestItem(tmp_path / "video" / "id-7.mp4", start=0.25, end=1.75)
    frames, samples = reader.read(ManifestItem(film), 0.5, 0.5)
    both = reader.read(item, 0.5, 0.5)
    assert frames.shape[-2:] == (24, 48)
    assert torch.equal(frames, both[0])
    assert torch.equal(samples, both[1])
    with reader.open(item) as clip:
        assert (clip.picture.start, clip.sound.end) == (0.25, 1.75)
    shutil.copy(tmp_path / "video" / "id-7.mp4", tmp_path / "id-8.mp4")
    with pytest.raises(MissingStreamError, match="no sound"):
        reader.read(ManifestItem(tmp_path / "id-8.mp4"), 0.5, 0.5)


def test_random_clips_stay_within_the_item(film):
    reader, item = Clip360Reader(), ManifestItem(film, start=0.5, end=2.0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        frames, samples = reader.read_random(item, generator=generator)
        assert samples.shape == (4, RATE)
        assert 1 <= len(frames) <= 8
    with pytest.raises(NoWindowError):
        reader.read_random(ManifestItem(film, start=0.5, end=1.0))


def test_stereo_is_refused(tmp_path):
    path = write_media(tmp_path / "a.mp4", torch.zeros(8, 16, 32, 3).byte(), 8, torch.zeros(2, RATE), RATE)
    with pytest.raises(DecodeError, match="got 2 channels; expected 4 or more"):
        Clip360Reader().read(ManifestItem(path), 0.0, 0.5)
