"""Telling conventions apart by what plane waves leave in the channels."""

from math import pi

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import AMBIX, CONVENTIONS, convert, encode
from avssl_hub.audio.ambisonics.plausibility import band_covariance, misfit, misfits


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", CONVENTIONS)
def test_independent_sources_fit_their_own_convention_only(name, order):
    rng = np.random.RandomState(9)
    covariance = torch.zeros((order + 1) ** 2, (order + 1) ** 2, dtype=torch.float64)
    for _ in range(3):
        wave = encode(torch.ones(1, 1).double(), rng.uniform(-pi, pi, 1), rng.uniform(-1, 1, 1), order)
        wave = convert(wave, AMBIX, CONVENTIONS[name])
        covariance += rng.uniform() * wave @ wave.T
    found = misfits(covariance)
    assert found.pop(name) < 1e-9
    assert min(found.values()) > 0.1


def test_first_order_misfit_is_what_the_levels_say():
    # Nothing but the difference of W and X, Y, Z can contradict; the direction of it has length 2 in 4 x 4 numbers.
    levels = torch.tensor([1.0, 0.5, 0.3, 0.8], dtype=torch.float64)
    expected = abs(1 - 1.6) / 2 / levels.norm().item()
    assert misfit(torch.diag(levels), AMBIX) == pytest.approx(expected)


def test_only_the_band_counts():
    time = torch.arange(8000) / 8000
    low, high = (torch.sin(2 * pi * frequency * time) for frequency in (100, 1500))
    covariance = band_covariance(torch.stack([low, low + high]), 8000, 1000, 2000)
    assert covariance[0].abs().max() < 1e-6 * covariance[1, 1]
