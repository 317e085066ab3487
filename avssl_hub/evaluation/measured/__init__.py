"""Protocols that train nothing: what a model makes of a clip is measured against the truth."""

from .localization import SoundLocalization
from .localizer import CentreLocalizer, Localizer, ZooLocalizer
from .protocol import LeftOut, MeasuredProtocol, Trial
from .scoring import measure_all
from .separation import SpeechSeparation
from .separator import MixtureSeparator, Separator, ZooSeparator
from .spatial_audio import SpatialAudio, SpatialAudioAlone
from .spatializer import MonoSpatializer, Spatializer, SteeringSpatializer, ZooSpatializer

MEASURED: dict[str, type[MeasuredProtocol]] = {
    protocol.name: protocol for protocol in (SpeechSeparation, SoundLocalization, SpatialAudio, SpatialAudioAlone)
}

__all__ = [
    "MEASURED",
    "CentreLocalizer",
    "LeftOut",
    "Localizer",
    "MeasuredProtocol",
    "MixtureSeparator",
    "MonoSpatializer",
    "Separator",
    "SoundLocalization",
    "SpatialAudio",
    "SpatialAudioAlone",
    "Spatializer",
    "SpeechSeparation",
    "SteeringSpatializer",
    "Trial",
    "ZooLocalizer",
    "ZooSeparator",
    "ZooSpatializer",
    "measure_all",
]
