"""Log spectrograms against the definition of the discrete Fourier transform, and mel bands against torchaudio's."""

import numpy as np
import pytest
import torch
from torchaudio.functional import melscale_fbanks

from avssl_hub.audio.mel import mel_bands
from avssl_hub.audio.spectrogram import fit_length, log_mel_spectrogram, log_spectrogram, to_mono


def by_definition(wave: np.ndarray, fft_size: int, hop: int, frames: int, top_db: float) -> np.ndarray:
    """Frame by frame with an explicit transform matrix, reflecting by index arithmetic."""
    n = np.arange(fft_size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / fft_size)
    transform = np.exp(-2j * np.pi * np.outer(np.arange(fft_size // 2 + 1), n) / fft_size)
    rows = []
    for frame in range(frames):
        index = np.abs(frame * hop - fft_size // 2 + n)
        index = np.where(index > len(wave) - 1, 2 * (len(wave) - 1) - index, index)
        power = np.abs(transform @ (wave[index] * window)) ** 2
        rows.append(np.concatenate([power[:1], (power[1::2] + power[2::2]) / 2]))
    decibels = 10 * np.log10(np.maximum(1e-10, np.array(rows)))
    return np.maximum(decibels, decibels.max() - top_db)


@pytest.mark.parametrize("top_db", [100.0, 30.0])
def test_matches_the_definition(top_db):
    wave = np.random.RandomState(0).standard_normal(600) * np.linspace(1e-3, 1, 600)
    expected = by_definition(wave, 64, 20, 30, top_db)
    actual = log_spectrogram(torch.from_numpy(wave), 64, 20, 30, top_db)
    assert actual.shape == (30, 17)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-4)


def test_every_item_of_a_batch_has_its_own_maximum():
    quiet, loud = torch.randn(2, 1, 500, generator=torch.Generator().manual_seed(0)) * torch.tensor([[[1e-4]], [[1.0]]])
    batch = log_spectrogram(torch.stack([quiet, loud]), 64, 20, 20, top_db=40)
    assert batch.shape == (2, 1, 20, 17)
    torch.testing.assert_close(batch[0], log_spectrogram(quiet, 64, 20, 20, top_db=40))
    assert batch[0].max() - batch[0].min() <= 40


def test_length_is_cut_or_filled_with_zeros_at_the_end():
    wave = torch.arange(1.0, 6.0)
    assert fit_length(wave, 3).tolist() == [1, 2, 3]
    assert fit_length(wave[None], 7).tolist() == [[1, 2, 3, 4, 5, 0, 0]]


def test_mel_bands_are_those_of_torchaudio():
    # torchaudio works in single precision.
    expected = melscale_fbanks(257, 0.0, 12000.0, 128, 24000, norm="slaney", mel_scale="slaney")
    torch.testing.assert_close(mel_bands(24000, 512, 128), expected.double(), rtol=0, atol=3e-7)


def test_mel_levels_are_those_of_magnitudes():
    tone = torch.sin(2 * torch.pi * 3000 * torch.arange(4800) / 24000)
    levels = log_mel_spectrogram(torch.stack([tone, 0.01 * tone, 0 * tone]), num_frames=20, top_db=40)
    assert levels.shape == (3, 20, 128)
    window = torch.hann_window(512, dtype=torch.float64)
    inside = tone[2400 - 256 : 2400 + 256].double() * window
    expected = 10 * torch.log10(torch.fft.rfft(inside).abs() @ mel_bands(24000, 512, 128))
    torch.testing.assert_close(levels[0, 10].double(), expected.clamp_min(levels[0].max().item() - 40))
    # A hundredth is 40 dB less of power, and half that here.
    torch.testing.assert_close(levels[1], levels[0] - 20)
    assert (levels[2] == -100).all()


def test_mono_is_the_mean_of_two_channels_and_the_first_of_four():
    sound = torch.arange(8.0).view(4, 2)
    assert to_mono(sound).tolist() == [[0, 1]]
    assert to_mono(sound[:2]).tolist() == [[1, 2]]
    assert to_mono(sound[1:2]).tolist() == [[2, 3]]
