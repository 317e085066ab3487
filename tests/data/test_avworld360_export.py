"""AVWorld in 360° as files: what is read back is what was rendered."""

import csv

import pytest
import torch

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_films, export_folders
from avssl_hub.data.spatial import ChunkRules, SpatialFolder
from avssl_hub.media import MediaReader, read_sound, read_spatial_metadata
from avssl_hub.media.errors import MediaError
from avssl_hub.outputs import OutputError

WORLD = AVWorld360(AVWorld360Config(max_sources=2, max_distractors=1, height=32, sampling_rate=16000))


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_films_read_back_as_rendered_with_their_metadata(tmp_path):
    paths = export_films(WORLD, tmp_path, "test", [0, 4], duration=2.0)
    rendered = WORLD.render("test", [0, 4], duration=2.0)
    for path, frames, sound in zip(paths, rendered.frames, rendered.ambisonics):
        metadata = read_spatial_metadata(path)
        assert metadata.video.projection == "equirectangular"
        assert metadata.audio.channel_map == (0, 1, 2, 3)
        with MediaReader(path) as reader:
            seen = reader.read_video(0.0, 2.0, 10.0).frames.permute(0, 3, 1, 2)
        assert (seen.float() - frames.float()).abs().mean() < 6
        heard, rate = read_sound(path)
        assert rate == 16000
        for ours, theirs in zip(heard, sound):
            assert torch.cosine_similarity(ours[: len(theirs)], theirs, dim=0) > 0.95
    with pytest.raises(MediaError, match=paths[0].name):
        export_films(WORLD, tmp_path, "test", [0], duration=0.5)


def test_folders_read_back_as_rendered(tmp_path):
    (path,) = export_folders(WORLD, tmp_path, "train", [7], duration=2.0)
    rendered = WORLD.render("train", [7], duration=2.0)
    folder = SpatialFolder(path, ChunkRules(16000))
    assert (folder.seconds, folder.frames) == (2, 20)
    torch.testing.assert_close(folder.sound(0, 32000), rendered.ambisonics[0], rtol=0, atol=0.51 / 32768)
    assert (folder.frame(13).float() - rendered.frames[0, 13].float()).abs().mean() < 6
    with pytest.raises(OutputError, match="exists already"):
        export_folders(WORLD, tmp_path, "train", [7], duration=2.0)


def test_tables_tell_objects_and_directions(tmp_path):
    export_films(WORLD, tmp_path, "test", [1, 2], duration=0.5)
    clips = WORLD.render("test", [1, 2], duration=0.5)
    scenes = clips.scenes
    objects, directions = rows_of(tmp_path / "labels.csv"), rows_of(tmp_path / "directions.csv")
    assert [int(row["class"]) for row in objects] == scenes.classes[scenes.present].tolist()
    assert [row["sounding"] == "1" for row in objects] == scenes.sounding[scenes.present].tolist()
    assert all(bool(row["event_times"]) <= (row["sounding"] == "1") for row in objects)
    told = torch.tensor([[float(row["azimuth_degrees"]), float(row["elevation_degrees"])] for row in directions])
    azimuth, elevation = scenes.directions(clips.times)
    expected = torch.stack([azimuth[scenes.present], elevation[scenes.present]], -1).rad2deg().flatten(0, 1)
    torch.testing.assert_close(told, expected.float(), rtol=0, atol=1e-3)
