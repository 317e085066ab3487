"""Log spectrograms as the papers of the zoo compute them, in plain torch."""

import torch
from torch.nn import functional as F

from .mel import mel_bands


def fit_length(waveform: torch.Tensor, samples: int) -> torch.Tensor:
    """Cut ``(..., n)`` or pad it with zeros at the end to ``(..., samples)``."""
    return F.pad(waveform[..., :samples], (0, max(0, samples - waveform.shape[-1])))


def to_mono(waveform: torch.Tensor) -> torch.Tensor:
    """Mix ``(..., channels, n)`` to ``(..., 1, n)`` as AVSA does: the mean of two channels, of more only the first."""
    return waveform[..., :1, :] if waveform.shape[-2] > 2 else waveform.mean(-2, keepdim=True)


def log_spectrogram(
    waveform: torch.Tensor,
    fft_size: int,
    hop_length: int,
    num_frames: int,
    top_db: float = 100.0,
    pad_mode: str = "reflect",
) -> torch.Tensor:
    """Compute a power spectrogram in decibels with neighbouring bins averaged (AVID section 5.4).

    Bin 0 is kept and the others are averaged in pairs. Levels are relative to 1, at least -100 dB, and at least
    the clip's maximum minus ``top_db``.

    Args:
        waveform: ``(..., n)`` float samples; every item has a maximum of its own.
        fft_size: Length of the Hann window and the transform, in samples.
        hop_length: Samples between frames.
        num_frames: Frames kept from the start.
        top_db: Dynamic range in decibels.
        pad_mode: How half a window is padded at both ends; the authors' frames 0-2 and the last two need
            ``"reflect"``.

    Returns:
        ``(..., num_frames, fft_size // 4 + 1)``, in decibels.
    """
    spectrum = _spectrum(waveform, fft_size, hop_length, num_frames, pad_mode)
    # Sums over an axis of two are several times slower than adding slices.
    power = (spectrum.real.square() + spectrum.imag.square()).transpose(-1, -2)
    pairs = (power[..., 1::2] + power[..., 2::2]) / 2
    return _decibels(torch.cat([power[..., :1], pairs], -1), top_db)


def log_mel_spectrogram(
    waveform: torch.Tensor,
    sampling_rate: int = 24000,
    fft_size: int = 512,
    hop_length: int = 240,
    num_frames: int = 100,
    num_bands: int = 128,
    top_db: float = 100.0,
    pad_mode: str = "reflect",
) -> torch.Tensor:
    """Compute a mel spectrogram in decibels (AVSA section 4.1).

    Bands sum magnitudes, not powers, and the decibels are those of powers, as in the released code: levels are half
    the usual ones. They are at least -100 dB, and at least the channel's maximum minus ``top_db``.

    Args:
        waveform: ``(..., n)`` float samples; every channel has a maximum of its own.
        sampling_rate: Samples per second; the bands reach up to half of it.
        fft_size: Length of the Hann window and the transform, in samples.
        hop_length: Samples between frames.
        num_frames: Frames kept from the start.
        num_bands: Mel bands, of Slaney's scale and equal area.
        top_db: Dynamic range in decibels.
        pad_mode: How half a window is padded at both ends.

    Returns:
        ``(..., num_frames, num_bands)``, in decibels.
    """
    magnitude = _spectrum(waveform, fft_size, hop_length, num_frames, pad_mode).abs().transpose(-1, -2)
    return _decibels(magnitude @ mel_bands(sampling_rate, fft_size, num_bands).to(magnitude), top_db)


def _spectrum(waveform: torch.Tensor, fft_size: int, hop_length: int, num_frames: int, pad_mode: str) -> torch.Tensor:
    """Transform ``(..., n)`` to complex ``(..., fft_size // 2 + 1, num_frames)``."""
    # Double precision costs a tenth more and keeps the quiet bins, which single precision moves by 1e-3 dB.
    window = torch.hann_window(fft_size, dtype=torch.float64, device=waveform.device)
    spectrum = torch.stft(
        waveform.reshape(-1, waveform.shape[-1]).double(),
        fft_size,
        hop_length,
        window=window,
        center=True,
        pad_mode=pad_mode,
        return_complex=True,
    )
    spectrum = spectrum[..., :num_frames].to(torch.complex64)
    return spectrum.reshape(*waveform.shape[:-1], *spectrum.shape[-2:])


def _decibels(power: torch.Tensor, top_db: float) -> torch.Tensor:
    decibels = 10 * torch.log10(power.clamp_min(1e-10))
    return torch.maximum(decibels, decibels.amax((-1, -2), keepdim=True) - top_db)
