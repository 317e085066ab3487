"""Reading a prepared 360° video: seconds of sound, frames and flow in numbered files, as the authors released them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ...audio.ambisonics import rotate
from ...audio.ambisonics.conventions import FIRST_ORDER_CHANNELS
from ...errors import explain
from ...media.jpeg import read_jpeg
from ...media.pcm import read_pcm
from ...video.equirectangular import roll
from ...video.flow import FLOW_LIMITS, decode_flow_maps
from .errors import MissingPartError, SpatialFolderError, UnequalLengthsError, WrongSoundError
from .powers import ChunkPowers, parse_powers
from .rules import ChunkRules

SOUND, PICTURES, FLOW, POWERS = "ambix", "video", "flow", "audio_pow.lst"


@dataclass(frozen=True)
class SpatialChunk:
    """What a network hears and sees around a tenth of a second.

    Attributes:
        time: Start of the chunk in seconds.
        ambisonics: W, Y, Z, X (SN3D) with half a context on both sides, (4, window_samples) float32; zeros outside of
            the recording.
        frame: Equirectangular picture at the chunk's start, (3, H, W) uint8.
        flow: (3, H, W) float32 as :func:`avssl_hub.video.flow.decode_flow_maps` gives it, or None.
    """

    time: float
    ambisonics: torch.Tensor
    frame: torch.Tensor
    flow: torch.Tensor | None = None

    def turned(self, yaw: float) -> "SpatialChunk":
        """Return the chunk moved by ``yaw`` radians to the left, sound exactly and pictures in whole pixels."""
        return replace(
            self,
            ambisonics=rotate(self.ambisonics, yaw),
            frame=roll(self.frame, yaw, whole_pixels=True),
            flow=None if self.flow is None else roll(self.flow, yaw, whole_pixels=True),
        )


def is_spatial_folder(path: str | Path) -> bool:
    """Tell whether a folder is laid out as a prepared 360° video."""
    return all(Path(path, part).is_dir() for part in (SOUND, PICTURES))


class SpatialFolder:
    """A prepared 360° video.

    ``ambix/000000.wav`` and so on hold a second of four channels each, ``video/000000.jpg`` and so on the frames,
    ``audio_pow.lst`` the power of each chunk; where there is ``flow/``, it has a picture of flow for each frame and
    their limits in ``flow_limits.npy``.

    Args:
        path: The folder.
        rules: Sampling rate, frame rate and sizes of its chunks.

    Raises:
        MissingPartError: It has no sound or no frames, or numbers are left out between the first and the last.
        UnequalLengthsError: Frames or flow end before the last chunk of the sound.
    """

    def __init__(self, path: str | Path, rules: ChunkRules | None = None):
        self.path = Path(path)
        self.rules = rules or ChunkRules()
        self.seconds = self._count(SOUND, "wav")
        self.frames = self._count(PICTURES, "jpg")
        self.has_flow = (self.path / FLOW).is_dir()
        # The last chunk ends half a second before the sound does.
        needed = self.rules.frame(self.seconds - 0.6) + 1
        self._expect(self.frames >= needed, f"{self.seconds} s of sound and {self.frames} frames", f"{needed} frames")
        if self.has_flow:
            flows = self._count(FLOW, "jpg")
            got = f"{self.frames} frames, {flows} pictures of flow and {len(self._limits)} limits"
            self._expect(flows == self.frames == len(self._limits), got, "as many of each")

    @cached_property
    def powers(self) -> ChunkPowers:
        """The chunks there are, from ``audio_pow.lst``.

        Raises:
            MissingPartError: There is no such list.
            SpatialFolderError: It cannot be read, or has a bad line.
        """
        path = self.path / POWERS
        return parse_powers(self._opened(path, lambda: path.read_text(encoding="utf-8")), str(path))

    def sound(self, first: int, count: int) -> torch.Tensor:
        """Read ``count`` samples from sample ``first`` on, (4, count); zeros before the beginning and behind the end.

        Raises:
            WrongSoundError: A file has another number of channels, rate or length than it should.
            MediaError: A file cannot be read.
        """
        rate, samples = self.rules.sampling_rate, torch.zeros(FIRST_ORDER_CHANNELS, count)
        begin, end = max(first, 0), min(first + count, self.seconds * rate)
        for second in range(begin // rate, -(-end // rate)):
            left, right = max(begin, second * rate), min(end, (second + 1) * rate)
            part = self._second(second)
            samples[:, left - first : right - first] = part[:, left - second * rate : right - second * rate]
        return samples

    def frame(self, number: int) -> torch.Tensor:
        """Read a frame, (3, H, W) uint8.

        Raises:
            MissingPartError: There is none of that number.
            MediaError: It cannot be read.
        """
        return self._picture(PICTURES, number)

    def flow(self, number: int) -> torch.Tensor:
        """Read the flow that leads to a frame, (3, H, W) float32; errors are those of :meth:`frame`."""
        picture = self._picture(FLOW, number).permute(1, 2, 0)
        return decode_flow_maps(picture[None], torch.from_numpy(self._limits[number, None]))[0]

    def chunk(self, time: float, with_flow: bool = False) -> SpatialChunk:
        """Read the chunk at ``time`` seconds; errors are those of :meth:`sound` and :meth:`frame`."""
        sound = self.sound(self.rules.window_start(time), self.rules.window_samples)
        number = self.rules.frame(time)
        return SpatialChunk(time, sound, self.frame(number), self.flow(number) if with_flow else None)

    @cached_property
    def _limits(self) -> np.ndarray:
        path = self.path / FLOW / FLOW_LIMITS
        limits = self._opened(path, lambda: np.load(path, allow_pickle=False))
        if limits.ndim != 2 or limits.shape[1] != 2 or limits.dtype.kind != "f":
            got = f"{limits.dtype} of shape {limits.shape}"
            raise SpatialFolderError(explain(f"limits of flow {path}", got, "floats of shape (frames, 2)"))
        return limits

    def _second(self, number: int) -> torch.Tensor:
        path = self.path / SOUND / f"{number:06d}.wav"
        samples, rate = read_pcm(path)
        wanted = (FIRST_ORDER_CHANNELS, self.rules.sampling_rate)
        if (*samples.shape, rate) != (*wanted, wanted[1]):
            got = f"{samples.shape[0]} channels of {samples.shape[1]} samples at {rate} Hz"
            rule = f"{wanted[0]} channels of {wanted[1]} samples at {wanted[1]} Hz, which is a second"
            raise WrongSoundError(explain(f"sound {path}", got, rule, "Prepare the video again."))
        return samples

    def _picture(self, part: str, number: int) -> torch.Tensor:
        path = self.path / part / f"{number:06d}.jpg"
        if not path.exists():
            raise MissingPartError(explain(f"reading {path}", "no such file", f"a number below {self.frames}"))
        return read_jpeg(path)

    def _count(self, part: str, suffix: str) -> int:
        """Count the numbered files of a part, none of which may be missing."""
        folder, pattern = self.path / part, re.compile(rf"\d{{6}}\.{suffix}")
        there = (
            sorted(file.name for file in folder.iterdir() if pattern.fullmatch(file.name)) if folder.is_dir() else []
        )
        if not there:
            rule = f"000000.{suffix} and so on"
            raise MissingPartError(explain(f"reading {folder}", "no such files", rule, "Is it a prepared 360° video?"))
        for number, name in enumerate(there):
            if name != f"{number:06d}.{suffix}":
                got, rule = f"no {number:06d}.{suffix}, but {name}", "all numbers from 0 to the last"
                raise MissingPartError(explain(f"reading {folder}", got, rule, "Prepare the video again."))
        return len(there)

    def _expect(self, holds: bool, got: str, rule: str) -> None:
        if not holds:
            raise UnequalLengthsError(explain(f"lengths of {self.path}", got, rule, "Prepare the video again."))

    def _opened(self, path: Path, read: Callable):
        try:
            return read()
        except FileNotFoundError:
            raise MissingPartError(
                explain(f"reading {path}", "no such file", "one", "Prepare the video again.")
            ) from None
        # What NumPy says of a file that is none of its own, or that would need pickle, is a ValueError.
        except (OSError, EOFError, ValueError) as error:
            step = "Prepare the video again."
            raise SpatialFolderError(explain(f"reading {path}", str(error), "a readable file", step)) from error
