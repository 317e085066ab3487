"""Looking at a film at one time after the other: the frame that is shown at each, in one pass and bounded memory."""

from collections.abc import Iterable, Iterator

import torch

from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media._video import VideoTrack
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
        for time, since, picture in self._track.shown(times):
            if time >= since + _LATE / self.stream.fps and self.held_from is None:
                self.held_from = since + 1 / self.stream.fps
            yield torch.from_numpy(picture)

    @property
    def ended(self) -> bool:
        """Whether frames ran out before the time last asked for, where the header promises more."""
        return self._track.exhausted

    def close(self) -> None:
        """Close the file; a file object that was passed in stays open."""
        if "_container" in vars(self):
            self._container.close()
        self._source.close()
