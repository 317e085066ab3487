"""Pictures: which frames a window wants, and decoding no more than it takes to have them."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from math import floor

import av
import numpy as np
import torch
from av.video.reformatter import VideoReformatter

from avssl_hub.errors import explain
from avssl_hub.media._orientation import upright
from avssl_hub.media._track import Track
from avssl_hub.media.errors import DecodeError
from avssl_hub.media.probe import frame_rate

# Times come in as floats; one that falls on a frame up to this many frames must not slip to its neighbour.
_EPSILON = 1e-6


@dataclass(frozen=True)
class VideoClip:
    """Frames of one window.

    Attributes:
        frames: uint8 ``(T, H, W, 3)`` RGB, upright.
        times: float64 ``(T,)``, seconds on the container's clock of the frames actually used.
        start: Requested start in seconds.
        fps: Requested frames per second.
    """

    frames: torch.Tensor
    times: torch.Tensor
    start: float
    fps: float


class _Request:
    """The frames of one window: timestamps to reach, and the pictures that reached them."""

    def __init__(self, start: float, fps: float, wanted: list[int]):
        self.start, self.fps, self.wanted = start, fps, wanted
        self.reached: list[int] = []
        self.frames: np.ndarray | None = None

    @property
    def next_wanted(self) -> int | None:
        return self.wanted[len(self.reached)] if len(self.reached) < len(self.wanted) else None

    def offer(self, pts: int, picture: np.ndarray) -> None:
        while self.next_wanted is not None and self.next_wanted <= pts:
            if self.frames is None:
                self.frames = np.empty((len(self.wanted), *picture.shape), dtype=np.uint8)
            self.frames[len(self.reached)] = picture
            self.reached.append(pts)


class VideoTrack(Track[av.VideoFrame]):
    """A picture stream that answers windows by the frame rule of AVID (see ``MediaReader.read_video``)."""

    kind = "video"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        rate = frame_rate(self.stream)
        # Once a file, because arithmetic with fractions is slow.
        self._frames_per_second = float(rate)
        self._begin, self._finish = float(self.start), float(self.end)
        self._ticks_per_frame = (1 / (self.time_base * rate)).as_integer_ratio()
        self._size = self.stream.width, self.stream.height
        # H.264 marks the frames nothing is predicted from without exception, and has one frame in a packet.
        self._may_skip = self.stream.codec_context.name == "h264"
        self._interpolation = None
        self._reformatter = VideoReformatter()
        self._next_wanted = 0
        self._delay, self._shown = None, 0
        if self.container.format.name == "avi" and self.stream.codec_context.has_b_frames:
            self._delay = self._reordering_delay()

    def scale(self, height: int, width: int) -> None:
        """Have pictures scaled to a size, bicubically, before they are turned upright."""
        self._size, self._interpolation = (width, height), "BICUBIC"

    def read(self, start: float, duration: float, fps: float, max_frames: int | None = None) -> VideoClip:
        """Seek to one window and decode its frames."""
        request = self._request(start, duration, fps, max_frames)
        if request.wanted:
            self._next_wanted = request.wanted[0]
            frames = self.frames_reaching(self._next_wanted)
            clip = next(self._answer(frames, iter([request])))
            if clip is not None:
                return clip
        raise DecodeError(
            explain(
                f"cannot read video from {start:.3f} s to {start + duration:.3f} s",
                f"no frame of stream {self.stream.index} in {self.name!r} there",
                f"a window within the stream, {self._begin:.3f} s to {self._finish:.3f} s as its header says",
                "Choose an earlier window; a file that was cut short holds less than its header says.",
            ),
            self.name,
            self.stream.index,
            start,
        )

    def windows(self, spans: Iterable[tuple[float, float]], fps: float) -> Iterator[VideoClip | None]:
        """Answer windows (start, duration) with rising starts in one pass from where the container stands."""
        requests = (self._request(start, duration, fps) for start, duration in spans)
        return self._answer(self.decoded(), requests)

    def shown(self, times: Iterable[float]) -> Iterator[tuple[float, float, np.ndarray]]:
        """Give each of rising times, that of the frame shown then, and the frame, in one pass from here to the end.

        The frame is the one that ``read`` gives at that time; the first also stands for times before it, the last for
        those behind it. Times may be made as they are asked for.

        Raises:
            DecodeError: No frame decodes.
        """
        last = max(0, round((self._finish - self._begin) * self._frames_per_second) - 1)
        frames, current, picture = self.decoded(), None, None
        for time in times:
            number = floor((time - self._begin) * self._frames_per_second + _EPSILON)
            self._next_wanted = self._first_pts(min(max(number, 0), last))
            before = current
            while current is None or current.pts < self._next_wanted:
                following = next(frames, None)
                if following is None:
                    break
                current = following
            if current is None:
                got = f"no frame of stream {self.stream.index} that decodes"
                what, step = f"cannot read the picture of {self.name!r}", "Fetch or export the file again."
                raise DecodeError(explain(what, got, "at least one", step), self.name, self.stream.index, time)
            if current is not before:
                picture = np.ascontiguousarray(self._picture(current))
            yield time, float(current.pts * self.time_base), picture

    def before(self, packet: av.Packet) -> None:
        if self._may_skip:
            # Frames that no window wants and no other frame is predicted from are not decoded.
            unwanted = packet.pts is not None and packet.pts < self._next_wanted
            self.stream.codec_context.skip_frame = "NONREF" if unwanted else "DEFAULT"

    def timestamp(self, frame: av.VideoFrame) -> int | None:
        if self._delay is None:
            return super().timestamp(frame)
        # The frames still in the decoder at the end come without a count.
        self._shown = self._shown + 1 if frame.dts is None else frame.dts - self._delay
        return self._shown

    def _reordering_delay(self) -> int:
        """Ticks by which the stored order runs ahead of the shown one.

        AVI has no presentation times, only a count of packets, and frames come out of the decoder late by a
        constant that only the first of them shows.
        """
        self._delay = 0
        first = next(self.frames_reaching(self.start_pts), None)
        self.rewind()
        return first.pts - self.start_pts if first else 0

    def _request(self, start: float, duration: float, fps: float, max_frames: int | None = None) -> _Request:
        rate = self._frames_per_second
        limit = min(start + duration - 0.5 / rate, self._finish) - _EPSILON / rate
        count = floor(duration * fps + _EPSILON) if max_frames is None else max_frames
        if start + duration <= self._begin:
            count = 0
        times = takewhile(lambda time: time < limit, (start + k / fps for k in range(count)))
        numbers = [floor((time - self._begin) * rate + _EPSILON) for time in times]
        return _Request(start, fps, [self._first_pts(number) for number in numbers])

    def _first_pts(self, number: int) -> int:
        """Smallest timestamp whose frame number, the nearest multiple of the frame time, is ``number``."""
        ticks, frames = self._ticks_per_frame
        # The quotient rounded up.
        return self.start_pts - ((1 - 2 * number) * ticks // (2 * frames))

    def _answer(self, frames: Iterator[av.VideoFrame], requests: Iterator[_Request]) -> Iterator[VideoClip | None]:
        """Hand each frame to the windows it falls in; only frames of windows not yet answered are held."""
        waiting: deque[_Request] = deque()
        coming = next(requests, None)
        self._next_wanted = coming.wanted[0] if coming and coming.wanted else self.start_pts
        for frame in frames:
            if frame.pts < self._next_wanted:
                continue
            while coming and (not coming.wanted or coming.wanted[0] <= frame.pts):
                waiting.append(coming)
                coming = next(requests, None)
            picture = self._picture(frame)
            for request in waiting:
                request.offer(frame.pts, picture)
            while waiting and waiting[0].next_wanted is None:
                yield self._clip(waiting.popleft())
            pending = [request.next_wanted for request in waiting if request.next_wanted is not None]
            if coming:
                pending.append(coming.wanted[0])
            if not pending:
                break
            self._next_wanted = min(pending)
        for request in waiting:
            yield self._clip(request)
        while coming:
            yield self._clip(coming)
            coming = next(requests, None)

    def _picture(self, frame: av.VideoFrame) -> np.ndarray:
        width, height = self._size
        # One reformatter on one thread: setting up a new scaler for each frame costs more than the conversion.
        rgb = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation=self._interpolation, threads=1
        )
        return upright(rgb.to_ndarray(), frame)

    def _clip(self, request: _Request) -> VideoClip | None:
        if not request.reached:
            return None
        frames = torch.from_numpy(request.frames[: len(request.reached)])
        times = [pts * self.time_base.numerator / self.time_base.denominator for pts in request.reached]
        return VideoClip(frames, torch.tensor(times, dtype=torch.float64), request.start, request.fps)
