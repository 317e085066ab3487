"""Scores of separation against projections written out in NumPy, and against what hand arithmetic says of extremes."""

import math

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.separation import ClipScore, SeparatedClip, level_error, score_clip, summarize

TAPS = 512


def sounds(n=4000, seed=0):
    """Two references of their own colour, (2, n), near the loudness the network works at."""
    noise = np.random.default_rng(seed).standard_normal((2, n))
    low = np.convolve(noise[0], np.ones(8) / 8, "same")
    high = np.diff(noise[1], append=0)
    return torch.from_numpy(0.1 * np.stack([low / low.std(), high / high.std()]))


def clip(references, estimates, **levels):
    return SeparatedClip(references, estimates, references.sum(0), **levels)


def si_sdr_by_hand(reference, estimate):
    reference, estimate = reference - reference.mean(), estimate - estimate.mean()
    target = reference * (estimate @ reference) / (reference @ reference)
    return 10 * np.log10((target @ target) / ((target - estimate) @ (target - estimate)))


def projected(estimate, references):
    """The part of ``estimate`` that filters of 512 taps make of the references, by least squares."""
    n = len(estimate)
    columns = np.zeros((n + TAPS - 1, len(references) * TAPS))
    for number, reference in enumerate(references):
        for delay in range(TAPS):
            columns[delay : delay + n, number * TAPS + delay] = reference
    padded = np.concatenate([estimate, np.zeros(TAPS - 1)])
    weights = np.linalg.solve(columns.T @ columns, columns.T @ padded)
    return columns @ weights, padded


def bss_eval_by_hand(references, estimate, number):
    target, padded = projected(estimate, references[number : number + 1])
    everything, _ = projected(estimate, references)
    interference, artifacts = everything - target, padded - everything

    def ratio(over, under):
        return 10 * np.log10((over @ over) / (under @ under))

    return ratio(target, padded - target), ratio(target, interference), ratio(everything, artifacts)


def test_ratios_are_those_of_projections_written_out():
    references = sounds(1500)
    noise = 0.03 * torch.from_numpy(np.random.default_rng(5).standard_normal(references.shape))
    # Some of the other source, a delay, an offset and noise.
    estimates = 2 * references.roll(3, 1) + 0.4 * references.flip(0) + noise + 0.02
    score = score_clip(clip(references, estimates))
    by_hand = np.array([bss_eval_by_hand(references.numpy(), estimates[k].numpy(), k) for k in (0, 1)])
    assert (score.sdr, score.sir, score.sar) == pytest.approx(by_hand.mean(0), abs=1e-6)
    assert score.on_screen_sdr == pytest.approx(by_hand[0, 0], abs=1e-6)
    own = [si_sdr_by_hand(references[k].numpy(), estimates[k].numpy()) for k in (0, 1)]
    of_mixture = [si_sdr_by_hand(references[k].numpy(), references.sum(0).numpy()) for k in (0, 1)]
    assert score.si_sdr == pytest.approx(np.mean(own), abs=1e-6)
    assert score.si_sdr_improvement == pytest.approx(np.mean(own) - np.mean(of_mixture), abs=1e-6)


def test_the_sources_themselves_score_at_the_limit_whatever_their_loudness():
    references = sounds()
    score = score_clip(clip(references, torch.tensor([[0.2], [7.0]]) * references))
    assert score.sdr == score.sir == score.sar == score.si_sdr == 100
    assert score.right_tracks == 1


def test_a_filter_is_forgiven_by_bss_eval_but_not_by_si_sdr():
    references = sounds()
    delayed = torch.nn.functional.pad(references, (20, 0))[:, :-20]
    score = score_clip(clip(references, delayed))
    assert score.sdr > 20
    assert score.si_sdr < 10


def test_the_mixture_scores_what_it_is():
    """Two sources of equal power, nearly orthogonal: each is as loud as the rest of the mixture, 0 dB."""
    references = sounds(20000)
    score = score_clip(clip(references, references.sum(0).expand(2, -1)))
    assert score.si_sdr == pytest.approx(0, abs=0.3)
    assert score.si_sdr_improvement == 0
    # A filter tells them apart a little by their colour.
    assert 0 < score.sdr < 5
    assert score.sar > 60
    # One estimate for both is no answer to which is which.
    assert score.right_tracks == 0.5


