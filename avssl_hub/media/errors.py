"""What can go wrong with a media file; every error knows the file, the stream and the time it speaks of."""

from avssl_hub.errors import AvsslError


class MediaError(AvsslError):
    """Base of all media errors.

    Attributes:
        source: Name of the file, or a description of the bytes or file object.
        stream: Index of the stream concerned, if one is.
        time: Time concerned on the container's clock in seconds, if one is.
    """

    def __init__(self, message: str, source: str | None = None, stream: int | None = None, time: float | None = None):
        super().__init__(message)
        self.source = source
        self.stream = stream
        self.time = time


class MediaOpenError(MediaError):
    """The source cannot be opened as media."""


class MissingStreamError(MediaError, LookupError):
    """The file has no stream of the kind or the index asked for."""


class SeekError(MediaError):
    """The container cannot be moved to a time."""


class DecodeError(MediaError):
    """The wanted time span cannot be decoded."""


class MediaWriteError(MediaError, OSError):
    """A media file cannot be written."""


class SpatialMetadataError(MediaError):
    """Spatial metadata cannot be read from a file, or put into it."""
