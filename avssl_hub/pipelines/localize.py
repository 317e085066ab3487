"""Where in the picture the sound comes from: the alignment network's activation maps over a whole film."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil, floor, inf

import torch

from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..media import MediaReader, MediaSource
from ._alignment import AlignmentPipeline, AlignmentStream, Look
from ._windows import check_sampling, nothing_to_compare, window_starts

_FRAMES_PER_MAP = 8  # the network halves time three times


@dataclass(frozen=True)
class Localization:
    """Activation maps of a file, N of them evenly spaced in time, from W windows.

    Attributes:
        file: Name of the file.
        times: float64 ``(N,)``, seconds on the file's clock.
        maps: float32 ``(N, H, W)``, the classifier at each place, above 0 where it speaks for synchrony; NaN where no
            picture decodes, or the sound track covers less than half of the window.
        seconds_per_map: Seconds from one map to the next.
        view: The centred share of the picture's height and width that the maps cover: 1 is the whole picture.
        until: Time at which what was looked at ends, where that is not all; else infinity.
        start: float64 ``(W,)``, start of each window.
        logits: float32 ``(W,)``, above 0 where the window is taken for being in synchrony.
        padded: bool ``(W,)``, whether the picture ended within the window: its last frame was held, and silence
            followed the sound. A file shorter than the network's clip gives one such window.
        reason: What is missing or odd about each window; empty where nothing is.
    """

    file: str
    times: torch.Tensor
    maps: torch.Tensor
    seconds_per_map: float
    view: float
    until: float
    start: torch.Tensor
    logits: torch.Tensor
    padded: torch.Tensor
    reason: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def heat(self) -> torch.Tensor:
        """The maps' absolute values, float32 ``(N, H, W)``, as the paper shows them."""
        return self.maps.abs()

    def heat_at(self, time: float) -> torch.Tensor:
        """Interpolate the heat linearly at a time in seconds, ``(H, W)``; the first and the last map are held."""
        place = min(max((time - self.times[0].item()) / self.seconds_per_map, 0.0), len(self) - 1.0)
        lower = int(place)
        low, high = self.maps[lower].abs(), self.maps[min(lower + 1, len(self) - 1)].abs()
        return low + (high - low) * (place - lower)


class LocalizationPipeline(AlignmentPipeline):
    """Find the part of the picture that sounds.

    The network was never told where; it was trained to tell sound in synchrony from sound that is not. Where the
    answer is strong, the picture moves with the sound. (The tiny model of AVWorld knows that toy world only.)

    Example:
        >>> localize = LocalizationPipeline("multisensory_localization.audioset")  # doctest: +SKIP
        >>> result = localize("my_video.mp4")
        >>> write_overlay(result, "my_video.mp4", "heat.mp4")  # of avssl_hub.pipelines.overlay
    """

    def __call__(
        self,
        source: MediaSource,
        every: float | None = None,
        released: bool = False,
        progress: Callable[[int, int], object] | None = None,
    ) -> Localization:
        """Map one file of any length; only its maps are held.

        Windows have the length of the network's clip. They touch by default, and the last one is moved back to end
        with the picture. All start at whole maps, so a rest shorter than one map may stay unseen; where windows
        overlap, the mean of their maps counts.

        Args:
            source: Path, bytes, or a seekable binary file object with picture and sound.
            every: Seconds from one window's start to the next, rounded to whole maps; less than the clip's length
                makes windows overlap.
            released: Look at the first clip of the file only, as the authors' demonstration does.
            progress: Called with the number of windows done and of all windows.

        Raises:
            InvalidValueError: ``every`` is not positive or longer than a clip, or both choices are given.
            MissingStreamError: The file lacks picture or sound.
            MediaError: The file cannot be opened, or no window of it can be mapped.
        """
        with heard_interrupts() as check, self.open(source, every, released) as film:
            looks = self._looks(film, progress, check)
        return self.join(film.facts, looks)

    @contextmanager
    def open(
        self, source: MediaSource, every: float | None = None, released: bool = False
    ) -> Iterator[AlignmentStream]:
        """Give the windows of one file, to be run and joined; see ``__call__``."""
        check_sampling(every, None)
        duration = self.processor.video_duration
        if every is not None and (released or every > duration):
            got = f"{every} with released=True" if released else every
            expected = f"at most the clip's {duration:.3f} s, and only where all of the file is mapped"
            raise InvalidValueError(explain("every", got, expected))
        with MediaReader(source) as reader:
            picture, length = self._picture(reader), self._maps_per_window
            step = duration / length
            shown = (picture.end - picture.start) / step
            hop = length if every is None else max(1, round(every / step))
            firsts = [0] if released else window_starts(floor(shown + 1e-6), length, hop)
            starts = [picture.start + first * step for first in firsts]
            facts = LocalizedFilm(reader.info.name, picture.start, shown, released)
            yield AlignmentStream(partial(self._clip, reader), starts, facts)

    def join(self, film: "LocalizedFilm", looks: Sequence[Look]) -> Localization:
        """Lay what ``run`` says of the windows of one film on one time axis.

        Raises:
            DecodeError: None of them could be mapped.
        """
        rules = self.processor
        length = self._maps_per_window
        step = rules.video_duration / length
        firsts = [round((look.start - film.start) / step) for look in looks]
        maps = _joined(looks, firsts, length)
        if maps is None:
            raise nothing_to_compare(film.file, looks[0].reason)
        # Those of what a short film was padded with say nothing of it.
        maps = maps[: max(1, ceil(film.shown - 1e-6))]
        return Localization(
            film.file,
            film.start + torch.arange(len(maps), dtype=torch.float64) * step,
            maps,
            step,
            1.0 if rules.legacy_resize else rules.crop_size / rules.resize_size,
            film.start + rules.video_duration if film.released else inf,
            torch.tensor([look.start for look in looks], dtype=torch.float64),
            torch.cat([look.logits for look in looks]),
            torch.tensor([look.padded for look in looks]),
            tuple(look.reason for look in looks),
        )

    @property
    def _maps_per_window(self) -> int:
        """Maps that the network makes of a window."""
        return -(-self.processor.num_frames // _FRAMES_PER_MAP)


@dataclass(frozen=True)
class LocalizedFilm:
    """What joining its windows takes of a film.

    Attributes:
        file: Its name.
        start: Start of the picture in seconds.
        shown: Maps that the picture lasts.
        released: Whether only its first clip was looked at.
    """

    file: str
    start: float
    shown: float
    released: bool


def _joined(looks: list[Look], firsts: list[int], length: int) -> torch.Tensor | None:
    """Lay windows of ``length`` maps on one time axis, their mean where several lie; None if there are no maps."""
    found = [(first, look.maps[0]) for first, look in zip(firsts, looks) if look.maps is not None]
    if not found:
        return None
    size = found[0][1].shape[1:]
    sums, counts = torch.zeros(firsts[-1] + length, *size), torch.zeros(firsts[-1] + length, 1, 1)
    for first, maps in found:
        sums[first : first + length] += maps
        counts[first : first + length] += 1
    return sums / counts
