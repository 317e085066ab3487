"""What can be wrong with a TensorFlow checkpoint, one type each; all of them are ``CheckpointError``."""

from collections.abc import Iterator
from contextlib import contextmanager

from avssl_hub.errors import CheckpointError, explain

AGAIN = "The file may be damaged or cut: take it again from its source."


class NotACheckpointError(CheckpointError):
    """A path leads to no TensorFlow checkpoint, or to one of the format before version 2."""


class UnsafePathError(CheckpointError):
    """A file names a checkpoint outside its own folder."""


class MissingShardError(CheckpointError):
    """A data file that the index counts is not there."""


class TruncatedError(CheckpointError):
    """A file ends before what it has to hold."""


class ChecksumError(CheckpointError):
    """Bytes are not those that were written."""


class CorruptError(CheckpointError):
    """Bytes break the format or contradict each other."""


class UnsupportedError(CheckpointError):
    """A checkpoint uses something that this reader does not read."""


class UnsupportedDtypeError(UnsupportedError):
    """A variable is of a type that has no array, or of an unknown one."""


class Malformed(ValueError):
    """Bytes that break a format; ``naming`` makes it an error for users where the file is known."""

    def __init__(self, got: object, expected: str):
        super().__init__(got, expected)
        self.got, self.expected = got, expected


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Turn ``Malformed``, and refusals of the system, into errors about ``what``."""
    try:
        yield
    except Malformed as error:
        raise CorruptError(explain(what, error.got, error.expected, AGAIN)) from error
    except OSError as error:
        raise CheckpointError(explain(what, error.strerror or error, "a file that can be read")) from error
