"""Small runs on views of AVWorld in 360 degrees, and films of it."""

import pytest
import torch
from torchvision.io import write_png

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_films
from avssl_hub.data.manifest import Manifest

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
  segmentation_hidden_size: 6
  segmentation_branch_size: 4
  segmentation_norm_groups: 2
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


@pytest.fixture(scope="session")
def maps(tmp_path_factory, films):
    """Folders of maps of the films, two maps each: of "car" (2) and of "sky" (40); and 20 columns of each left half."""
    folder = tmp_path_factory.mktemp("maps")
    for item in Manifest.read(films):
        own = folder / item.path.stem
        own.mkdir()
        for number, label in ((1, 2), (3, 80)):
            things = torch.full((1, 20, 40), label, dtype=torch.uint8)
            things[..., :20] = 80
            stuff = torch.full_like(things, 40)
            stuff[..., :20] = 54
            write_png(things, str(own / f"things-{number:04d}.png"))
            write_png(stuff, str(own / f"stuff-{number:04d}.png"))
    return folder
