"""Where AVID cuts a recording of sound into clips (section 11.3): ESC-50 in one way, DCASE in another."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch

from ...audio.spectrogram import fit_length
from ...data.clips import Span
from ...media import MediaReader

MARGIN = 0.1  # seconds kept free behind the last training window of a spread cut


class Cut(NamedTuple):
    """A recording ready to be cut.

    Attributes:
        clip: ``clip(position, speed)``, the samples of the clip at so many seconds, played at that speed.
        last_train: The latest position of a training clip, in seconds.
        last_test: Likewise of a test clip.
    """

    clip: Callable[[float, float], torch.Tensor]
    last_train: float
    last_test: float


def repeated(reader: MediaReader, span: Span, rate: int, seconds: float, length: int) -> Cut:
    """Take the first ``seconds`` twice, end to end; clips of ``length`` samples start in the first round."""

    @lru_cache(1)
    def twice(speed: float) -> torch.Tensor:
        # Decoded at a higher rate and taken for the model's own, a sound is slower.
        own = round(rate * speed)
        samples = reader.read_audio(span.start, min(seconds, span.end - span.start), own).samples[0]
        return fit_length(samples, round(seconds * own)).repeat(2)

    return Cut(lambda position, speed: twice(speed)[int(position * rate * speed) :][:length], seconds, seconds)


def spread(reader: MediaReader, span: Span, rate: int, seconds: float, length: int) -> Cut:
    """Take clips all over the recording, each the beginning of a window of ``seconds``, repeated where it is shorter.

    Test windows start up to the very end. What is left there is repeated until it fills the clip; the window that
    starts at the end itself is silent.
    """
    whole = span.end - span.start

    def clip(position: float, speed: float) -> torch.Tensor:
        own = round(rate * speed)
        there = min(seconds, whole - position, length / own)
        if round(there * own) < 1:
            return torch.zeros(length)
        samples = reader.read_audio(span.start + position, there, own).samples[0]
        return samples.repeat(-(-length // len(samples)))[:length]

    return Cut(clip, max(0.0, whole - seconds - MARGIN), whole)


CUTS = {"repeated": repeated, "spread": spread}
