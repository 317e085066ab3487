"""How well two sources of sound were told apart: BSS-eval version 3, SI-SDR, levels, and which track is which.

The two are on-screen and off-screen sound, in this order, or without order where a model is blind.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidValueError, MissingExtraError, explain
from .intervals import mean_interval

try:
    from mir_eval.separation import bss_eval_sources
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio as si_sdr
except ModuleNotFoundError as error:
    raise MissingExtraError(
        explain(
            "scores of separation", f"no {error.name}", "the extra 'metrics'", "Run: pip install 'avssl-hub[metrics]'"
        )
    ) from error

SILENT_RMS = 1e-4  # -80 dB of full scale, where the paper's own levelling gives up
MOST_DECIBELS = 100.0  # what is beyond, either way, is rounding error

Assignment = Literal["fixed", "best"]


class SeparatedClip(NamedTuple):
    """A mixture, what it was made of, and what a model made of it.

    Attributes:
        references: The true sources, ``(2, n)`` in [-1, 1].
        estimates: The model's, ``(2, n)`` at any loudness.
        mixture: ``(n,)``.
        reference_levels: Decibels of the true sources' spectrograms, ``(2, frames, bins)``; None if not compared.
        levels: The model's, of the same shape.
    """

    references: Tensor
    estimates: Tensor
    mixture: Tensor
    reference_levels: Tensor | None = None
    levels: Tensor | None = None


@dataclass(frozen=True)
class ClipScore:
    """Scores of one clip, in decibels unless told otherwise; means of both sources but for ``on_screen``.

    Attributes:
        sdr: Source to distortion ratio of BSS-eval version 3: a filter of 512 taps over the whole clip is forgiven.
        sir: Its source to interference ratio.
        sar: Its source to artifacts ratio.
        on_screen_sdr: ``sdr`` of the first source alone.
        si_sdr: Scale-invariant signal to distortion ratio, means removed.
        si_sdr_improvement: By how much ``si_sdr`` is above that of the mixture.
        right_tracks: 1 if, by SI-SDR, the estimates fit the sources better in their own order than swapped, else 0;
            0.5 if they fit equally well.
        silent: 1 if an estimate is silence, else 0.
        level_error: Mean absolute difference of levels, the sum of both sources: the paper's on/off error. None where
            levels were not compared.
    """

    sdr: float
    sir: float
    sar: float
    on_screen_sdr: float
    si_sdr: float
    si_sdr_improvement: float
    right_tracks: float
    silent: float = 0.0
    level_error: float | None = None


class Figure(NamedTuple):
    """A mean over clips and its 95 % interval."""

    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class SeparationScore:
    """Scores of many clips.

    Attributes:
        clips: Number of clips that are scored.
        silent_references: Clips left out since a true source is silent, for which no ratio is defined.
        figures: The mean of each of :class:`ClipScore`'s, by name; without ``level_error`` where it is None.
    """

    clips: int
    silent_references: int
    figures: dict[str, Figure]


def score_clip(clip: SeparatedClip, assignment: Assignment = "fixed") -> ClipScore | None:
    """Score a clip; None if a true source is silent.

    A reference counts as silent below an RMS of 1e-4 about its mean. Ratios are cut at 100 dB either way, and are all
    -100 dB if an estimate is silence, that is, constant: no model gains by it.

    Args:
        clip: The clip.
        assignment: "fixed" takes estimates in the order of the references. "best", for blind models, takes for each
            metric the order that suits it: the higher mean SIR for BSS-eval, as its authors do, the higher mean
            SI-SDR, the lower level error.

    Raises:
        InvalidValueError: A shape does not fit, a value is not finite, or the assignment is unknown.
    """
    _check(clip, assignment)
    references, estimates, mixture = (sound.double().cpu() for sound in clip[:3])
    if (_rms(references) < SILENT_RMS).any():
        return None
    best = assignment == "best"
    error = None if clip.levels is None else level_error(clip.reference_levels, clip.levels, best)
    if (_rms(estimates) == 0).any():
        return ClipScore(*[-MOST_DECIBELS] * 6, right_tracks=0.5, silent=1.0, level_error=error)
    sdr, sir, sar = _bss_eval(references, estimates, best)
    # Rows are references, columns estimates.
    pairs = si_sdr(estimates.expand(2, 2, -1), references[:, None].expand(2, 2, -1), zero_mean=True)
    kept, swapped = pairs.diagonal(), pairs.flip(1).diagonal()
    of_mixture = si_sdr(mixture.expand(2, -1), references, zero_mean=True)
    chosen = swapped if best and swapped.mean() > kept.mean() else kept
    return ClipScore(
        sdr=_decibels(sdr),
        sir=_decibels(sir),
        sar=_decibels(sar),
        on_screen_sdr=_decibels(sdr[:1]),
        si_sdr=_decibels(chosen),
        si_sdr_improvement=_decibels(chosen - of_mixture),
        right_tracks=(1 + (kept.mean() - swapped.mean()).sign().item()) / 2,
        level_error=error,
    )


def level_error(references: Tensor, levels: Tensor, best: bool = False) -> float:
    """Sum, over both sources, the mean absolute difference of levels ``(2, frames, bins)`` in decibels.

    Args:
        references: Of the true sources.
        levels: Of the model's.
        best: Take the order of the model's that gives less.
    """
    kept = (levels - references).abs().mean((1, 2)).sum().item()
    return min(kept, (levels.flip(0) - references).abs().mean((1, 2)).sum().item()) if best else kept


def summarize(scores: Sequence[ClipScore | None], groups: np.ndarray | None = None, seed: int = 0) -> SeparationScore:
    """Average over clips; those without scores are counted.

    Args:
        scores: Of each clip, as :func:`score_clip` gives them.
        groups: (N,), the same for clips that are no evidence of their own, as those of one speaker; each is its own by
            default.
        seed: Of the intervals' draws.

    Raises:
        InvalidValueError: No clip has scores, or levels were compared in a part of them only.
    """
    rows = [row for row, score in enumerate(scores) if score is not None]
    if not rows:
        raise InvalidValueError(explain("clips to score", f"{len(scores)}, none with scores", "at least one"))
    groups = (np.arange(len(scores)) if groups is None else groups)[rows]
    figures = {}
    for field in dataclasses.fields(ClipScore):
        values = [getattr(scores[row], field.name) for row in rows]
        without = values.count(None)
        if without not in (0, len(values)):
            got = f"{without} of {len(values)} clips without"
            raise InvalidValueError(explain(field.name, got, "that of all clips, or of none"))
        if not without:
            values = np.array(values)
            figures[field.name] = Figure(float(values.mean()), mean_interval([(values, groups)], seed))
    return SeparationScore(len(rows), len(scores) - len(rows), figures)


def _bss_eval(references: Tensor, estimates: Tensor, best: bool) -> tuple[Tensor, ...]:
    with warnings.catch_warnings():
        # Deprecated in favour of version 4, which is another measure.
        warnings.simplefilter("ignore", FutureWarning)
        ratios = bss_eval_sources(references.numpy(), estimates.numpy(), compute_permutation=best)
    return tuple(map(torch.from_numpy, ratios[:3]))


def _rms(sounds: Tensor) -> Tensor:
    return sounds.std(1, correction=0)


def _decibels(ratios: Tensor) -> float:
    return ratios.clamp(-MOST_DECIBELS, MOST_DECIBELS).mean().item()


def _check(clip: SeparatedClip, assignment: str) -> None:
    if assignment not in ("fixed", "best"):
        raise InvalidValueError(explain("assignment", repr(assignment), "'fixed' or 'best'"))
    samples = clip.mixture.shape[-1:]
    shapes = [tuple(sound.shape) for sound in clip[:3]]
    if shapes != [(2, *samples), (2, *samples), tuple(samples)] or not samples[0]:
        rule = "(2, n), (2, n) and (n,) with n above 0"
        raise InvalidValueError(explain("references, estimates and mixture", f"shapes {shapes}", rule))
    levels = [None if level is None else tuple(level.shape) for level in clip[3:]]
    if levels[0] != levels[1] or (levels[0] and (len(levels[0]) != 3 or levels[0][0] != 2)):
        raise InvalidValueError(explain("levels", f"shapes {levels}", "(2, frames, bins) twice, or neither"))
    for name, values in clip._asdict().items():
        if values is not None and not values.isfinite().all():
            step = "Leave clips without sound out, and say how many."
            raise InvalidValueError(explain(name, "values that are not finite", "finite ones", step))
