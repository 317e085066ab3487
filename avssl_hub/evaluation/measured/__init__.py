"""Protocols that train nothing: what a model makes of a clip is measured against the truth."""

from .localization import SoundLocalization
from .localizer import CentreLocalizer, Localizer, ZooLocalizer
from .protocol import LeftOut, MeasuredProtocol, Trial
from .scoring import measure_all
from .separation import SpeechSeparation
from .separator import MixtureSeparator, Separator, ZooSeparator

MEASURED: dict[str, type[MeasuredProtocol]] = {
    protocol.name: protocol for protocol in (SpeechSeparation, SoundLocalization)
}

__all__ = [
    "MEASURED",
    "CentreLocalizer",
    "LeftOut",
    "Localizer",
    "MeasuredProtocol",
    "MixtureSeparator",
    "Separator",
    "SoundLocalization",
    "SpeechSeparation",
    "Trial",
    "ZooLocalizer",
    "ZooSeparator",
    "measure_all",
]
