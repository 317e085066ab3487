"""Which moments of a recording a network is shown: the picture's, and those of the sounds tried on it."""

from typing import NamedTuple

import torch

from ...data.clips import NoWindowError
from ...errors import explain


class Windows(NamedTuple):
    """First frame of the picture, and the frames at which the sounds begin."""

    picture: int
    sounds: tuple[int, ...]


class AlignedWindows:
    """The picture with its own sound, from anywhere.

    Args:
        num_frames: Frames of a clip, T.
        whole: Whether a recording shorter than a clip is refused; else it is taken from its start.
    """

    def __init__(self, num_frames: int, whole: bool = True):
        self.num_frames, self.whole = num_frames, whole

    def draw(self, available: int, generator: torch.Generator | None = None) -> Windows:
        """Choose among ``available`` frames.

        Raises:
            NoWindowError: They are fewer than a clip has, and it has to be whole.
        """
        places = _places(available if self.whole else max(available, self.num_frames), self.num_frames)
        first = torch.randint(places, (), generator=generator).item()
        return Windows(first, (first,))


class ShiftedWindows:
    """The picture with its own sound and with that of another moment (section 3 of the paper).

    The two moments are a pair drawn uniformly from all that are at least ``least_shift`` apart, so neither is uniform
    by itself. The very last moment is left out, as the authors do: 302 frames give 177 clips of 125.

    Args:
        num_frames: Frames of a clip, T.
        least_shift: Frames between both moments, at least.
    """

    def __init__(self, num_frames: int, least_shift: int):
        self.num_frames, self.least_shift = num_frames, least_shift

    def draw(self, available: int, generator: torch.Generator | None = None) -> Windows:
        """Choose among ``available`` frames.

        Raises:
            NoWindowError: No two clips among them are that far apart.
        """
        rows = available - self.num_frames - self.least_shift
        if rows < 1:
            got, rule = f"{available} frames", f"at least {self.num_frames + self.least_shift + 1}"
            raise NoWindowError(explain("choosing sound out of time", got, rule))
        # Pairs as a triangle: the later moment of row i is i + least_shift, the earlier one any of 0 to i.
        number = torch.randint(rows * (rows + 1) // 2, (), generator=generator).item()
        row = int(((8 * number + 1) ** 0.5 - 1) // 2)
        pair = number - row * (row + 1) // 2, row + self.least_shift
        picture, shifted = pair if torch.rand((), generator=generator) < 0.5 else pair[::-1]
        return Windows(picture, (picture, shifted))


def _places(available: int, num_frames: int) -> int:
    if available < num_frames:
        raise NoWindowError(explain("choosing a clip", f"{available} frames", f"at least {num_frames}"))
    return available - num_frames + 1
