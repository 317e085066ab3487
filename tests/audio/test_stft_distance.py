"""The distance of spectra against its definition by Fourier transforms."""

import numpy as np
import pytest
import torch

from avssl_hub.audio.stft_distance import stft_distance
from avssl_hub.errors import InvalidValueError


def by_definition(predicted: np.ndarray, target: np.ndarray, window: int) -> float:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    distances = []
    for offset in (0, window // 2):
        for index in range((len(target) - offset - 1) // window):
            begin = offset + index * window
            spectra = [np.fft.fft(hann * sound[begin : begin + window]) for sound in (predicted, target)]
            distances.append(np.abs(spectra[0] - spectra[1]) ** 2)
    return np.mean(distances)


@pytest.mark.parametrize(("samples", "window"), [(4800, 2048), (4096, 2048), (3072, 2048), (2049, 2048), (500, 64)])
def test_distance_is_that_of_all_bins_of_all_windows(samples, window):
    sounds = np.random.RandomState(0).standard_normal((2, 3, samples))
    actual = stft_distance(*torch.from_numpy(sounds), window)
    expected = [by_definition(*pair, window) for pair in sounds.swapaxes(0, 1)]
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InvalidValueError, match=r"shape of predicted: got \(3, 64\); expected the target's \(3, 65\)"):
        stft_distance(torch.zeros(3, 64), torch.zeros(3, 65), 16)
    with pytest.raises(InvalidValueError, match=r"samples to compare: got 2048; expected more than a window \(2048\)"):
        stft_distance(torch.zeros(2048), torch.zeros(2048))
