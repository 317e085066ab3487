"""AVID's sound protocol on the Gram matrix: margins by hand, and what it shares with the published machine."""

import numpy as np
import pytest

from avssl_hub.evaluation.protocols import AvidSound, AvidSoundGram
from avssl_hub.evaluation.protocols.protocol import Clips


@pytest.mark.parametrize(
    ("cost", "slope"),
    [
        # Two points at -1 and 1 are told apart with margins of 1 by f(x) = x,
        (10.0, 1.0),
        # unless each may pull no more than 0.1: f(x) = 0.1 x + 0.1 x.
        (0.1, 0.2),
    ],
)
def test_margins_are_those_found_by_hand(cost, slope):
    rows, test = np.array([[-1], [1]], np.float32), np.array([[0.5], [-2]], np.float32)
    values, _ = AvidSoundGram(cost=cost).classify(rows, np.array([0, 1]), test, 0)
    assert values == pytest.approx(slope * np.array([[-0.5, 0.5], [2, -2]]), abs=1e-3)


def test_it_agrees_with_the_published_machine_where_classes_lie_apart():
    rng, labels = np.random.default_rng(0), np.arange(60) % 3
    centres = rng.normal(size=(3, 30))

    def features():
        return (centres[labels][:, None] + 0.3 * rng.normal(size=(60, 4, 30))).astype(np.float32)

    train, test = Clips(features(), labels, np.arange(60)), features()
    published, fast = (protocol.answer(train, test, 0) for protocol in (AvidSound(), AvidSoundGram()))
    assert (fast.ranked[..., 0] == labels).all()
    assert (fast.clips == published.clips).mean() > 0.99


def test_it_reads_the_features_of_the_published_protocol():
    assert AvidSoundGram(cost=1.0).feature_settings() == AvidSound().feature_settings()
    assert AvidSoundGram(seconds=4.0).feature_settings() != AvidSound().feature_settings()
