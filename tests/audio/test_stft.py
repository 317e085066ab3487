"""The Fourier transform of Owens and Efros against its formula, and its way back."""

import numpy as np
import pytest
import torch

from avssl_hub.audio.stft import (
    from_decibels,
    griffin_lim,
    inverse_gain,
    inverse_stft,
    normalize_rms,
    stft,
    to_decibels,
)

FRAME, HOP, FFT = 1344, 336, 2048


@pytest.fixture
def sound():
    return torch.from_numpy(np.random.RandomState(0).standard_normal((2, 10000)) * 0.1)


def test_frames_are_windowed_and_padded_at_their_end(sound):
    spectrum = stft(sound, FRAME, HOP, FFT)
    assert spectrum.shape == (2, 1 + (10000 - FRAME) // HOP, FFT // 2 + 1)
    time = np.arange(FRAME)
    windowed = sound[1, 3 * HOP : 3 * HOP + FRAME].numpy() * (0.5 - 0.5 * np.cos(2 * np.pi * time / FRAME))
    for row in (1, 70, 1024):
        expected = (windowed * np.exp(-2j * np.pi * row * time / FFT)).sum()
        np.testing.assert_allclose(spectrum[1, 3, row], expected, atol=1e-10)


def test_inverse_is_louder_by_a_half_in_the_middle(sound):
    assert inverse_gain(FRAME, HOP) == pytest.approx(1.5, abs=1e-12)
    again = inverse_stft(stft(sound, FRAME, HOP, FFT), FRAME, HOP)
    assert again.shape == (2, HOP * 25 + FRAME)
    inside = slice(FRAME, -FRAME)
    torch.testing.assert_close(again[:, inside], 1.5 * sound[:, : again.shape[-1]][:, inside])


def test_level_and_phase_hold_the_spectrum(sound):
    spectrum = stft(sound, FRAME, HOP, FFT)
    levels = to_decibels(spectrum.abs())
    torch.testing.assert_close(from_decibels(levels, spectrum.angle()), spectrum)
    assert to_decibels(torch.tensor([0.0, 1.0, 10.0])).tolist() == pytest.approx([-100, 0, 20])


def test_griffin_lim_keeps_a_sound_whose_phase_it_is_told(sound):
    spectrum = stft(sound, FRAME, HOP, FFT)
    told = griffin_lim(spectrum.abs(), FRAME, HOP, iterations=0, phase=spectrum.angle())
    torch.testing.assert_close(told, inverse_stft(spectrum, FRAME, HOP))

    def error(iterations):
        made = stft(griffin_lim(spectrum.abs(), FRAME, HOP, iterations), FRAME, HOP, FFT).abs() / 1.5
        return (made - spectrum.abs()).square().mean()

    assert error(20) < 0.5 * error(0)


def test_rms_is_set_channel_by_channel_and_silence_stays(sound):
    scaled = normalize_rms(torch.stack([sound[0], 5 * sound[0], 0 * sound[0]]), 0.1)
    rms = scaled.square().mean(-1).sqrt()
    torch.testing.assert_close(rms, torch.tensor([0.1, 0.1, 0], dtype=torch.float64))
