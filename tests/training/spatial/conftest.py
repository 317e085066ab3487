"""Small runs on AVWorld in 360 degrees, and prepared recordings of it."""

import pytest

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_folders

SMALL = """
name: spatial_small.avworld
task: spatialization
model:
  encoders: [audio, video]
  num_tracks: 3
  sampling_rate: 8000
  context_samples: 3000
  chunk_samples: 300
  fft_size: 64
  image_size: [16, 32]
  audio_hidden_sizes: [4, 4, 6, 6, 8]
  audio_kernel_sizes: [[7, 8], [3, 3], [3, 3], [3, 2], [3, 2]]
  audio_strides: [[4, 4], [2, 2], [2, 2], [1, 1], [1, 1]]
  video_hidden_sizes: [4, 4, 6, 6]
  fusion_audio_size: 12
  fusion_visual_size: 10
  fusion_reduced_size: 5
  localization_hidden_sizes: [9, 8]
  separation_condition_size: 7
"""
WORLD = "data: {items: 12, world: {height: 16, sampling_rate: 8000, duration: 1.0}}\n"
LOOP = "loop: {steps: 5, batch_size: 4, checkpoint_every: 2, log_every: 2, trackers: []}\n"


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Settings of a small run on AVWorld, as a file."""
    path = tmp_path_factory.mktemp("recipes") / "small.yaml"
    path.write_text(SMALL + WORLD + LOOP)
    return path


@pytest.fixture(scope="session")
def of_folders(tmp_path_factory):
    """The same of recordings; data.manifest is to be given."""
    path = tmp_path_factory.mktemp("recipes") / "of_folders.yaml"
    path.write_text(SMALL + "data: {least_power: 0.0, workers: 1, clips_per_item: 5}\n" + LOOP)
    return path


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The list of three prepared recordings of 3 s, the last of which has no Z."""
    folder = tmp_path_factory.mktemp("prepared")
    world = AVWorld360(AVWorld360Config(height=16, sampling_rate=8000, duration=3.0))
    names = [path.name for path in export_folders(world, folder, "train", range(3))]
    rows = [f"{name},train,{layout}" for name, layout in zip(names, ("WXYZ", "WXYZ", "WXY"))]
    listing = folder / "list.csv"
    listing.write_text("\n".join(["path,split,layout", *rows]))
    return listing
