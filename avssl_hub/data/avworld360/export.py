"""Writing AVWorld clips in 360° as films or prepared folders, with tables of what happens in them."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ...media import SpatialAudio, SphericalVideo, write_media, write_spatial_metadata
from ...outputs import make_folder, replacing
from ..spatial import ChunkRules, write_folder
from .world import AVWorld360, AVWorld360Clips

OBJECTS, DIRECTIONS = "labels.csv", "directions.csv"
OBJECT_COLUMNS = ("file", "split", "index", "object", "class", "sounding", "seen", "radius_degrees", "event_times")
DIRECTION_COLUMNS = ("file", "object", "time", "azimuth_degrees", "elevation_degrees")


def export_films(
    world: AVWorld360,
    folder: Path | str,
    split: str,
    indices: Sequence[int],
    duration: float | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write scenes as H.264/AAC mp4 files with four channels and the metadata of 360° films.

    ``labels.csv`` has a row an object, ``directions.csv`` its direction at each picture.

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

    def write(path: Path, clip: AVWorld360Clips) -> Path:
        path = path.with_suffix(".mp4")
        frames = clip.frames[0].permute(0, 2, 3, 1)
        sound = clip.ambisonics[0]
        write_media(path, frames, world.config.fps, sound, clip.sampling_rate, overwrite=overwrite)
        return write_spatial_metadata(path, path, SphericalVideo(), SpatialAudio(), overwrite=True)

    return _export(world, Path(folder), split, indices, duration, write)


def export_folders(
    world: AVWorld360, folder: Path | str, split: str, indices: Sequence[int], duration: float | None = None
) -> list[Path]:
    """Write scenes as prepared folders, which :class:`avssl_hub.data.spatial.SpatialFolder` reads; see `export_films`.

    Raises:
        OutputError: A folder is there already.
    """
    rules = ChunkRules(world.config.sampling_rate, world.config.fps)

    def write(path: Path, clip: AVWorld360Clips) -> Path:
        return write_folder(path, [clip.ambisonics[0]], clip.frames[0], rules).path

    return _export(world, Path(folder), split, indices, duration, write)


def _export(
    world: AVWorld360,
    folder: Path,
    split: str,
    indices: Sequence[int],
    duration: float | None,
    write: Callable[[Path, AVWorld360Clips], Path],
) -> list[Path]:
    make_folder(folder)
    paths, objects, directions = [], [], []
    # One scene at a time bounds the memory whatever the number and length of the clips.
    for index in indices:
        clip = world.render(split, [index], duration=duration)
        paths.append(write(folder / f"avworld360_{split}_{index:06d}", clip))
        front = {"file": paths[-1].name, "split": split, "index": index}
        objects += [{**front, **row} for row in _objects(clip, world.config.duration if duration is None else duration)]
        directions += [{"file": paths[-1].name, **row} for row in _directions(clip)]
    _write_table(folder / OBJECTS, OBJECT_COLUMNS, objects)
    _write_table(folder / DIRECTIONS, DIRECTION_COLUMNS, directions)
    return paths


def _objects(clip: AVWorld360Clips, length: float) -> Iterator[dict]:
    """Say what is known of each object of a single scene, up to ``length`` seconds."""
    scenes = clip.scenes
    for number in scenes.present[0].nonzero().flatten().tolist():
        times = sorted(time for time in scenes.event_times[0, number].tolist() if time < length)
        yield {
            "object": number,
            "class": scenes.classes[0, number].item(),
            "sounding": int(scenes.sounding[0, number]),
            "seen": int(scenes.seen[0, number]),
            "radius_degrees": f"{scenes.radius[0, number].rad2deg():.3f}",
            "event_times": " ".join(f"{time:.4f}" for time in times),
        }


def _directions(clip: AVWorld360Clips) -> Iterator[dict]:
    """Say where each object of a single scene is at each picture."""
    azimuth, elevation = (angles[0].rad2deg() for angles in clip.scenes.directions(clip.times))
    for number in clip.scenes.present[0].nonzero().flatten().tolist():
        for time, left, up in zip(clip.times[0], azimuth[number], elevation[number]):
            yield {
                "object": number,
                "time": f"{time:.4f}",
                "azimuth_degrees": f"{left:.3f}",
                "elevation_degrees": f"{up:.3f}",
            }


def _write_table(path: Path, columns: Sequence[str], rows: list[dict]) -> None:
    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, columns)
        writer.writeheader()
        writer.writerows(rows)
