"""Mixtures of a batch's own sounds, by hand."""

import pytest
import torch

from avssl_hub.training.scenes.mixing import mixed_pairs

# Constant sounds, of two channels each: levelling leaves 0.1 with the sign, whatever the loudness was.
SIGNS = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]])
SOUNDS = (SIGNS * torch.tensor([0.5, 0.02, 1.0, 0.3])[:, None])[..., None].expand(4, 2, 6)


def signs_of(sources):
    """Say of each source which of the four it is."""
    assert torch.allclose(sources.abs(), torch.tensor(0.1))
    return [[SIGNS.tolist().index(sound[:, 0].sign().tolist()) for sound in pair] for pair in sources]


def test_every_clip_is_mixed_with_the_one_half_a_batch_away():
    assert signs_of(mixed_pairs(SOUNDS)) == [[0, 2], [1, 3], [2, 0], [3, 1]]


def test_blind_mixtures_are_of_both_halves():
    assert signs_of(mixed_pairs(SOUNDS, blind=True)) == [[0, 2], [1, 3]]


def test_channels_are_levelled_by_themselves_and_silence_stays():
    sounds = torch.stack([torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[1e-5, 1e-5], [0.2, 0.2]])])
    pairs = mixed_pairs(sounds)
    # The mean square of 3 and 4 is 12.5; below 1e-4 the gain is that of 1e-4, a thousand.
    expected = torch.tensor([[3.0, 4.0], [0.0, 0.0]]) * 0.1 / 12.5**0.5
    torch.testing.assert_close(pairs[0, 0], expected)
    torch.testing.assert_close(pairs[0, 1], torch.tensor([[0.01, 0.01], [0.1, 0.1]]))


def test_loudness_is_changed_after_levelling_by_powers_of_two():
    pairs = mixed_pairs(SOUNDS, octaves=torch.tensor([0.0, 1.0, -1.0, 0.25]))
    levels = pairs.abs().amax((2, 3))
    assert levels[:, 0].tolist() == pytest.approx([0.1, 0.2, 0.05, 0.1 * 2**0.25])
    assert levels[:, 1].tolist() == pytest.approx([0.05, 0.1 * 2**0.25, 0.1, 0.2])
