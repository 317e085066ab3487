"""Looking at a film at one time after the other: the frame that is shown at each, in one pass and bounded memory."""

from collections.abc import Iterable, Iterator
from itertools import tee

import torch

from avssl_hub.errors import explain
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media._video import VideoTrack
from avssl_hub.media.errors import DecodeError
from avssl_hub.media.probe import choose_stream, describe, stream_spans

# Frames that one may be shown for before it counts as held: rates that vary do not keep to their mean.
_LATE = 3


class PictureReader:
    """Read the frames shown at rising times, scaled as they are decoded.

    Args:
        source: Path, bytes, or a seekable binary file object (left open).

    Attributes:
        name: Name of the file.
        stream: What is known of the picture.
        held_from: Time in seconds from which on the last frame was held, since no more decode; None so far.

    Raises:
        MediaOpenError: The source is missing, empty or not media.
        MissingStreamError: The file has no picture.
    """

    def __init__(self, source: MediaSource):
        self._source = Source(source)
        try:
            self._container = self._source.open()
            spans = stream_spans(self._container)
            chosen = choose_stream(self._container, "video", None, self._source.name)
            info = describe(self._container, self._source.name, spans)
        except Exception:
            self.close()
            raise
        self.name = self._source.name
        self.stream = next(stream for stream in info.video if stream.index == chosen.index)
        self.held_from: float | None = None
        self._track = VideoTrack(self._container, chosen, spans[chosen.index], self.name)

    def __enter__(self) -> "PictureReader":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def at(self, times: Iterable[float], size: tuple[int, int] | None = None) -> Iterator[torch.Tensor]:
        """Yield the frame shown at each time, uint8 RGB ``(H, W, 3)``; before the first and after the last, these.

        Args:
            times: Rising seconds on the container's clock; they may be made as they are asked for.
            size: Height and width to scale to, bicubically; as in the file by default.

        Raises:
            DecodeError: No frame decodes.
        """
        if size:
            self._track.scale(*size)
        self._track.listen_alone()
        self._track.rewind()
        asked, count = tee(times)
        shown = self._track.shown(asked)
        for time in count:
            found = next(shown, None)
            if found is None:
                raise self._undecodable(time)
            if time >= found[0] + _LATE / self.stream.fps and self.held_from is None:
                self.held_from = found[0] + 1 / self.stream.fps
            yield torch.from_numpy(found[1])

    def _undecodable(self, time: float) -> DecodeError:
        what = f"cannot read the picture of {self.name!r}"
        step = "Fetch or export the file again."
        got = f"no frame of stream {self.stream.index} that decodes"
        return DecodeError(explain(what, got, "at least one", step), self.name, self.stream.index, time)

    def close(self) -> None:
        """Close the file; a file object that was passed in stays open."""
        if "_container" in vars(self):
            self._container.close()
        self._source.close()
