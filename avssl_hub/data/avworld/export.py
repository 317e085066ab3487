"""Writing AVWorld clips as real media files, with a table of what happens in them."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...media import write_media
from .scenes import Scenes
from .world import AVWorld

COLUMNS = ("file", "split", "index", "object", "class", "kind", "size", "brightness", "event_times", "off_screen")


def export(
    world: AVWorld,
    folder: Path | str,
    split: str,
    indices: Sequence[int],
    duration: float | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write scenes as H.264/AAC mp4 files and describe them in ``labels.csv``, one row an object.

    Args:
        world: The world to render.
        folder: Where to write; made if missing.
        split: Split of the scenes.
        indices: Scene numbers.
        duration: Seconds from each scene's start; the whole scene if left out.
        overwrite: Replace files that are there.

    Returns:
        The media files, in the order of ``indices``.

    Raises:
        MediaWriteError: A media file is there already.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    length = world.config.duration if duration is None else duration
    paths, rows = [], []
    # One scene at a time bounds the memory whatever the number and length of the clips.
    for index in indices:
        clip = world.render(split, [index], duration=length)
        path = folder / f"avworld_{split}_{index:06d}.mp4"
        write_media(path, clip.frames[0], clip.fps, clip.samples, clip.sampling_rate, overwrite=overwrite)
        paths.append(path)
        rows += [{"file": path.name, "split": split, "index": index, **row} for row in _describe(clip.scenes, length)]
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return paths


def _describe(scenes: Scenes, length: float) -> Iterator[dict]:
    """Say what is known of each object of a single scene, up to ``length`` seconds."""
    for number in scenes.present[0].nonzero().flatten().tolist():
        times = sorted(time for time in scenes.event_times[0, number].tolist() if time < length)
        yield {
            "object": number,
            "class": scenes.classes[0, number].item(),
            "kind": scenes.kinds[0, number].item(),
            "size": f"{scenes.size[0, number]:.4f}",
            "brightness": f"{scenes.brightness[0, number]:.4f}",
            "event_times": " ".join(f"{time:.4f}" for time in times),
            "off_screen": int(scenes.off_screen[0]),
        }
