"""The linear probe of any model: evenly spaced clips, pooled features, a support vector machine."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...data.clips import dense_starts
from ...errors import InvalidValueError, explain
from ..linear_probe import COSTS, ConvergenceWarning, decision_values, fit_probe
from .protocol import Clips, Modality, Protocol


@dataclass(frozen=True)
class PooledProbe(Protocol):
    """Standardised pooled features and a linear machine, its C chosen on a fifth of the training groups held out.

    Attributes:
        clips: Clips of a recording, in training and in test, spaced evenly over it.
        costs: Values of C to choose from.
    """

    clips: int = 10
    costs: tuple[float, ...] = COSTS

    name: ClassVar[str] = "linear_probe"
    version: ClassVar[int] = 1
    modalities: ClassVar[tuple[Modality, ...]] = ("audio", "video")
    parts: ClassVar[tuple[str, ...]] = ("clips",)
    selection: ClassVar[str] = "the pooled features, the only layer"

    def inputs(self, reader, span, processor, modality, part, generator):
        if modality == "audio":
            rate, length = processor.sampling_rate, processor.audio_duration
            starts = dense_starts(span, length, self.clips)
            sounds = [reader.read_audio(start, length, rate).samples[0] for start in starts]
            return {"input_features": processor(audio=sounds, sampling_rate=rate)["input_features"]}
        length = processor.video_duration
        starts = dense_starts(span, length, self.clips)
        videos = [reader.read_video(start, length, processor.fps, processor.num_frames).frames for start in starts]
        return {"pixel_values_videos": processor(videos=videos)["pixel_values_videos"]}

    def features(self, output, modality):
        pooled = getattr(output, f"{modality}_pooled", None)
        if pooled is None:
            got, expected = f"{type(output).__name__} without it", "a model that returns it"
            raise InvalidValueError(explain(f"{modality}_pooled for protocol {self.name}", got, expected))
        return {"pooled": pooled.float()}

    def classify(self, train: Clips, test: np.ndarray, seed: int):
        clips, width = train.features.shape[1:]
        rows, labels, groups = train.features.reshape(-1, width), train.labels, train.groups
        with warnings.catch_warnings():
            # The notes say it of the machine that counts.
            warnings.simplefilter("ignore", ConvergenceWarning)
            machine, cost = fit_probe(rows, labels.repeat(clips), self.costs, seed, groups.repeat(clips))
        values = decision_values(machine, test.reshape(-1, width))
        converged = bool(machine[-1].n_iter_ < machine[-1].max_iter)
        return values.reshape(*test.shape[:2], -1), {"cost": cost, "converged": converged}
