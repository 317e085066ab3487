"""Decoding one stream forward from a time, whatever the container's index is worth."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Generic, TypeVar

import av

from avssl_hub.errors import explain
from avssl_hub.media.errors import SeekError

logger = logging.getLogger(__name__)

FrameT = TypeVar("FrameT", av.VideoFrame, av.AudioFrame)

# Seconds before the wanted time to seek to, one after the other, until decoding begins early enough.
_BACK_OFF = (0, 2, 10)


class Track(Generic[FrameT]):
    """One stream of an open container.

    Args:
        container: The container; the track moves it at will.
        stream: The stream to decode.
        span: The stream's exact (start, duration) in seconds.
        name: Name of the file, for errors.
    """

    kind: str

    def __init__(
        self,
        container: av.container.InputContainer,
        stream: av.stream.Stream,
        span: tuple[Fraction, Fraction],
        name: str,
    ):
        self.container = container
        self.stream = stream
        self.name = name
        self.start, self.duration = span
        self.end = self.start + self.duration
        self.time_base = stream.time_base
        self.start_pts = round(self.start / self.time_base)
        self.exhausted = False

    def frames_reaching(self, pts: int) -> Iterator[FrameT]:
        """Decode forward from the last point at or before ``pts`` from which the stream decodes.

        Raises:
            SeekError: The container cannot be moved at all.
        """
        self.listen_alone()
        for seconds in _BACK_OFF:
            target = pts - int(seconds / self.time_base)
            if target <= self.start_pts:
                break
            if not self.seek(target):
                continue
            frames = self.decoded()
            first = next(frames, None)
            # An index or a guess that lands behind the wanted frame shows in what comes first.
            if first is not None and first.pts <= pts:
                return chain([first], frames)
        if not self.rewind():
            raise SeekError(
                explain(
                    f"cannot move to {float(pts * self.time_base):.3f} s in {self.name!r}",
                    f"a {self.container.format.name} container that refuses to seek stream {self.stream.index}",
                    "a container that can seek",
                    "Convert it with prepare_media() first.",
                ),
                self.name,
                self.stream.index,
                float(pts * self.time_base),
            )
        return self.decoded()

    def rewind(self) -> bool:
        """Move the container to the stream's start; False if it refuses."""
        # One second early, because some decoders need the packets before the first picture or sample.
        return self.seek(self.start_pts - int(1 / self.time_base)) or self.seek(self.start_pts)

    def decoded(self) -> Iterator[FrameT]:
        """Decode from where the container stands; damaged packets are passed over, a cut file simply ends."""
        self.exhausted = False
        for packet in self.packets():
            self.before(packet)
            try:
                frames = self.stream.codec_context.decode(packet)
            except av.FFmpegError as error:
                logger.debug("%s: stream %d: damaged packet: %s", self.name, self.stream.index, error)
                continue
            for frame in frames:
                frame.pts = self.timestamp(frame)
                if frame.pts is not None:
                    yield frame
        self.exhausted = True

    def timestamp(self, frame: FrameT) -> int | None:
        """Tell when ``frame`` is due; a hook for tracks of containers that do not."""
        return frame.dts if frame.pts is None else frame.pts

    def packets(self) -> Iterator[av.Packet]:
        """Read the stream's packets from where the container stands to the end, or to where reading fails."""
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError) as error:
                logger.warning("%s: stream %d cannot be read on: %s", self.name, self.stream.index, error)
                return
            yield packet

    def listen_alone(self) -> None:
        """Let the container pass over the packets of all other streams, unread where the format allows."""
        for other in self.container.streams:
            other.discard = av.stream.Discard.default if other is self.stream else av.stream.Discard.all

    def before(self, packet: av.Packet) -> None:
        """Prepare the decoder for ``packet``; a hook for tracks that can spare it work."""

    def seek(self, pts: int) -> bool:
        """Move the container to the keyframe at or before ``pts``; False if it refuses."""
        try:
            self.container.seek(pts, stream=self.stream)
        except av.FFmpegError:
            return False
        return True
