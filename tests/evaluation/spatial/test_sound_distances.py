"""Distances of sounds against their definitions, and scipy's own envelopes."""

import numpy as np
import pytest
import torch

from avssl_hub.evaluation.spatial import (
    envelope_distance,
    log_spectral_distance,
    mel_log_spectral_distance,
    signal_to_noise,
    squared_error,
    training_figures,
)


def sounds(samples: int = 4800, channels: int = 3) -> np.ndarray:
    """Return a prediction and a target: noises, the second of them quieter."""
    random = np.random.RandomState(1)
    return random.standard_normal((2, channels, samples)) * np.array([0.1, 0.05])[:, None, None]


def of_torch(distance, pair: np.ndarray) -> np.ndarray:
    return distance(*torch.from_numpy(pair)).numpy()


@pytest.mark.parametrize("samples", [4800, 4801])
def test_envelopes_are_scipys(samples):
    signal = pytest.importorskip("scipy.signal", reason="the comparison needs scipy")
    predicted, target = np.abs(signal.hilbert(sounds(samples), axis=-1))
    expected = np.sqrt(np.mean((predicted - target) ** 2, -1))
    np.testing.assert_allclose(of_torch(envelope_distance, sounds(samples)), expected, rtol=1e-10)


def slaney_bands(bins: int) -> np.ndarray:
    """Triangles of area 1 over 128 equal steps of Slaney's scale: linear up to 1 kHz, logarithmic above."""
    top = 15 + 27 * np.log(12000 / 1000) / np.log(6.4)
    mels = np.linspace(0, top, 130)
    corners = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    hertz = np.linspace(0, 24000, bins)
    rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
    return np.maximum(np.minimum(rising, falling), 0) * 2 / (high - low)


def test_mel_powers_are_compared_over_bands_of_equal_area():
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    mirrored = np.pad(sounds(), ((0, 0), (0, 0), (1024, 1024)), "reflect")
    spectra = np.stack([np.fft.rfft(window * mirrored[..., 512 * n : 512 * n + 2048]) for n in range(10)], -1)
    levels = 10 * np.log10(slaney_bands(1025) @ np.abs(spectra) ** 2 + 0.01)
    expected = np.sqrt(np.mean((levels[0] - levels[1]) ** 2, (-2, -1)))
    # Ours keeps the bands in single precision.
    np.testing.assert_allclose(of_torch(mel_log_spectral_distance, sounds()), expected, rtol=1e-5)


def test_log_spectra_are_compared_over_all_bins_of_six_frames():
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1200) / 1200)
    frames = np.stack([np.fft.fft(window * sounds()[..., 600 * n : 600 * n + 1200]) for n in range(6)], -2)
    predicted, target = 10 * np.log10(np.abs(frames) + 0.01)
    expected = np.sqrt(np.mean((predicted - target) ** 2, -1)).mean(-1)
    np.testing.assert_allclose(of_torch(log_spectral_distance, sounds()), expected, rtol=1e-10)


def test_errors_and_ratios_of_constants():
    predicted, target = torch.full((1, 100), 0.5), torch.full((1, 100), 0.2)
    assert squared_error(predicted, target).item() == pytest.approx(0.09)
    # Energies of 4 and 9, each raised by 0.1.
    assert signal_to_noise(predicted, target).item() == pytest.approx(10 * np.log10(4.1 / 9.1))


def test_channels_count_where_they_were_recorded():
    predicted, target = torch.zeros(2, 3, 4800), torch.zeros(2, 3, 4800)
    target[0, 0], target[1, 0] = 0.1, 0.2
    target[:, 1] = 0.3
    target[:, 2] = 0.4
    mask = torch.tensor([[1.0, 1, 0], [1, 0, 0]])
    figures = training_figures(predicted, target, mask)
    # Squares times 5000: Y of both, Z of the first alone, X of none.
    assert figures["mse/Y"].item() == pytest.approx(5000 * (0.01 + 0.04) / 2)
    assert figures["mse/Z"].item() == pytest.approx(5000 * 0.09)
    assert figures["mse/X"].item() == 0
    assert figures["mse/avg"].item() == pytest.approx((125 + 450 + 0) / 3)
    # Over time, not over the mask: the mean of six channels' squares, 4800 times.
    assert figures["pow/gt"].item() == pytest.approx(4800 * (0.01 + 0.04 + 2 * 0.09 + 2 * 0.16) / 6)
    assert figures["pow/pred"].item() == 0


def test_what_a_missing_channel_holds_does_not_matter():
    predicted, target = torch.zeros(1, 3, 4800), torch.rand(1, 3, 4800)
    mask = torch.tensor([[1.0, 0, 1]])
    expected = training_figures(predicted, target, mask)
    target[:, 1] = float("nan")
    actual = training_figures(predicted, target, mask)
    names = [name for name in expected if not name.startswith("pow")]
    assert [actual[name].item() for name in names] == [expected[name].item() for name in names]
