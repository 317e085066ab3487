"""AVWorld as real files: what is read back is what was rendered."""

import csv

import pytest
import torch

from avssl_hub.data.avworld import AVWorld, AVWorldConfig, draw_scenes
from avssl_hub.data.avworld.export import export
from avssl_hub.media import MediaReader
from avssl_hub.media.errors import MediaError


@pytest.fixture
def exported(tmp_path):
    world = AVWorld(AVWorldConfig(max_objects=2, camera_noise=0.0))
    return world, tmp_path, export(world, tmp_path, "test", [0, 3, 8], duration=1.5)


def test_files_read_back_as_rendered(exported):
    world, _, paths = exported
    rendered = world.render("test", [0, 3, 8], duration=1.5)
    for path, frames, samples in zip(paths, rendered.frames, rendered.samples):
        with MediaReader(path) as reader:
            video = reader.read_video(0.0, 1.5, 16.0)
            audio = reader.read_audio(0.0, 1.5, 24000)
        assert video.frames.shape == frames.shape
        # H.264 at this quality in 4:2:0 colour: a few grey levels on average.
        assert (video.frames.float() - frames.float()).abs().mean() < 6
        heard = audio.samples[0]
        similarity = torch.nn.functional.cosine_similarity(heard, samples, dim=0)
        assert heard.shape == samples.shape
        assert similarity > 0.95, "AAC keeps the waveform, aligned to the sample"


def test_labels_name_every_object_with_its_bounces(exported):
    world, folder, paths = exported
    with open(folder / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    scenes = world.render("test", [0, 3, 8], duration=1.5).scenes
    assert len(rows) == scenes.present.sum()
    assert 3 < len(rows) <= 6
    for position, path in enumerate(paths):
        own = [row for row in rows if row["file"] == path.name]
        assert [int(row["class"]) for row in own] == scenes.classes[position][scenes.present[position]].tolist()
        for number, row in enumerate(own):
            times = [float(time) for time in row["event_times"].split()]
            assert times == sorted(times)
            every = scenes.event_times[position, number]
            assert len(times) == (every < 1.5).sum()
            assert times[0] == pytest.approx(every.min().item(), abs=1e-4)


def test_existing_files_are_kept_unless_told_otherwise(exported):
    world, folder, paths = exported
    before = paths[0].read_bytes()
    with pytest.raises(MediaError, match=paths[0].name):
        export(world, folder, "test", [0], duration=0.5)
    assert paths[0].read_bytes() == before
    export(world, folder, "test", [0], duration=0.5, overwrite=True)
    assert len(paths[0].read_bytes()) < len(before)


def test_labels_tell_kinds_and_off_screen_sound(tmp_path):
    world = AVWorld(AVWorldConfig(num_kinds=20, off_screen_share=0.5))
    export(world, tmp_path, "train", range(6), duration=0.2)
    with open(tmp_path / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    scenes = draw_scenes(world.config, "train", range(6))
    assert [int(row["kind"]) for row in rows] == scenes.kinds[:, 0].tolist()
    assert [row["off_screen"] == "1" for row in rows] == scenes.off_screen.tolist()
    assert 0 < scenes.off_screen.sum() < 6
