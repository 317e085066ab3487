"""Reading and writing media files; the only place of the package that opens them."""

from avssl_hub.media._audio import AudioClip
from avssl_hub.media._source import called_by_ffmpeg
from avssl_hub.media._stream import MediaWindow
from avssl_hub.media._video import VideoClip
from avssl_hub.media.errors import (
    DecodeError,
    MediaError,
    MediaOpenError,
    MediaWriteError,
    MissingStreamError,
    SeekError,
)
from avssl_hub.media.prepare import prepare_media
from avssl_hub.media.probe import AudioStreamInfo, MediaInfo, VideoStreamInfo, probe
from avssl_hub.media.reader import MediaReader
from avssl_hub.media.repaint import repaint_media
from avssl_hub.media.sound import SoundReader, read_sound, write_sound
from avssl_hub.media.write import write_media

__all__ = [
    "AudioClip",
    "AudioStreamInfo",
    "DecodeError",
    "MediaError",
    "MediaInfo",
    "MediaOpenError",
    "MediaReader",
    "MediaWindow",
    "MediaWriteError",
    "MissingStreamError",
    "SeekError",
    "SoundReader",
    "VideoClip",
    "VideoStreamInfo",
    "called_by_ffmpeg",
    "prepare_media",
    "probe",
    "read_sound",
    "repaint_media",
    "write_media",
    "write_sound",
]
