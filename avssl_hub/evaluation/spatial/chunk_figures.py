"""The figures of the authors' evaluation, one for each chunk of 0.1 s."""

import torch
from torch import Tensor

from ...audio.stft_distance import stft_distance
from ...errors import InvalidValueError, explain
from .direction_distance import direction_distance
from .sound_distances import (
    envelope_distance,
    log_spectral_distance,
    mel_log_spectral_distance,
    signal_to_noise,
    squared_error,
)

_OF_SOUNDS = {
    "mse": squared_error,
    "stft": lambda predicted, target: stft_distance(predicted.double(), target.double()),
    "lsd": log_spectral_distance,
    "mel_lsd": mel_log_spectral_distance,
    "snr": signal_to_noise,
    "env_mse": envelope_distance,
}
_PLACES = {"X": 2, "Y": 0, "Z": 1}  # among the predicted channels, in the order of the authors' file
FIGURES = (
    "amplitude/predicted",
    "amplitude/gt",
    *(f"{name}/{part}" for name in _OF_SOUNDS for part in ("avg", *_PLACES)),
    "emd/dir",
    "emd/dir2",
)


def chunk_figures(
    predicted: Tensor, ambisonics: Tensor, layout: Tensor, resolution_degrees: float = 30
) -> dict[str, Tensor]:
    """Rate predictions of Y, Z and X.

    Channels that a recording lacks count in all figures but the earth mover's distances, as in the authors' evaluation.

    Args:
        predicted: ``(B, 3, samples)``: Y, Z, X.
        ambisonics: ``(B, 4, samples)``, the recording: W, Y, Z, X.
        layout: ``(B, 4)`` or ``(4,)``, 1 where the recording has the channel and 0 where not.
        resolution_degrees: Step of the grid of the earth mover's distances.

    Returns:
        ``(B,)`` float64 each, by the names of :data:`FIGURES` and in their order: ``stft``, ``mse`` and all others as
        they are, without the gains of the training graph.

    Raises:
        InvalidValueError: The shapes do not fit, a value is not finite, or the step does not divide 180 degrees.
    """
    if ambisonics.shape != (len(predicted), 4, predicted.shape[-1]) or predicted.shape[1:-1] != (3,):
        got = f"shapes {tuple(predicted.shape)} and {tuple(ambisonics.shape)}"
        raise InvalidValueError(explain("predicted channels and recording", got, "(B, 3, samples) and (B, 4, samples)"))
    target = ambisonics[:, 1:]
    figures = {
        "amplitude/predicted": predicted.double().abs().amax((1, 2)),
        "amplitude/gt": target.double().abs().amax((1, 2)),
    }
    for name, distance in _OF_SOUNDS.items():
        values = distance(predicted, target)
        figures[f"{name}/avg"] = values.nanmean(1)
        figures |= {f"{name}/{channel}": values[:, place] for channel, place in _PLACES.items()}
    heard = layout[..., None].to(ambisonics)
    with_true_mono = torch.cat([ambisonics[:, :1], predicted], 1)
    emd = direction_distance(with_true_mono * heard, ambisonics * heard, resolution_degrees)
    return {**figures, "emd/dir": emd.energy, "emd/dir2": emd.direction}
