"""How far predicted ambisonic channels are from the true ones, as SpatialAudioGen is rated (Morgado et al., 2018).

Each function compares ``(..., samples)`` with ``(..., samples)`` and returns ``(...)``, in double precision. The
distance of spectra that the network is trained by is :func:`avssl_hub.audio.stft_distance.stft_distance`.
"""

from functools import cache

import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

from ...audio.stft import stft

SAMPLING_RATE = 48_000
LSD_WINDOW = 1200
MEL_WINDOW, MEL_HOP, MEL_BANDS, MEL_HIGHEST = 2048, 512, 128, 12_000
LEAST_MAGNITUDE = 0.01
LEAST_ENERGY = 0.1


def squared_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean over time of the squared difference: ``mse``."""
    return (predicted.double() - target.double()).square().mean(-1)


def signal_to_noise(predicted: Tensor, target: Tensor) -> Tensor:
    """Ratio in decibels of the energies of the target and of the difference, each raised by 0.1: ``snr``."""
    noise = (predicted.double() - target.double()).square().sum(-1)
    return 10 * torch.log10((target.double().square().sum(-1) + LEAST_ENERGY) / (noise + LEAST_ENERGY))


def log_spectral_distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Root mean square over bins of the difference of log magnitudes, mean over frames: ``lsd``.

    Frames of 1200 samples overlap by half; as the authors count them, those of the last 600 samples are left out, so
    4800 samples have 6. Magnitudes count as ten times their logarithm, not twenty.
    """
    count = 2 * (target.shape[-1] // LSD_WINDOW - 1)
    levels = [_levels(stft(sound.double(), LSD_WINDOW, LSD_WINDOW // 2, LSD_WINDOW)) for sound in (predicted, target)]
    squares = (levels[0] - levels[1])[..., :count, :].square()
    # All 1200 bins count: but for the first and the last of these, each has a mirror image.
    mirrored = 2 * squares.sum(-1) - squares[..., 0] - squares[..., -1]
    return (mirrored / LSD_WINDOW).sqrt().mean(-1)


def mel_log_spectral_distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Root mean square over bands and frames of the difference of log mel powers, at 48 kHz: ``mel_lsd``.

    The spectrogram is librosa's: windows of 2048 every 512 samples, mirrored at both ends, and 128 bands of equal area
    on Slaney's scale up to 12 kHz.
    """
    levels = [_levels(_mel_power(sound.double())) for sound in (predicted, target)]
    return (levels[0] - levels[1]).square().mean((-2, -1)).sqrt()


def envelope_distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Root mean square of the difference of the envelopes: ENV, which the authors' code calls ``env_mse``."""
    return (_envelope(predicted.double()) - _envelope(target.double())).square().mean(-1).sqrt()


def _levels(values: Tensor) -> Tensor:
    return 10 * torch.log10(values.abs() + LEAST_MAGNITUDE)


def _envelope(sound: Tensor) -> Tensor:
    """Modulus of the analytic signal, which has no negative frequencies."""
    samples = sound.shape[-1]
    gain = sound.new_zeros(samples)
    gain[: (samples + 1) // 2] = 2
    gain[0] = 1
    if samples % 2 == 0:
        gain[samples // 2] = 1
    return torch.fft.ifft(torch.fft.fft(sound) * gain).abs()


def _mel_power(sound: Tensor) -> Tensor:
    window = torch.hann_window(MEL_WINDOW, dtype=sound.dtype, device=sound.device)
    flat = sound.reshape(-1, sound.shape[-1])
    spectrum = torch.stft(flat, MEL_WINDOW, MEL_HOP, window=window, pad_mode="reflect", return_complex=True)
    power = spectrum.abs().square().transpose(-1, -2) @ _mel_bands().to(sound)
    return power.reshape(*sound.shape[:-1], *power.shape[-2:])


@cache
def _mel_bands() -> Tensor:
    bins = MEL_WINDOW // 2 + 1
    return melscale_fbanks(bins, 0.0, MEL_HIGHEST, MEL_BANDS, SAMPLING_RATE, norm="slaney", mel_scale="slaney")
