"""The heat map film and the stereo of the authors' deploy script (SpatialAudioGen)."""

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import decode, picture_grid, power_map
from avssl_hub.video.power_heat import overlay_power, relative_power

from ._rules import fixture_files

RATE, FRAMES_PER_MAP = 48000, 5


@pytest.fixture(params=fixture_files("spatialaudiogen", "deploy*.npz"))
def arrays(request):
    """What is stored, the frames, and the ambisonics ``(4, 120000)``; the seed is that of the directions beside."""
    beside = request.param.with_name("ambisonics.npz")
    if not beside.exists():
        pytest.skip(f"no {beside}, which has the seed")
    with np.load(request.param) as stored, np.load(beside) as scene:
        arrays, seed, source = dict(stored), int(scene["map|foa_seed"]), scene["sph|order1|ACN|SN3D"][0]
    rng = np.random.RandomState(seed - 101 + 400)
    frames = rng.randint(0, 256, (int(arrays["n_frames_in"]), 28, 56, 3)).astype(np.uint8)
    np.testing.assert_array_equal(frames[:, ::4, ::8], arrays["frames_in_small"])
    samples = len(frames) * RATE // 10
    noise = 0.05 * rng.standard_normal((samples, 4))
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(samples) / RATE) * np.linspace(0, 1, samples)
    return arrays, frames, torch.from_numpy(noise + tone[:, None] * source).T


def test_overlay_matches(arrays):
    stored, frames, ambisonics = arrays
    # Maps of half a second of every fifth sample, and frames between each map and the next.
    maps = relative_power(power_map(ambisonics[:, ::5], *picture_grid(5), window=RATE // 5 // 2))
    assert int(stored["n_frames_out"]) == FRAMES_PER_MAP * (len(maps) - 1)
    for number, expected in enumerate(stored["overlay"]):
        before, step = divmod(number, FRAMES_PER_MAP)
        power = torch.lerp(maps[before], maps[before + 1], step / FRAMES_PER_MAP)
        painted = overlay_power(torch.from_numpy(frames[number]), power, released=True)
        found = painted.numpy()[::2, ::4].astype(int)
        assert np.abs(found - expected).max() <= 1


def test_stereo_matches(arrays):
    stored, _, ambisonics = arrays
    ears = decode(ambisonics, torch.tensor([1.0, -1.0]).double() * torch.pi / 2, torch.zeros(2), method="projection")
    ears = ears / ears.abs().max() * float(stored["stereo_peak"])
    np.testing.assert_allclose(ears.T[0:2000:5].numpy(), stored["stereo_head"], atol=1e-12)
