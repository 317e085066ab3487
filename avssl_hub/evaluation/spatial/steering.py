"""Predictions without a network: Y, Z and X are W times constants."""

import json
import math
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import InvalidValueError, explain
from ...models.spatial_audio_gen import SpatialAudioGenConfig
from ...models.spatial_audio_gen.modeling_spatial_audio_gen import SpatialAudioGenOutput
from ...outputs import replacing

CHANNELS = ("Y", "Z", "X")


class ConstantSteering(nn.Module):
    """All sound from one direction, or of none: called as :class:`SpatialAudioGenModel` is, and trained by counting.

    With constants of 0, the default, it is the mono baseline: silence in Y, Z and X. With those of
    :func:`mean_steering` over a training set it is our spatial prior. What exactly the paper's spatial prior is, beyond
    "the mean of the training data", is not known to us.

    Args:
        steering: What W is multiplied by to give Y, Z and X.

    Raises:
        InvalidValueError: They are not three finite numbers.
    """

    def __init__(self, steering: Iterable[float] = (0.0, 0.0, 0.0)):
        super().__init__()
        steering = [float(value) for value in steering]
        if len(steering) != len(CHANNELS) or not all(map(math.isfinite, steering)):
            raise InvalidValueError(explain("steering", steering, "three finite numbers, for Y, Z and X"))
        self.config = SpatialAudioGenConfig(encoders=("audio",))
        self.register_buffer("steering", torch.tensor(steering))

    def forward(self, input_values: Tensor, **ignored) -> SpatialAudioGenOutput:
        """Steer the chunk in the middle of ``(B, 1, 52799)``; frames and settings of networks do not matter."""
        start = self.config.chunk_start
        chunk = input_values[..., start : start + self.config.chunk_samples]
        return SpatialAudioGenOutput(ambisonics=self.steering[:, None] * chunk)

    def save(self, path: str | Path) -> None:
        """Write the constants as JSON, whole or not at all.

        Raises:
            OutputError: The file cannot be written.
        """
        with replacing(Path(path)) as partial:
            partial.write_text(json.dumps(dict(zip(CHANNELS, self.steering.tolist()))) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "ConstantSteering":
        """Read what :meth:`save` wrote.

        Raises:
            InvalidValueError: It is something else.
        """
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls([told[channel] for channel in CHANNELS])
        except (OSError, ValueError, LookupError, TypeError) as error:
            rule = 'a file such as {"Y": 0.0, "Z": 0.0, "X": 0.1}'
            raise InvalidValueError(explain(f"reading steering {path}", error, rule)) from error


def mean_steering(recordings: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Find the constants with the least squared error over recordings, each of which counts by its energy.

    Args:
        recordings: Pairs of W, Y, Z, X ``(4, samples)`` and its layout ``(4,)``, 1 where it has the channel and 0 where
            not; a channel counts in the recordings that have it.

    Returns:
        ``(3,)`` float64 for Y, Z and X; 0 for a channel that none has, and for silence.
    """
    along, energy = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for ambisonics, layout in recordings:
        mono, channels, heard = ambisonics[0].double(), ambisonics[1:].double(), layout[1:].double()
        along += heard * (channels @ mono)
        energy += heard * mono.square().sum()
    return torch.where(energy > 0, along / energy.clamp_min(torch.finfo(energy.dtype).tiny), 0.0)
