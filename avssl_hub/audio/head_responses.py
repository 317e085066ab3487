"""What reaches the two ears from each direction: head-related impulse responses, and the filters made of them."""

from dataclasses import dataclass, replace

import torch
from torchaudio.functional import resample

from ..errors import InvalidValueError, explain
from .ambisonics.conventions import order_of
from .ambisonics.decode import decoding_matrix
from .ambisonics.designs import t_design


@dataclass(frozen=True)
class HeadResponses:
    """Responses of both ears, measured from some directions.

    Attributes:
        vectors: ``(directions, 3)`` unit vectors: forward, left, up.
        responses: ``(directions, 2, taps)``, left ear first.
        sampling_rate: Samples per second.
    """

    vectors: torch.Tensor
    responses: torch.Tensor
    sampling_rate: int

    def nearest(self, vectors: torch.Tensor) -> torch.Tensor:
        """Responses ``(..., 2, taps)`` of the measured directions nearest to unit vectors ``(..., 3)``."""
        return self.responses[(vectors.to(self.vectors) @ self.vectors.T).argmax(-1)]

    def resampled(self, sampling_rate: int) -> "HeadResponses":
        """The same head at another rate."""
        responses = _resampled(self.responses, self.sampling_rate, sampling_rate)
        return replace(self, responses=responses, sampling_rate=sampling_rate)

    def filters(self, order: int, sampling_rate: int) -> torch.Tensor:
        """What each channel of ambisonics (ACN, SN3D) adds to each ear, ``(channels, 2, taps)``.

        The sound is decoded to virtual speakers, a t-design of degree ``2 * order + 1`` and its mirror image, each of
        which is heard through the nearest measured response; in sum that is one filter a channel and ear.

        Args:
            order: Ambisonic order, 1 to 3.
            sampling_rate: Samples per second of the sound.
        """
        design = t_design(2 * order + 1)
        # The largest design is no mirror image of itself: alone it would move what is ahead to one side.
        speakers = torch.cat([design, design * design.new_tensor([1, -1, 1])])
        decoder = decoding_matrix(speakers, order, "pseudo_inverse").to(self.responses)
        heard = _resampled(self.nearest(speakers), self.sampling_rate, sampling_rate)
        return torch.einsum("sc,set->cet", decoder, heard)


@dataclass(frozen=True)
class SymmetricHead:
    """Responses of the left ear of a symmetric head, one for each ambisonic channel (ACN, SN3D).

    Attributes:
        left: ``(channels, taps)`` of a full sphere of order 1 to 3.
        sampling_rate: Samples per second.
    """

    left: torch.Tensor
    sampling_rate: int

    def filters(self, order: int, sampling_rate: int) -> torch.Tensor:
        """What each channel adds to each ear, ``(channels, 2, taps)``; see ``HeadResponses.filters``.

        Raises:
            InvalidValueError: The responses are made for another order.
        """
        own = order_of(len(self.left))
        if order != own:
            step = "Take the responses of that order."
            raise InvalidValueError(explain("order of the sound", order, f"{own}, that of the responses", step))
        # What is odd from left to right goes with the sine of the azimuth, and has the other sign at the right ear.
        signs = self.left.new_tensor([-1.0 if m < 0 else 1.0 for n in range(own + 1) for m in range(-n, n + 1)])
        left = _resampled(self.left, self.sampling_rate, sampling_rate)
        return torch.stack([left, signs[:, None] * left], 1)


def _resampled(responses: torch.Tensor, source: int, target: int) -> torch.Tensor:
    # A filter sums over its taps: where they lie denser, each counts less.
    return responses if source == target else resample(responses, source, target) * (source / target)
