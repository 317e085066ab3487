"""Log spectrograms as the papers of the zoo compute them, in plain torch."""

import torch
from torch.nn import functional as F


def fit_length(waveform: torch.Tensor, samples: int) -> torch.Tensor:
    """Cut ``(..., n)`` or pad it with zeros at the end to ``(..., samples)``."""
    return F.pad(waveform[..., :samples], (0, max(0, samples - waveform.shape[-1])))


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
    # Sums over an axis of two are several times slower than adding slices.
    power = (spectrum.real.square() + spectrum.imag.square()).transpose(-1, -2)
    pairs = (power[..., 1::2] + power[..., 2::2]) / 2
    decibels = 10 * torch.log10(torch.cat([power[..., :1], pairs], -1).clamp_min(1e-10))
    floor = decibels.amax((-1, -2), keepdim=True) - top_db
    return torch.maximum(decibels, floor).reshape(*waveform.shape[:-1], *decibels.shape[-2:])
