"""Models as the benchmarks see them."""

import pytest
import torch

from avssl_hub import zoo
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.zoo_encoder import ZooEncoder


def test_cost_of_a_clip_is_the_cards():
    gmacs = zoo.card("avid_tiny.avworld").gmacs
    encoder = ZooEncoder("avid_tiny.avworld")
    for modality in ("audio", "video"):
        assert encoder.describe_input(modality)["gmacs"] == pytest.approx(gmacs[modality], abs=5e-4)
    assert encoder.describe_input("audio")["shape"] == [1, 50, 129]
    assert encoder.describe_input("video") | {"gmacs": 0} == {
        "seconds": 1.0,
        "frames": 8,
        "fps": 8.0,
        "shape": [8, 3, 56, 56],
        "gmacs": 0,
    }


def test_random_weights_need_no_file_and_follow_the_seed():
    prints = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        prints.append(ZooEncoder("avid_tiny.avworld", random_weights=True).fingerprint())
    assert prints[0] == prints[1] != prints[2]
    assert ZooEncoder("avid_tiny.avworld").fingerprint()["weights_sha256"].startswith("eacacbb3a4f9")


def test_log_mel_statistics_see_level_and_its_change():
    encoder = LogMelStatistics()
    tone = torch.sin(torch.arange(24_000) / 24_000 * 2 * torch.pi * 1000)
    pooled = encoder.encode(encoder.prepare([tone, 0.1 * tone], "audio"), "audio").pooled
    assert pooled.shape == (2, 128)
    peak = pooled[0, :64].argmax()
    # Ten times less amplitude is a hundred times less power.
    assert pooled[0, peak] - pooled[1, peak] == pytest.approx(2 * torch.log(torch.tensor(10.0)).item(), abs=1e-2)
    assert pooled[:, 64 + peak].max() < 0.5
