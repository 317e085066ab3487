"""Where clips are taken: bounds of the drawn windows, and the evenly spaced ones."""

import pytest
import torch

from avssl_hub.data.clips import (
    NoWindowError,
    Span,
    center_start,
    dense_starts,
    sample_audio_visual_start,
    sample_start,
)


def draws(count, *arguments, **options):
    generator = torch.Generator().manual_seed(0)
    pairs = [sample_audio_visual_start(*arguments, **options, generator=generator) for _ in range(count)]
    return torch.tensor(pairs, dtype=torch.float64).T


def test_sound_window_fills_the_overlap_evenly():
    # Streams overlap in 1-9 s; the sound window of 2 s may start in [1, min(10 - 2, 9 - 0.5)] = [1, 8].
    _, sound = draws(4000, Span(1, 9), Span(0, 10), 0.5, 2.0)
    assert 1 <= sound.min() < 1.05
    assert 7.95 < sound.max() <= 8
    assert sound.mean().item() == pytest.approx(4.5, abs=0.1)
    assert sound.std().item() == pytest.approx(7 / 12**0.5, abs=0.05)


@pytest.mark.parametrize("jitter", [0.0, 0.5])
def test_picture_lies_within_the_jitter_of_the_sound_window(jitter):
    video, sound = draws(4000, Span(0, 60), Span(0, 60), 0.5, 2.0, jitter=jitter)
    inside = (sound > 1) & (sound < 55)
    offset = (video - sound)[inside]
    assert offset.min() >= -jitter
    assert offset.max() <= 1.5 + jitter
    assert offset.min() < -jitter + 0.05
    assert offset.max() > 1.5 + jitter - 0.05


def test_picture_may_start_late_enough_to_run_past_its_end():
    # The released upper bound is the stream's end, not the end less the clip.
    video, _ = draws(4000, Span(0, 2.5), Span(0, 30), 0.5, 2.0, jitter=0.5)
    assert (video > 2.0).any()
    assert video.max() <= 2.5


def test_same_seed_draws_the_same_window():
    assert torch.equal(draws(3, Span(0, 9), Span(0, 9), 0.5, 2.0), draws(3, Span(0, 9), Span(0, 9), 0.5, 2.0))


def test_too_short_a_recording_is_an_error_with_its_spans():
    with pytest.raises(NoWindowError, match=r"picture 0\.00-5\.00 s and sound 0\.00-1\.50 s; expected 2\.0 s of sound"):
        sample_audio_visual_start(Span(0, 5), Span(0, 1.5), 0.5, 2.0)


def test_single_stream_draws_and_short_stream_start():
    generator = torch.Generator().manual_seed(0)
    starts = [sample_start(Span(3, 7), 1, generator) for _ in range(500)]
    assert 3 <= min(starts) < 3.1
    assert 5.9 < max(starts) <= 6
    assert sample_start(Span(3, 3.5), 1, generator) == 3


def test_dense_starts_reach_from_end_to_end():
    assert dense_starts(Span(1, 6), 2, 4) == [1, 2, 3, 4]
    assert dense_starts(Span(1, 2), 2, 3) == [1, 1, 1]
    assert dense_starts(Span(1, 6), 2, 1) == [1]


def test_centre_start():
    assert center_start(Span(0, 10), 2) == 4
    assert center_start(Span(1, 2), 2) == 1
