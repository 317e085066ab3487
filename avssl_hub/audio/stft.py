"""Short-time Fourier transform and its inverse as Owens and Efros (2018) compute them.

Frames are not centred, a windowed frame is padded with zeros at its end, and the inverse does not divide by the
overlapping windows: what was analysed comes back louder by ``inverse_gain``.
"""

import torch
from torch.nn import functional as F


def _window(frame_length: int, like: torch.Tensor) -> torch.Tensor:
    return torch.hann_window(frame_length, dtype=like.dtype, device=like.device)


def stft(waveform: torch.Tensor, frame_length: int, hop_length: int, fft_size: int) -> torch.Tensor:
    """Transform ``(..., n)`` to complex ``(..., frames, fft_size // 2 + 1)``; frames lie wholly within the sound."""
    frames = waveform.unfold(-1, frame_length, hop_length) * _window(frame_length, waveform)
    return torch.fft.rfft(frames, fft_size)


def inverse_stft(spectrum: torch.Tensor, frame_length: int, hop_length: int) -> torch.Tensor:
    """Transform ``(..., frames, bins)`` to ``(..., hop_length * (frames - 1) + frame_length)`` samples.

    Away from the ends the result is ``inverse_gain`` times the sound that was analysed.
    """
    frames = torch.fft.irfft(spectrum)[..., :frame_length]
    return overlap_add(frames * _window(frame_length, frames), hop_length)


def overlap_add(frames: torch.Tensor, hop_length: int) -> torch.Tensor:
    """Add up ``(..., frames, n)``, each ``hop_length`` later, to ``(..., hop_length * (frames - 1) + n)``."""
    count, frame_length = frames.shape[-2:]
    samples = hop_length * (count - 1) + frame_length
    columns = frames.reshape(-1, count, frame_length).transpose(1, 2)
    added = F.fold(columns, (1, samples), (1, frame_length), stride=(1, hop_length))
    return added.reshape(*frames.shape[:-2], samples)


def inverse_gain(frame_length: int, hop_length: int) -> float:
    """Factor between a sound and what ``inverse_stft`` makes of its spectrum: 1.5 where frames overlap by 75 %."""
    return torch.hann_window(frame_length, dtype=torch.float64).square().sum().item() / hop_length


def to_decibels(magnitude: torch.Tensor, least: float = 1e-5) -> torch.Tensor:
    """Level of magnitudes relative to 1, at least that of ``least``."""
    return 20 * torch.log10(magnitude.clamp_min(least))


def from_decibels(level: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    """Complex spectrum of a level in decibels and a phase in radians."""
    return torch.polar(10 ** (level / 20), phase)


def griffin_lim(
    magnitude: torch.Tensor, frame_length: int, hop_length: int, iterations: int = 1, phase: torch.Tensor | None = None
) -> torch.Tensor:
    """Make a sound from magnitudes ``(..., frames, bins)`` alone, or from a first guess of the phase.

    Each iteration keeps the magnitudes and takes over the phases that the sound made so far has.
    """
    spectrum = torch.polar(magnitude, torch.zeros_like(magnitude) if phase is None else phase)
    fft_size = 2 * (magnitude.shape[-1] - 1)
    for _ in range(iterations):
        again = stft(inverse_stft(spectrum, frame_length, hop_length), frame_length, hop_length, fft_size)
        spectrum = magnitude * again / again.abs().clamp_min(1e-8)
    return inverse_stft(spectrum, frame_length, hop_length)


def normalize_rms(waveform: torch.Tensor, rms: float) -> torch.Tensor:
    """Scale every channel of ``(..., n)`` to a root mean square of ``rms``; near-silence is raised a limited amount."""
    return waveform * (rms / waveform.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-4))
