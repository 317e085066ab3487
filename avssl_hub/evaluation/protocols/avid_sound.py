"""AVID's protocol for sounds: linear machines on pooled maps of four layers (section 11.3, ESC-50 and DCASE)."""

import warnings
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional as F

from ...errors import InvalidValueError, explain
from ..answers import Answer
from ..encoder import Modality
from ..linear_probe import ConvergenceWarning, LinearSVC, decision_values
from .avid_cuts import CUTS
from .protocol import Clips, Protocol

GRIDS = {"conv2x": 12, "conv3x": 8, "conv4x": 6, "conv5x": 4}
SPEEDS = 3 / 4, 4 / 3
VOLUMES = 0.9, 1.1
ITERATIONS = 200
FEATURES_VERSION = 1


@dataclass(frozen=True)
class AvidSound(Protocol):
    """The published protocol for ESC-50; DCASE has ``cost`` 1, 60 ``clips``, and a "spread" cut of 4 ``seconds``.

    Training clips start anywhere, at a random speed and volume; test clips start evenly spaced. A clip is as long as
    the model's own (2 s in the paper).

    Attributes:
        cost: C of the support vector machine.
        clips: Clips of a recording, in training and in test.
        seconds: How much is looked at: from the recording's beginning, or from a clip's where they are spread.
        cut: "repeated" takes clips from the beginning, repeated once end to end; "spread" from all of the recording.
    """

    cost: float = 10.0
    clips: int = 10
    seconds: float = 4.9
    cut: Literal["repeated", "spread"] = "repeated"

    name: ClassVar[str] = "avid_sound"
    version: ClassVar[int] = 1
    modalities: ClassVar[tuple[Modality, ...]] = ("audio",)
    parts: ClassVar[tuple[str, ...]] = ("train", "test")
    selection: ClassVar[str] = "best layer by its mean over the test sets, as the paper reports it"

    def feature_settings(self) -> dict[str, Any]:
        deciding = {name: value for name, value in asdict(self).items() if name != "cost"}
        return {"features": "avid_sound", "version": FEATURES_VERSION, **deciding}

    def inputs(self, reader, span, encoder, modality, part, generator):
        rate = encoder.sampling_rate
        if encoder.audio_duration is None:
            got, expected = "a model that takes recordings whole", "one whose clips have a length"
            raise InvalidValueError(
                explain(f"model for protocol {self.name}", got, expected, "Choose another protocol.")
            )
        length = round(encoder.audio_duration * rate)
        cut = CUTS[self.cut](reader, span, rate, self.seconds, length)
        if part == "test":
            starts = torch.linspace(0, cut.last_test, self.clips, dtype=torch.float64).tolist()
            clips = [cut.clip(start, 1.0) for start in starts]
        else:
            clips = []
            for draw, speed, volume in torch.rand(self.clips, 3, generator=generator, dtype=torch.float64).tolist():
                speed = SPEEDS[0] + speed * (SPEEDS[1] - SPEEDS[0])
                clip = cut.clip(draw * cut.last_train, speed)
                clips.append(clip * (VOLUMES[0] + volume * (VOLUMES[1] - VOLUMES[0])))
        return encoder.prepare(clips, modality)

    def features(self, encoded):
        if len(encoded.maps) != 1 + len(GRIDS):
            expected, step = "those of the five layers of an AVID sound tower", "Choose another protocol."
            raise InvalidValueError(
                explain(f"feature maps for protocol {self.name}", f"{len(encoded.maps)}", expected, step)
            )
        return {
            layer: F.adaptive_avg_pool2d(values.float(), size).flatten(1)
            for (layer, size), values in zip(GRIDS.items(), encoded.maps[1:])
        }

    def answer(self, train: Clips, test: np.ndarray, seed: int):
        clips, width = train.features.shape[1:]
        rows = train.features.reshape(-1, width)
        mean, scale = rows.mean(0), rows.std(0) + 0.01
        clips_to_rate = (test.reshape(-1, width) - mean) / scale
        values, notes = self.classify((rows - mean) / scale, train.labels.repeat(clips), clips_to_rate, seed)
        return Answer.by_mean(values.reshape(*test.shape[:2], -1), notes)

    def classify(
        self, rows: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Train the machine on standardised clips and rate others.

        Args:
            rows: (clips, D).
            labels: (clips,) integers from 0 on, each at least once.
            test: (clips, D).
            seed: Seed of the solver.

        Returns:
            Values (clips, classes) of the test clips, and what is worth noting of the training.
        """
        machine = LinearSVC(
            C=self.cost,
            loss="hinge",
            tol=1e-4,
            max_iter=ITERATIONS,
            intercept_scaling=1.0,
            dual=True,
            random_state=seed,
        )
        with warnings.catch_warnings():
            # The published limit often ends the training, which the notes say.
            warnings.simplefilter("ignore", ConvergenceWarning)
            machine.fit(rows, labels)
        return decision_values(machine, test), {"converged": bool(machine.n_iter_ < ITERATIONS)}
