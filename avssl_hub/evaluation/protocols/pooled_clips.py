"""The features that any model has: one pooled vector a clip."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..encoder import Modality
from .clips import spaced_clips
from .protocol import Protocol

FEATURES_VERSION = 1


@dataclass(frozen=True)
class PooledClips(Protocol):
    """Base of protocols that read the pooled features of evenly spaced clips, which they share.

    Attributes:
        clips: Clips of a recording, in training and in test, spaced evenly over it; one of a model that takes
            recordings whole.
    """

    clips: int = 10

    modalities: ClassVar[tuple[Modality, ...]] = ("audio", "video", "both")
    parts: ClassVar[tuple[str, ...]] = ("clips",)
    selection: ClassVar[str] = "the pooled features, the only layer"

    def feature_settings(self) -> dict[str, Any]:
        return {"features": "pooled_clips", "version": FEATURES_VERSION, "clips": self.clips}

    def inputs(self, reader, span, encoder, modality, part, generator):
        return encoder.prepare(spaced_clips(reader, span, encoder, modality, self.clips), modality)

    def features(self, encoded):
        return {"pooled": encoded.pooled.float()}
