"""Films to try the page with, made by AVWorld: nothing is fetched, and nobody is shown."""

from dataclasses import dataclass
from pathlib import Path

import torch

from ..data.avworld import AVWorld, AVWorldConfig, draw_scenes
from ..data.avworld360 import AVWorld360, AVWorld360Config
from ..data.avworld360.export import export_films
from ..media import write_media

# As many pictures a second as the fastest of the tiny models looks at.
_FPS = 32.0
_SIZE = 128


@dataclass(frozen=True)
class Example:
    """A film, what it shows, and the model to begin with."""

    label: str
    film: Path
    model: str


def make_examples(folder: Path) -> tuple[Example, ...]:
    """Write the example films.

    Args:
        folder: Where to write; exists.

    Raises:
        MediaWriteError: A film is there already or cannot be written.
    """
    # Without camera noise, for small files.
    world = AVWorld(AVWorldConfig(height=_SIZE, width=_SIZE, fps=_FPS, camera_noise=0.0))
    spatial = AVWorld360(AVWorld360Config(min_sources=2, max_sources=2, camera_noise=0.0))
    (sphere,) = export_films(spatial, folder, "test", [0])
    turns, stranger = folder / "three_objects.mp4", folder / "sound_off_screen.mp4"
    return (
        Example("Three objects in turn", _in_turn(world, turns), "avid_tiny.avworld"),
        Example("A sound from off the screen", _with_stranger(world, stranger), "multisensory_separation_tiny.avworld"),
        Example("360°, two objects", sphere.rename(folder / "360_degrees.mp4"), "spatial_audio_gen_tiny.avworld"),
    )


def _in_turn(world: AVWorld, path: Path) -> Path:
    clips = world.render("test", _of_different_classes(world, 3))
    frames, samples = clips.frames.flatten(0, 1), clips.samples.flatten()[None]
    return write_media(path, frames, clips.fps, samples, clips.sampling_rate)


def _with_stranger(world: AVWorld, path: Path) -> Path:
    seen, heard = _of_different_classes(world, 2)
    clips = world.render("test", [seen, heard])
    return write_media(path, clips.frames[0], clips.fps, clips.samples.mean(0, keepdim=True), clips.sampling_rate)


def _of_different_classes(world: AVWorld, count: int) -> list[int]:
    """Return the numbers of the first scenes whose objects are each of another class."""
    classes = draw_scenes(world.config, "test", range(50)).classes[:, 0]
    firsts = [int((classes == label).nonzero()[0]) for label in torch.unique(classes)]
    return sorted(firsts)[:count]
