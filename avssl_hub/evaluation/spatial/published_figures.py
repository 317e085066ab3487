"""From figures of chunks to those that papers print: scaled, and averaged over videos."""

from collections import defaultdict
from math import sqrt
from typing import NamedTuple

import torch

from ...errors import InvalidValueError, explain
from .evaluation_file import ScoredChunks

CHUNK_SAMPLES = 4800


class PublishedFigures(NamedTuple):
    """Means over videos; lower is better.

    Attributes:
        mse: Root of the summed squared error of a chunk.
        stft: Distance of spectra, as it is.
        env: Distance of envelopes, of sums in place of means.
        emd: Earth mover's distance, likewise.
    """

    mse: float
    stft: float
    env: float
    emd: float

    def __str__(self) -> str:
        """Write them as the authors' script prints them."""
        return "\n".join(f"{name.upper():4} = {value:.3f}" for name, value in self._asdict().items())


def published_figures(scored: ScoredChunks) -> dict[str, PublishedFigures]:
    """Scale the figures of chunks of 4800 samples and average them over the chunks of each video.

    EMD and ENV are multiplied by the root of 4800, 69.28; MSE is the root of 4800 times ``mse/avg``, chunk by chunk.

    Returns:
        Those of each video, in the order of the file; :func:`mean_over_videos` averages them.

    Raises:
        InvalidValueError: A figure is missing, or there is no chunk.
    """
    needed = ("mse/avg", "stft/avg", "env_mse/avg", "emd/dir")
    missing = [name for name in needed if name not in scored.figures]
    if missing or not scored.videos:
        got = f"no {', '.join(missing)}" if missing else "no chunk"
        raise InvalidValueError(explain("figures of chunks", got, f"{', '.join(needed)} of at least one"))
    mse, stft, env, emd = (scored.figures[name] for name in needed)
    scale = sqrt(CHUNK_SAMPLES)
    chunks = torch.stack([scale * mse.sqrt(), stft, scale * env, scale * emd], 1)
    rows = defaultdict(list)
    for row, video in enumerate(scored.videos):
        rows[video].append(row)
    return {video: PublishedFigures(*chunks[places].mean(0).tolist()) for video, places in rows.items()}


def mean_over_videos(figures: dict[str, PublishedFigures]) -> PublishedFigures:
    """Average over videos, each counting alike, however long it is."""
    return PublishedFigures(*torch.tensor(list(figures.values()), dtype=torch.float64).mean(0).tolist())
