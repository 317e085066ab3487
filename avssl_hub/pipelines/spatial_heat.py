"""Where it is loud, to look at: power maps of ambisonic sound over a 360° film."""

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path

import torch

from ..audio.ambisonics.covariance import window_covariance
from ..audio.ambisonics.power_map import map_of_covariance
from ..audio.blocks import of_length
from ..jobs.interrupts import heard_interrupts
from ..media import MediaSource, SoundReader, repaint_media
from ..video.equirectangular import pixel_directions
from ..video.power_heat import overlay_power, relative_power

SECONDS_PER_MAP = 0.5
_GRID = (36, 72)  # steps of 5 degrees


class RelativePower:
    """Relative power of all directions over time; of a long sound nothing is held but sixteen numbers a map.

    Args:
        blocks: W, Y, Z and X, ``(4, n)``, following each other.
        sampling_rate: Samples per second.
        start: Time of the first sample in seconds.
    """

    def __init__(self, blocks: Iterable[torch.Tensor], sampling_rate: int, start: float = 0.0):
        windows = of_length(blocks, round(SECONDS_PER_MAP * sampling_rate))
        self._covariance = torch.stack(list(map(window_covariance, windows)))
        self._start = start
        self._last: tuple[int, torch.Tensor] | None = None

    def __len__(self) -> int:
        return len(self._covariance)

    def at(self, time: float) -> torch.Tensor:
        """Interpolate linearly between the middles of the windows; ``(36, 72)`` in 0 to 1."""
        place = min(max((time - self._start) / SECONDS_PER_MAP - 0.5, 0.0), len(self) - 1.0)
        first = int(place)
        if self._last is None or self._last[0] != first:
            grid = pixel_directions(*_GRID)
            maps = map_of_covariance(self._covariance[first : first + 2], *grid)
            self._last = first, relative_power(maps)
        maps = self._last[1]
        return torch.lerp(maps[0], maps[-1], place - first)


def write_heat(
    source: MediaSource,
    sound: MediaSource,
    path: str | PathLike,
    start: float | None = None,
    stereo: str = "mono",
    overwrite: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Write an equirectangular film with the power of its sound over every frame; one frame is held at a time.

    Args:
        source: The film, whose own sound is kept.
        sound: Its ambisonics, W, Y, Z and X.
        path: Where to write the mp4 file; appears when complete. Odd sides lose a pixel.
        start: Time of the first sample on the film's clock; by default what the sound's file says.
        stereo: How the eyes' pictures lie in the frame; ``"mono"`` if there is one.
        overwrite: Replace a file that is there.
        progress: Called with the number of seconds drawn and of all.

    Returns:
        The path written.

    Raises:
        InvalidValueError: The sound has not the channels of a sphere.
        MediaError: A file cannot be read, or the film exists already or cannot be written.
    """
    path = Path(path)
    with SoundReader(sound) as reader:
        begin = reader.start if start is None else start
        maps = RelativePower(reader, reader.sampling_rate, begin)
    total = max(1, round(len(maps) * SECONDS_PER_MAP))

    def paint(frame: torch.Tensor, time: float) -> torch.Tensor:
        if progress:
            progress(min(total, max(0, int(time - begin))), total)
        power, painted = maps.at(time), frame.clone()
        for eye in eyes_of(painted, stereo):
            eye.copy_(overlay_power(eye, power))
        return painted

    with heard_interrupts() as check:
        repaint_media(source, path, paint, overwrite=overwrite)
        try:
            check()
        except KeyboardInterrupt:
            # What a lost interrupt did to the reading is not known.
            path.unlink()
            raise
    if progress:
        progress(total, total)
    return path


def eyes_of(frame: torch.Tensor, stereo: str) -> list[torch.Tensor]:
    """The picture of each eye in a frame ``(H, W, 3)``."""
    axis = {"mono": None, "top-bottom": 0}.get(stereo, 1)
    return [frame] if axis is None else list(frame.tensor_split(2, axis))
