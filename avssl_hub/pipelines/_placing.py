"""From what the network says of chunks to one long sound: where weights change, and how chunks join."""

from collections.abc import Iterable, Iterator
from math import pi
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ..models.spatial_audio_gen.separation_spatial_audio_gen import masked_tracks

if TYPE_CHECKING:
    from ..models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel
    from ..models.spatial_audio_gen.modeling_spatial_audio_gen import SpatialAudioGenOutput


class HeldSteps:
    """The released rule: weights are held during each step, and chunks lie side by side; both may click."""

    margin = 0

    def __init__(self, config: "SpatialAudioGenConfig"):
        self._chunk = config.chunk_samples
        self._gain = torch.ones(self._chunk)

    def place(
        self, model: "SpatialAudioGenModel", output: "SpatialAudioGenOutput", windows: torch.Tensor
    ) -> torch.Tensor:
        """Turn the network's answer to windows ``(B, 1, samples)`` into pieces ``(B, 3, chunk + 2 * margin)``."""
        return output.ambisonics

    def join(self, pieces: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[torch.Tensor]:
        """Join chunks.

        Args:
            pieces: W of each chunk, ``(n,)``, which may be short at the end, and what was predicted of it,
                ``(3, chunk + 2 * margin)``, from ``margin`` samples before it to as many behind.

        Yields:
            ``(4, n)``, blocks of W, Y, Z and X that follow each other, together as long as W.
        """
        held, chunk = torch.zeros(0), self._chunk
        total, gain = torch.zeros(3, 2 * self.margin), torch.zeros(2 * self.margin)
        skipped = self.margin
        for sound, piece in pieces:
            total, gain = F.pad(total, (0, chunk)) + piece, F.pad(gain, (0, chunk)) + self._gain
            done = (total[:, :chunk] / gain[:chunk])[:, skipped:]
            total, gain, skipped = total[:, chunk:], gain[chunk:], 0
            held = torch.cat([held, sound])
            length = min(done.shape[1], len(held))
            yield torch.cat([held[None, :length], done[:, :length]])
            held = held[length:]
        if len(held):
            yield torch.cat([held[None], (total / gain)[:, : len(held)]])


class FadedSteps(HeldSteps):
    """Weights that fade into each other from step to step, in a chunk as between chunks.

    Tracks are known for a little longer than the chunk, as far as all frames of the spectrogram that are masked
    overlap: so far, to either side of each border, the fade reaches. It costs no further look of the network.
    """

    def __init__(self, config: "SpatialAudioGenConfig"):
        super().__init__(config)
        self._config = config
        length = config.chunk_samples // config.num_steps
        self.margin = max(0, min(length // 2, *self._reach()))
        times = torch.arange(-self.margin, self._chunk + self.margin, dtype=torch.float64) + 0.5
        borders = torch.arange(config.num_steps + 1)[:, None] * length
        risen = (1 + torch.sin(((times - borders) / max(self.margin, 1)).clamp(-1, 1) * (pi / 2))) / 2
        self._fades = (risen[:-1] * (1 - risen[1:])).float()
        self._gain = self._fades.sum(0)

    def place(self, model, output, windows):
        if output.mixtures is None:
            tracks = self._tracks(model, output, windows)
            mixtures = torch.einsum("bcks,bkn->bcsn", output.weights.to(tracks), tracks)
        else:
            # A form for inference, which has no tracks.
            mixtures = self._around(output.mixtures, self._reach()[0])
        fades = self._fades.to(mixtures)
        return (mixtures * fades).sum(2) + output.biases.to(mixtures) @ fades

    def _reach(self) -> tuple[int, int]:
        """Samples before and behind a chunk for which its tracks are known."""
        config = self._config
        if config.separation == "none":
            return config.chunk_start, config.chunk_start
        masked = config.masked_frames
        before = config.chunk_start - (masked.start * config.hop_length + config.fft_size - config.hop_length)
        known = config.hop_length * (len(masked) + 1) - config.fft_size
        return before, known - before - config.chunk_samples

    def _tracks(self, model, output, windows) -> torch.Tensor:
        config, sound = self._config, windows[:, 0]
        if output.masks is None:
            known = sound[:, None]
        else:
            first, count = config.masked_frames.start * config.hop_length, len(config.masked_frames)
            under = sound[:, first : first + (count - 1) * config.hop_length + config.fft_size]
            known = masked_tracks(model.spectrum(under), output.masks.float())
        return self._around(known, self._reach()[0])

    def _around(self, known: torch.Tensor, before: int) -> torch.Tensor:
        """The chunk and its margins of what is known from ``before`` samples before it on."""
        begin = before - self.margin
        return known[..., begin : begin + self._chunk + 2 * self.margin]
