"""From separated windows to one long sound: where windows lie, and what becomes of samples that several cover.

All positions are samples from the beginning of the sound. Both rules hold no more than one window.
"""

from collections.abc import Iterable, Iterator
from math import ceil, floor

import torch
from torch.nn import functional as F

Windows = Iterable[tuple[int, torch.Tensor]]


class CrossFade:
    """Windows that overlap by half and fade into each other; nothing of the sound is lost.

    The inverse transform fades at both ends of a window. These parts are left out: the first window begins before
    the sound does, and the last one, moved back to fit, ends behind it. A sound shorter than a window gets one.

    Args:
        size: Samples that come out of a window.
        edge: Samples at either end of it that are left out.
        ordered: Whether tracks keep their meaning from window to window. Where they do not, the two of each window
            are swapped if they then resemble the sound so far more, by their products over the overlap.
    """

    def __init__(self, size: int, edge: int, ordered: bool):
        self._edge, self._ordered = edge, ordered
        self._inner = size - 2 * edge
        # Without the zeros at its ends, and not rounded to zero beside them, so that every sample has a weight.
        self._fade = torch.hann_window(self._inner + 2, periodic=False, dtype=torch.float64)[1:-1].float()

    def starts(self, length: int) -> list[int]:
        """Place the windows over a sound of ``length`` samples."""
        hop, last = ceil(self._inner / 2), max(0, length - self._inner)
        return [min(k * hop, last) - self._edge for k in range(ceil(last / hop) + 1)]

    def join(self, windows: Windows, length: int) -> Iterator[torch.Tensor]:
        """Turn windows ``(start, (3, size))``, two tracks and their mixture, into blocks that follow each other."""
        total, weight, position = torch.zeros(3, self._inner), torch.zeros(self._inner), 0
        for start, tracks in windows:
            tracks = tracks[:, self._edge : self._edge + self._inner]
            done = start + self._edge - position
            if done:
                yield total[:, :done] / weight[:done]
                total, weight = F.pad(total[:, done:], (0, done)), F.pad(weight[done:], (0, done))
                position += done
            if not self._ordered and _swapped_fits_better(total[:2], tracks[:2]):
                tracks = tracks[[1, 0, 2]]
            total += tracks * self._fade
            weight += self._fade
        yield (total / weight)[:, : length - position]


class FirstWindow:
    """The released tool's rule: every sample is that of the first window that covers it.

    Windows start every half clip, at a frame. One for which there is too little sound is left out, so that the end
    of the sound may be covered by none; it is silent here, for the tracks to be as long as the sound.

    Args:
        size: Samples that come out of a window.
        needed: Samples that go into one.
        clip: Nominal length of a window in seconds.
        fps: Frames per second.
        sampling_rate: Samples per second.
    """

    def __init__(self, size: int, needed: int, clip: float, fps: float, sampling_rate: int):
        self._size, self._needed, self._step, self._fps, self._rate = size, needed, clip / 2, fps, sampling_rate

    def starts(self, length: int) -> list[int]:
        """Place the windows over a sound of ``length`` samples; none if it is shorter than one."""
        count = ceil(length / self._rate / self._step)
        starts = (round(floor(k * self._step * self._fps) / self._fps * self._rate) for k in range(count))
        return [start for start in starts if start + self._needed <= length]

    def end(self, length: int) -> int:
        """Tell how many of ``length`` samples windows cover."""
        starts = self.starts(length)
        return starts[-1] + self._size if starts else 0

    def join(self, windows: Windows, length: int) -> Iterator[torch.Tensor]:
        """Turn windows ``(start, (3, size))`` into blocks that follow each other, cut at ±1."""
        position = 0
        for start, tracks in windows:
            yield tracks[:, position - start :].clamp(-1, 1)
            position = start + self._size
        yield torch.zeros(3, length - position)


def _swapped_fits_better(before: torch.Tensor, tracks: torch.Tensor) -> bool:
    """Compare tracks ``(2, n)`` in both orders with faded ones that are zero where they do not reach."""
    alike = before @ tracks.T
    return (alike[0, 1] + alike[1, 0] > alike[0, 0] + alike[1, 1]).item()
