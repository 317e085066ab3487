"""Power maps of a file of ambisonics: how loud it is towards every direction, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from ...audio.ambisonics import map_of_covariance, picture_grid, window_covariance
from ...errors import InvalidValueError, explain
from ...outputs import replacing
from .source import AmbisonicSound


@dataclass(frozen=True)
class PowerMaps:
    """How loud a sound is towards every direction of a grid.

    Attributes:
        azimuth_degrees: ``(rows, columns)``; the first column is at the left.
        elevation_degrees: ``(rows, columns)``; the first row is at the top.
        mean: ``(rows, columns)`` root mean square over the whole sound.
        maps: ``(windows, rows, columns)`` root mean square over each window.
        times: ``(windows,)`` seconds at which the windows begin.
        seconds: Length of a window.
    """

    azimuth_degrees: torch.Tensor
    elevation_degrees: torch.Tensor
    mean: torch.Tensor
    maps: torch.Tensor
    times: torch.Tensor
    seconds: float


def map_ambisonics(
    sound: AmbisonicSound,
    every: float = 0.5,
    resolution_degrees: float = 5.0,
    method: str = "projection",
    progress: Callable[[int, int], object] | None = None,
) -> PowerMaps:
    """Map a file.

    The grid is that of ``picture_grid``. The last window is filled up with silence. Memory grows with the number of
    windows, not with the sound.

    Args:
        sound: The opened file.
        every: Seconds a window; windows touch.
        resolution_degrees: Step of the grid.
        method: ``"projection"``, as the authors' maps, or ``"plane_wave"``, which is sharper.
        progress: Called with the seconds done and of all.

    Raises:
        InvalidValueError: ``every`` is shorter than a sample, the resolution does not divide 180 degrees, or the file
            holds no samples.
        UnknownNameError: There is no such method.
        MediaError: The file cannot be decoded.
    """
    rate = sound.sampling_rate
    window = round(every * rate)
    if window < 1:
        raise InvalidValueError(explain("seconds between maps", every, f"{1 / rate:.6f} s, a sample, or more"))
    grid = picture_grid(resolution_degrees)
    maps, samples = [], 0
    power = torch.zeros(grid[0].shape, dtype=torch.float64)
    for block in sound.blocks(window * max(1, rate // window)):
        covariance = window_covariance(F.pad(block, (0, -block.shape[1] % window)), window)
        mapped = map_of_covariance(covariance, *grid, method)
        power += mapped.square().sum(0) * window
        maps.append(mapped.float())
        samples += block.shape[1]
        if progress:
            progress(samples // rate, max(samples, sound.length) // rate)
    if not samples:
        raise InvalidValueError(explain(f"samples of {sound.name}", "none", "some sound"))
    whole = torch.cat(maps)
    azimuth, elevation = map(torch.rad2deg, grid)
    times = torch.arange(len(whole), dtype=torch.float64) * window / rate
    return PowerMaps(azimuth, elevation, (power / samples).sqrt(), whole, times, window / rate)


def write_power_maps(maps: PowerMaps, path: str | PathLike) -> None:
    """Write the fields of ``PowerMaps`` as npz.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(Path(path)) as partial, open(partial, "wb") as file:
        np.savez(file, **{name: np.asarray(value) for name, value in vars(maps).items()})
