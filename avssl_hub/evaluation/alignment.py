"""How often a model tells sound in synchrony with its picture from sound that is shifted."""

from dataclasses import dataclass

import numpy as np

from ..errors import InvalidValueError, explain
from .intervals import mean_interval


@dataclass(frozen=True)
class AlignmentScore:
    """What logits of aligned and shifted sounds of the same clips are worth; chance is 0.5.

    Attributes:
        clips: Number of clips, each with one sound of either kind.
        accuracy: Share of sounds that are judged rightly, by whether the logit is above 0: the paper's figure.
        interval: Its 95 % interval, clips drawn anew, each with both of its sounds.
        choice: Share of clips whose aligned sound has the higher logit of the two; equal ones count half.
        choice_interval: Its 95 % interval.
    """

    clips: int
    accuracy: float
    interval: tuple[float, float]
    choice: float
    choice_interval: tuple[float, float]


def alignment_score(
    aligned: np.ndarray, shifted: np.ndarray, groups: np.ndarray | None = None, seed: int = 0
) -> AlignmentScore:
    """Score logits of clips with their own sound in time, and with their own sound shifted.

    Args:
        aligned: (N,) logits; above 0 means in synchrony.
        shifted: (N,) of the same clips.
        groups: (N,), the same for clips that are no evidence of their own, as those of one video; each is its own by
            default.
        seed: Of the intervals' draws.

    Raises:
        InvalidValueError: The shapes differ, there are no clips, or a logit is not finite.

    Example:
        >>> alignment_score([1.0, -0.5], [-2.0, -1.0]).accuracy
        0.75
    """
    aligned, shifted = np.asarray(aligned, float), np.asarray(shifted, float)
    if aligned.shape != shifted.shape or aligned.ndim != 1 or not len(aligned):
        got = f"shapes {aligned.shape} and {shifted.shape}"
        raise InvalidValueError(explain("alignment score", got, "two equal shapes (N,) with N above 0"))
    if not (np.isfinite(aligned).all() and np.isfinite(shifted).all()):
        step = "Leave clips without sound out, and say how many."
        raise InvalidValueError(explain("alignment score", "logits that are not finite", "finite ones", step))
    groups = np.arange(len(aligned)) if groups is None else groups
    right = ((aligned > 0).astype(float) + (shifted <= 0)) / 2
    chosen = (1 + np.sign(aligned - shifted)) / 2
    figures = [(float(each.mean()), mean_interval([(each, groups)], seed)) for each in (right, chosen)]
    return AlignmentScore(len(aligned), *figures[0], *figures[1])