def test_tracks_the_wrong_way_round_count_against_a_fixed_order_only():
    references = sounds()
    noise = 0.02 * torch.from_numpy(np.random.default_rng(2).standard_normal(references.shape))
    right, wrong = references + noise, (references + noise).flip(0)
    kept = score_clip(clip(references, right))
    fixed, best = (score_clip(clip(references, wrong), way) for way in ("fixed", "best"))
    assert (kept.right_tracks, fixed.right_tracks, best.right_tracks) == (1, 0, 0)
    assert fixed.si_sdr < 0 < 10 < best.si_sdr
    assert fixed.sdr < 3 < 10 < best.sdr
    for name in ("sdr", "sir", "sar", "si_sdr", "si_sdr_improvement", "on_screen_sdr"):
        assert getattr(best, name) == pytest.approx(getattr(kept, name), abs=1e-9)


def test_level_error_adds_both_sources_up_and_may_swap_them():
    references = torch.tensor([[[0.0, -10.0]], [[-40.0, -40.0]]])
    levels = torch.tensor([[[-40.0, -43.0]], [[-2.0, -10.0]]])
    # In order: (40 + 33) / 2 and (38 + 30) / 2. Swapped: (2 + 0) / 2 and (0 + 3) / 2.
    assert level_error(references, levels) == pytest.approx(36.5 + 34)
    assert level_error(references, levels, best=True) == pytest.approx(1 + 1.5)
    track = sounds()
    told = score_clip(clip(track, track, reference_levels=references, levels=levels), "best")
    assert told.level_error == pytest.approx(2.5)
    assert score_clip(clip(track, track)).level_error is None


def test_silent_sources_are_left_out_and_counted():
    references = sounds()
    quiet = references.clone()
    quiet[1] = 3e-5 * quiet[1] / quiet[1].std() + 0.2
    assert score_clip(clip(quiet, references)) is None
    summary = summarize([score_clip(clip(references, references)), None, None])
    assert (summary.clips, summary.silent_references) == (1, 2)
    assert summary.figures["si_sdr"] == (100, (100, 100))
    assert "level_error" not in summary.figures


def test_a_model_gains_nothing_by_silence():
    references = sounds()
    mute = references.clone()
    mute[0] = 0.3
    score = score_clip(clip(references, mute))
    assert score.sdr == score.sir == score.sar == score.si_sdr == score.si_sdr_improvement == -100
    assert (score.right_tracks, score.silent) == (0.5, 1)


def score_of(value, level=None):
    return ClipScore(value, value, value, value, value, value, float(value > 0), level_error=level)


def test_a_summary_is_the_mean_with_an_interval_by_group():
    values = [4.0, -2.0, 6.0, 0.0]
    summary = summarize([score_of(value, 10 + value) for value in values])
    assert summary.figures["sdr"].mean == 2
    assert summary.figures["level_error"].mean == 12
    assert summary.figures["right_tracks"].mean == 0.5
    low, high = summary.figures["sdr"].interval
    # Means of four draws from the values: at least the least, at most the largest, and about the mean.
    assert -2 <= low < 2 < high <= 6
    alike = summarize([score_of(value) for value in values], np.array([7, 7, 7, 7]))
    assert alike.figures["sdr"].interval == (2, 2)


def test_a_part_without_levels_is_no_mean_of_all():
    with pytest.raises(InvalidValueError, match="1 of 2 clips without"):
        summarize([score_of(1.0, 3.0), score_of(2.0)])


def test_nothing_scored_is_no_score():
    with pytest.raises(InvalidValueError, match="none with scores"):
        summarize([None])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"estimates": torch.zeros(3, 4000)}, "shapes"),
        ({"mixture": torch.zeros(3999)}, "shapes"),
        ({"levels": torch.zeros(2, 3, 4)}, "levels"),
        ({"levels": torch.zeros(2, 4), "reference_levels": torch.zeros(2, 4)}, "levels"),
        ({"estimates": torch.full((2, 4000), math.nan)}, "estimates.*not finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(change, match):
    references = sounds()
    with pytest.raises(InvalidValueError, match=match):
        score_clip(clip(references, references)._replace(**change))


def test_an_unknown_assignment_is_refused():
    with pytest.raises(InvalidValueError, match="assignment"):
        score_clip(clip(sounds(), sounds()), "worst")
