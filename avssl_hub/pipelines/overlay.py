"""Localisation to look at: a film with the heat laid over it, a still, and the raw maps."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

import numpy as np
import torch

from ..jobs.interrupts import heard_interrupts
from ..media import MediaReader, MediaSource, repaint_media
from ..outputs import replacing
from ..video.heat import heat_range, overlay_heat
from .localize import Localization


def write_overlay(
    result: Localization,
    source: MediaSource,
    path: str | PathLike,
    overwrite: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Write the film with heat over every frame, and its own sound; one frame is held at a time.

    Colours follow the range of the whole film's maps; see :func:`avssl_hub.video.heat.overlay_heat`.

    Args:
        result: The maps.
        source: The film they are of.
        path: Where to write the mp4 file; appears when complete. Odd sides lose a pixel.
        overwrite: Replace a file that is there.
        progress: Called with the number of seconds drawn and of all.

    Raises:
        MediaError: The film cannot be read, or the file exists already or cannot be written.
    """
    low, high = heat_range(result.heat)
    begin, total = result.times[0].item(), round(len(result) * result.seconds_per_map)
    path = Path(path)

    def paint(frame: torch.Tensor, time: float) -> torch.Tensor:
        if progress:
            progress(min(total, int(time - begin)), total)
        return overlay_heat(frame, result.heat_at(time), low, high, result.view)

    with heard_interrupts() as check:
        repaint_media(source, path, paint, until=result.until, overwrite=overwrite)
        try:
            check()
        except KeyboardInterrupt:
            # What a lost interrupt did to the reading is not known.
            path.unlink()
            raise
    if progress:
        progress(total, total)
    return path


def write_still(result: Localization, source: MediaSource, path: str | PathLike) -> None:
    """Write one PNG: the mean heat over the film, in colours of its own range, on the frame in the film's middle.

    Raises:
        MediaError: The frame cannot be read.
        OutputError: The picture cannot be written.
    """
    from matplotlib.image import imsave

    mapped = ~result.maps.flatten(1).isnan().any(1)
    heat = result.heat[mapped].mean(0)
    times = result.times[mapped]
    with MediaReader(source) as reader:
        frame = reader.read_video(times[len(times) // 2].item(), 1.0, reader.video.fps, max_frames=1).frames[0]
    picture = overlay_heat(frame, heat, *heat_range(heat), result.view)
    with replacing(Path(path)) as partial:
        imsave(partial, picture.numpy(), format="png")


def write_maps(result: Localization, path: str | PathLike) -> None:
    """Write all that is known as npz: the fields of ``Localization``, and ``low`` and ``high`` of the colours.

    The file's name stands as ``film``, since NumPy takes ``file`` for its own.

    Raises:
        OutputError: The file cannot be written.
    """
    low, high = heat_range(result.heat)
    arrays = {"film" if name == "file" else name: np.asarray(value) for name, value in vars(result).items()}
    with replacing(Path(path)) as partial, open(partial, "wb") as file:
        np.savez(file, **arrays, low=low, high=high)
