"""Small runs on views of AVWorld in 360 degrees, and films of it."""

import pytest

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_films

SMALL = """
name: avsa_small.avworld
task: spatial_alignment
model:
  video_depth: 10
  video_hidden_sizes: [4, 4, 6, 8]
  num_frames: 2
  audio_hidden_sizes: [4, 4, 6, 8]
  translation_intermediate_size: 12
  projection_size: 5
  matching_hidden_size: 6
processor:
  num_frames: 2
  fps: 4.0
  view_size: 16
  projection: camera
  turns: yaw_first
  sampling_rate: 8000
  audio_duration: 0.6
  fft_size: 128
  hop_length: 160
  num_mel_bands: 12
views: {count: 2}
"""
WORLD = "data: {items: 12, workers: 1, world: {height: 16, sampling_rate: 8000, duration: 1.0}}\n"
LOOP = "loop: {steps: 5, batch_size: 4, checkpoint_every: 2, log_every: 2, trackers: []}\n"


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Settings of a small run on AVWorld, as a file."""
    path = tmp_path_factory.mktemp("recipes") / "small.yaml"
    path.write_text(SMALL + WORLD + LOOP)
    return path


@pytest.fixture(scope="session")
def of_films(tmp_path_factory, films):
    """The same of films, each a video but for the last two, which are clips of one."""
    path = tmp_path_factory.mktemp("recipes") / "of_films.yaml"
    path.write_text(SMALL + f"data: {{manifest: {films}, workers: 1, evenly_by: video}}\n" + LOOP)
    return path


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """The list of four films of 1 s, of three videos."""
    folder = tmp_path_factory.mktemp("films")
    world = AVWorld360(AVWorld360Config(height=16, sampling_rate=8000, duration=1.0, fps=8))
    names = [path.name for path in export_films(world, folder, "train", range(4))]
    rows = [f"{name},train,{video}" for name, video in zip(names, ("a", "b", "c", "c"))]
    listing = folder / "list.csv"
    listing.write_text("\n".join(["path,split,video", *rows]))
    return listing
