"""How well spatial sound was predicted: the figures of SpatialAudioGen (Morgado et al., 2018).

The earth mover's distance needs the extra ``metrics``, so what uses it is imported from its own module:
``chunk_figures``, ``direction_distance`` and ``earth_mover``.
"""

from .evaluation_file import ScoredChunks
from .published_figures import PublishedFigures, mean_over_videos, published_figures
from .sound_distances import (
    envelope_distance,
    log_spectral_distance,
    mel_log_spectral_distance,
    signal_to_noise,
    squared_error,
)
from .training_figures import training_figures

__all__ = [
    "PublishedFigures",
    "ScoredChunks",
    "envelope_distance",
    "log_spectral_distance",
    "mean_over_videos",
    "mel_log_spectral_distance",
    "published_figures",
    "signal_to_noise",
    "squared_error",
    "training_figures",
]
