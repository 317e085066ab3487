"""Turning the picture around the listener, as `avssl_hub.audio.ambisonics.rotate` turns the sound."""

import math

import torch


def turn_picture(picture: torch.Tensor, yaw: float) -> torch.Tensor:
    """Move an equirectangular picture or flow ``(..., H, W)`` by ``yaw`` radians to the left, in whole pixels.

    The released rule cuts the number of pixels down towards 0, so that the picture stays behind by less than one.
    """
    return picture.roll(-int(yaw / (2 * math.pi) * picture.shape[-1]), -1)
