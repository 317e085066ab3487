"""Reading and writing media files; the only place of the package that opens them."""

from avssl_hub.media._audio import AudioClip
from avssl_hub.media._source import MediaSource, called_by_ffmpeg
from avssl_hub.media._stream import MediaWindow
from avssl_hub.media._video import VideoClip
from avssl_hub.media.errors import (
    DecodeError,
    MediaError,
    MediaOpenError,
    MediaWriteError,
    MissingStreamError,
    SeekError,
    SpatialMetadataError,
)
from avssl_hub.media.picture import PictureReader
from avssl_hub.media.prepare import prepare_media
from avssl_hub.media.probe import AudioStreamInfo, MediaInfo, VideoStreamInfo, probe
from avssl_hub.media.reader import MediaReader
from avssl_hub.media.repaint import repaint_media
from avssl_hub.media.sound import SoundReader, read_sound, write_sound
from avssl_hub.media.spherical import SpatialAudio, SpatialMetadata, SphericalVideo
from avssl_hub.media.spherical_read import read_spatial_metadata
from avssl_hub.media.spherical_write import write_spatial_metadata
from avssl_hub.media.write import write_media

__all__ = [
    "AudioClip",
    "AudioStreamInfo",
    "DecodeError",
    "MediaError",
    "MediaInfo",
    "MediaOpenError",
    "MediaReader",
    "MediaSource",
    "MediaWindow",
    "MediaWriteError",
    "MissingStreamError",
    "PictureReader",
    "SeekError",
    "SoundReader",
    "SpatialAudio",
    "SpatialMetadata",
    "SpatialMetadataError",
    "SphericalVideo",
    "VideoClip",
    "VideoStreamInfo",
    "called_by_ffmpeg",
    "prepare_media",
    "probe",
    "read_sound",
    "read_spatial_metadata",
    "repaint_media",
    "write_media",
    "write_sound",
    "write_spatial_metadata",
]
