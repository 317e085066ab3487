"""How well a clip's sound fits its picture when it is turned about the vertical: a score for each of several angles."""

import math

import torch

from ..audio.ambisonics import facing_rotation, rotation_matrix, turn
from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaProcessor
from ..video.views import Views
from ._view_judges import ViewJudge

# Elevation of the default views, within what was seen in training.
_ELEVATION = math.radians(25)

_AHEAD = Views(torch.tensor([[0.5, 0.5, 0.25, 0.5]], dtype=torch.float64))

# Sounds a forward pass.
_BATCH_SIZE = 48


def rings(processor: AvsaProcessor) -> Views:
    """Two sets of views ``(2, K, 4)``, evenly round above the horizon and, half a step further, below it.

    On the horizon they would not do: log-mels tell how loud each channel is and not its sign, so that a sound field
    and the same one turned by half a turn are alike from there.
    """
    count = processor.num_views
    azimuth = math.tau * torch.stack([torch.arange(count), torch.arange(count) + 0.5]).double() / count
    elevation = torch.tensor([[_ELEVATION], [-_ELEVATION]], dtype=torch.float64).expand_as(azimuth)
    half = torch.full_like(azimuth, math.pi * processor.view_width)
    return Views.facing(azimuth, elevation, half, half)


def yaw_grid(step: float) -> torch.Tensor:
    """Angles ``(Y,)`` in radians, ``step`` apart all the way round, rising from -pi; 0 is one of them.

    Raises:
        InvalidValueError: A turn is not a whole number of steps, at least two.
    """
    count = round(math.tau / step) if 0 < step <= math.pi + 1e-6 else 0
    if not count or abs(count * step - math.tau) > 1e-6:
        got = f"{math.degrees(step):g} degrees"
        raise InvalidValueError(explain("step of yaw", got, "an angle above 0 that divides 360 degrees, at most 180"))
    return (torch.arange(count, dtype=torch.float64) - count // 2) * (math.tau / count)


class YawScorer:
    """Scores turned sounds of one clip after the other.

    Args:
        judge: The network.
        processor: Its processor.
        views: S sets of K views, ``(S, K, 4)``.
        yaws: Angles ``(Y,)`` in radians by which the sound is turned, to the left.
        device: Where the network runs.
    """

    def __init__(
        self, judge: ViewJudge, processor: AvsaProcessor, views: Views, yaws: torch.Tensor, device: torch.device
    ):
        self._judge, self._processor = judge, processor
        self._views = Views(views.rows.to(device))
        # One microphone towards a view hears what is in its middle, as it is ahead once yaw is undone first.
        order = "yaw_first" if processor.hearing == "mono" else processor.turns
        turns = facing_rotation(views.azimuth, views.elevation, order) @ rotation_matrix(yaws)[:, None, None]
        # Sound that is turned to the left is heard ahead as other sound is from further to the right: where views and
        # steps of yaw allow it, many ways of hearing are the same one. Each is computed once.
        alike = (turns.flatten(-2) * 1e9).round().flatten(0, 2)
        heard, self._places = alike.unique(dim=0, return_inverse=True)
        self._turns = (heard / 1e9).unflatten(-1, (3, 3)).to(device)
        self._places = self._places.view(turns.shape[:3])

    @torch.inference_mode()
    def __call__(self, frames: torch.Tensor, ambisonics: torch.Tensor) -> torch.Tensor:
        """Score a clip.

        Args:
            frames: uint8 ``(T, 3, H, W)``, equirectangular.
            ambisonics: ``(4, n)`` at the processor's rate, in ACN order and SN3D.

        Returns:
            float32 ``(Y,)`` on the CPU, the mean over the sets of views; higher fits better.
        """
        device, sets = self._turns.device, self._views.rows.shape[:2]
        pixels = self._processor.pixels(frames.to(device), Views(self._views.rows.flatten(0, 1)))
        video = self._judge.see(pixels.unflatten(0, sets))
        sounds = (turn(ambisonics.to(device), turns) for turns in self._turns.split(_BATCH_SIZE))
        # What is turned is heard from ahead.
        log_mels = (self._processor.log_mels(sound, _AHEAD)[:, 0] for sound in sounds)
        audio = torch.cat([self._judge.hear(heard) for heard in log_mels])
        return self._judge.fit(video, audio[self._places]).mean(1).float().cpu()
