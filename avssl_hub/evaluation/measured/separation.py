"""Two voices, one of them seen: separation of mixtures made of talking-face clips (Owens and Efros, section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch

from ...audio.stft import normalize_rms
from ...data.manifest import Manifest, ManifestItem
from ...errors import InvalidValueError, explain
from .clip import middle_clip
from .protocol import LeftOut, MeasuredProtocol, Trial
from .separator import MixtureSeparator, Separator, ZooSeparator

# What tables call the figures of a clip.
FIGURES = {
    "sdr": "SDR",
    "sir": "SIR",
    "sar": "SAR",
    "on_screen_sdr": "on-screen SDR",
    "si_sdr": "SI-SDR",
    "si_sdr_improvement": "SI-SDRi",
    "level_error": "on/off L1",
    "right_tracks": "right tracks",
    "silent": "silent answers",
}


@dataclass(frozen=True)
class SpeechSeparation(MeasuredProtocol):
    """Each recording is seen once, and heard mixed with the voice of another speaker, drawn by a seed.

    Of either recording the middle is taken, mono; both voices are brought to the same RMS and added. Blind models are
    scored by the assignment of their two sounds that is best for each metric, others by the one they give.

    Attributes:
        pairs_seed: Draws who is mixed with whom.
        rms: Root mean square of each voice, of 1 for full scale.
    """

    pairs_seed: int = 0
    rms: float = 0.1

    name: ClassVar[str] = "speech_separation"
    version: ClassVar[int] = 1
    metric: ClassVar[str] = "SDR"
    model: ClassVar = Separator
    from_zoo: ClassVar = ZooSeparator
    baselines: ClassVar = MappingProxyType({"mixture": MixtureSeparator})

    def trials(self, manifest: Manifest) -> list[Trial]:
        column = manifest.column("label")
        if column.null_count:
            raise InvalidValueError(
                explain("speakers to mix", f"{column.null_count} recordings of none", "one for each")
            )
        speakers = np.array(column.to_pylist())
        random = np.random.default_rng(self.pairs_seed)
        trials = []
        for row, speaker in enumerate(speakers):
            others = np.flatnonzero(speakers != speaker)
            if not len(others):
                step = "Name the folder that holds one folder for each speaker, or pass a manifest with labels."
                raise InvalidValueError(explain("speakers to mix", repr(str(speaker)), "at least two", step))
            trials.append(Trial((row, int(random.choice(others)))))
        return trials

    def measure(self, items: list[ManifestItem], truth: Mapping[str, Any], model: Separator) -> dict[str, float]:
        # What it needs takes seconds to load, and other protocols share this package.
        from ..separation import SeparatedClip, score_clip

        on_screen, off_screen = (middle_clip(item, model.form) for item in items)
        voices = normalize_rms(torch.stack([on_screen.sound, off_screen.sound]), self.rms)
        mixture = voices.sum(0)
        separated = model.separate(on_screen.frames, mixture)
        samples = separated.waveforms.shape[1]
        clip = SeparatedClip(
            voices[:, :samples],
            separated.waveforms,
            mixture[:samples],
            model.levels(voices).cpu(),
            separated.levels,
        )
        score = score_clip(clip, "best" if model.blind else "fixed")
        if score is None:
            raise LeftOut("a voice is silent")
        return {title: getattr(score, name) for name, title in FIGURES.items()}
