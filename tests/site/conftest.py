"""The small real files that the pages' snippets find in their folder."""

import shutil

import pytest

from avssl_hub.data.avworld import AVWorld, AVWorldConfig
from avssl_hub.data.avworld.export import export
from avssl_hub.data.avworld360 import AVWorld360
from avssl_hub.data.avworld360.export import export_films
from avssl_hub.media import write_sound
from tests.pipelines.test_recognize import classifier, processor


@pytest.fixture(scope="session")
def readers_files(tmp_path_factory):
    """A folder with what the pages call my_video.mp4 and so on: clips of AVWorld, flat and in 360°."""
    folder = tmp_path_factory.mktemp("reader")
    # One class, of which every fold then has some.
    first, *_ = export(AVWorld(AVWorldConfig(num_classes=1)), folder / "my_videos", "test", range(4), duration=1.5)
    (folder / "my_videos" / "labels.csv").rename(folder / "labels.csv")
    for name in ("my_video.mp4", "goal.mp4"):
        shutil.copy(first, folder / name)
    world = AVWorld360()
    film, *_ = export_films(world, folder / "films", "test", [0], duration=1.5)
    shutil.copy(film, folder / "my_360_video.mp4")
    clip = world.render("test", [0], duration=1.0)
    write_sound(folder / "scene.wav", [clip.ambisonics[0]], clip.sampling_rate)
    two_voices = AVWorld().render("test", [0, 1], duration=1.5)
    write_sound(folder / "recording.wav", [two_voices.samples.mean(0, keepdim=True)], two_voices.sampling_rate)
    classifier().save_pretrained(folder / "runs" / "ucf101")
    processor().save_pretrained(folder / "runs" / "ucf101")
    return folder
