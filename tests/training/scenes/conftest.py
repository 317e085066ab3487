"""Small runs on AVWorld, and recordings that tell the time."""

import pytest

from ..test_clips import write_clock

SMALL = """
name: multisensory_small.avworld
model: {video_hidden_sizes: [4, 6, 6, 8], audio_hidden_sizes: [4, 4, 4, 6, 4], fusion_hidden_size: 6}
processor: {num_frames: 16, fps: 16, resize_size: 34, crop_size: 32, sampling_rate: 8000}
data: {items: 12, world: {height: 32, width: 32, sampling_rate: 8000}}
optimizer: {max_norm: 5.0, warmup_steps: 2}
loop: {steps: 5, batch_size: 4, checkpoint_every: 2, log_every: 2, trackers: []}
"""


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The settings that every small recipe shares, as a file."""
    path = tmp_path_factory.mktemp("recipes") / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def clocks(tmp_path_factory):
    """Six clips of 4 s whose picture and sound tell when they are, in two classes, and their list."""
    folder = tmp_path_factory.mktemp("clocks")
    for number in range(6):
        write_clock(folder / f"{number}.mp4", number)
    rows = [f"{number}.mp4,{'even' if number % 2 == 0 else 'odd'}" for number in range(6)]
    (folder / "clips.csv").write_text("\n".join(["path,label", *rows]))
    return folder
