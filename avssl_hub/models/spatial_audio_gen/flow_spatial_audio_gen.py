"""Where optical flow comes from: the maps of a prepared data set, or an estimate from the picture."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import optical_flow

from ... import hub, zoo
from ...errors import CheckpointError, InvalidValueError, explain
from ...media.jpeg import read_jpeg
from ...video.flow import FLOW_LIMITS, decode_flow_maps

SIZES = {
    "small": (optical_flow.raft_small, optical_flow.Raft_Small_Weights.C_T_V2),
    "large": (optical_flow.raft_large, optical_flow.Raft_Large_Weights.C_T_SKHT_V2),
}
# Side that the network needs at least, and whose multiples it takes.
LEAST_SIDE, SIDE_MULTIPLE = 128, 8


def read_flow_folder(folder: str | PathLike, indexes: Sequence[int], inverted: bool = True) -> torch.Tensor:
    """Read maps ``000000.jpg``, ``000001.jpg``, … and their limits, ``(T, 3, H, W)`` as ``decode_flow_maps``.

    Args:
        folder: Holds the maps and ``flow_limits.npy``.
        indexes: Numbers of the frames wanted.
        inverted: True is what released networks saw.

    Raises:
        InvalidValueError: The limits are missing or of a wrong shape, or there is no map of a number.
        MediaError: A map cannot be read.
    """
    folder = Path(folder)
    try:
        limits = np.load(folder / FLOW_LIMITS, allow_pickle=False)
    except (OSError, ValueError) as error:
        expected = f"a file {FLOW_LIMITS} with the least and greatest length of each map"
        raise InvalidValueError(explain(f"flow folder {folder}", error, expected)) from error
    absent = [index for index in indexes if index >= len(limits) or not _map_file(folder, index).is_file()]
    if absent:
        got = f"no map or no limits of frame {absent[0]}"
        raise InvalidValueError(explain(f"flow folder {folder}", got, f"frames up to {max(indexes)}"))
    maps = torch.stack([read_jpeg(_map_file(folder, index)) for index in indexes]).permute(0, 2, 3, 1)
    return decode_flow_maps(maps, torch.from_numpy(limits[list(indexes)]), inverted)


def _map_file(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.jpg"


class RaftFlow:
    """Estimate flow by RAFT, in the place of the FlowNet2 that the authors used.

    Args:
        network: One of torchvision's RAFT networks; ``RaftFlow.pretrained()`` brings its weights.
    """

    def __init__(self, network: nn.Module):
        self.network = network.eval().requires_grad_(False)

    @classmethod
    def pretrained(cls, size: str = "small") -> Self:
        """The network with torchvision's weights, which are downloaded the first time.

        Args:
            size: ``"small"`` (4 MB) or ``"large"`` (21 MB, several times slower).

        Raises:
            InvalidValueError: There is no such size.
            DownloadError: The weights are not here and cannot be had.
            CheckpointError: The file is damaged.
        """
        if size not in SIZES:
            raise InvalidValueError(explain("size of RAFT", repr(size), f"one of {tuple(SIZES)}"))
        make, weights = SIZES[size]
        file = hub.fetch(weights.url, zoo.sources_path() / weights.url.rsplit("/", 1)[-1])
        network = make()
        try:
            network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        except Exception as error:
            raise CheckpointError(explain(f"weights {file}", error, f"those of {weights.url}")) from error
        return cls(network)

    @torch.no_grad()
    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Estimate motion to each of uint8 frames ``(T, 3, H, W)`` from the one before; none to the first.

        Returns:
            ``(T, 2, H, W)`` to the right and down, in pixels.

        Raises:
            InvalidValueError: The frames are too small.
        """
        height, width = frames.shape[-2:]
        if min(height, width) < LEAST_SIDE:
            expected = f"sides of {LEAST_SIDE} pixels or more"
            raise InvalidValueError(explain("frames to estimate flow of", f"{width} x {height}", expected))
        motion = frames.new_zeros(len(frames), 2, height, width, dtype=torch.float32)
        padded = F.pad(frames.float(), (0, -width % SIDE_MULTIPLE, 0, -height % SIDE_MULTIPLE), mode="replicate")
        scaled = padded / 127.5 - 1
        # One pair at a time: the network compares every place with every other.
        for index in range(1, len(frames)):
            estimate = self.network(scaled[index - 1 : index], scaled[index : index + 1])[-1]
            motion[index] = estimate[0, :, :height, :width]
        return motion
