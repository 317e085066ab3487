"""What can be wrong with a prepared folder."""

from ...errors import AvsslError


class SpatialFolderError(AvsslError, ValueError):
    """A folder is not a prepared 360° video, or is damaged."""


class MissingPartError(SpatialFolderError, LookupError):
    """A second of sound, a frame or a list is missing from a folder."""


class WrongSoundError(SpatialFolderError):
    """A second of sound has another number of channels, another rate or another length."""


class UnequalLengthsError(SpatialFolderError):
    """Sound, frames and flow of a folder do not last equally long."""
