"""The towers of AVID and AVSA written a second time, on the authors' key names, to check conversions against.

It shares no code with ``avssl_hub``: plain functional calls, one line a layer, evaluation mode.
"""

from collections.abc import Mapping

import torch
from torch.nn import functional as F

State = Mapping[str, torch.Tensor]


def _norm(hidden: torch.Tensor, state: State, name: str) -> torch.Tensor:
    moments = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return F.batch_norm(hidden, *moments, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-5)


def _block(hidden: torch.Tensor, state: State, name: str, stride: int) -> torch.Tensor:
    residual = hidden
    if f"{name}.res_conv.weight" in state:
        residual = F.conv3d(hidden, state[f"{name}.res_conv.weight"], stride=stride)
    hidden = F.conv3d(hidden, state[f"{name}.spt_conv1.weight"], stride=(1, stride, stride), padding=(0, 1, 1))
    hidden = F.relu(_norm(hidden, state, f"{name}.spt_bn1"))
    hidden = F.conv3d(hidden, state[f"{name}.tmp_conv1.weight"], stride=(stride, 1, 1), padding=(1, 0, 0))
    hidden = F.relu(_norm(hidden, state, f"{name}.tmp_bn1"))
    hidden = F.conv3d(hidden, state[f"{name}.spt_conv2.weight"], padding=(0, 1, 1))
    hidden = F.relu(_norm(hidden, state, f"{name}.spt_bn2"))
    hidden = F.conv3d(hidden, state[f"{name}.tmp_conv2.weight"], padding=(1, 0, 0))
    return F.relu(_norm(hidden + residual, state, f"{name}.out_bn"))


def video_features(state: State, pixels: torch.Tensor, stem_pool: bool) -> dict[str, torch.Tensor]:
    """Every named feature of the video tower for ``(B, 3, T, H, W)``."""
    name = "video_model"
    hidden = F.conv3d(pixels, state[f"{name}.conv1.0.weight"], stride=(1, 2, 2), padding=(1, 3, 3))
    hidden = F.relu(_norm(hidden, state, f"{name}.conv1.1"))
    if stem_pool:
        hidden = F.max_pool3d(hidden, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    features = {"conv1": hidden}
    for stage in (2, 3, 4, 5):
        blocks = {key.split(".")[2] for key in state if key.startswith(f"{name}.conv{stage}x.")}
        for block in sorted(blocks, key=int):
            stride = 2 if stage > 2 and block == "0" else 1
            hidden = _block(hidden, state, f"{name}.conv{stage}x.{block}", stride)
        features[f"conv{stage}x"] = hidden
    features["pool"] = hidden.amax((2, 3, 4))
    return features


def audio_features(state: State, spectrogram: torch.Tensor, first_stride: int) -> dict[str, torch.Tensor]:
    """Every named feature of the sound tower for ``(B, C, time, rows)``."""
    name = "audio_model"
    hidden = F.conv2d(spectrogram, state[f"{name}.conv1.0.weight"], stride=2, padding=3)
    hidden = F.relu(_norm(hidden, state, f"{name}.conv1.1"))
    features = {"conv1": hidden}
    for block, stride in ((1, first_stride), (2, 2), (3, 2), (4, 1)):
        for conv, step in ((1, stride), (2, 1)):
            weight = state[f"{name}.block{block}.conv{conv}.weight"]
            hidden = F.conv2d(hidden, weight, stride=step, padding=1)
            hidden = F.relu(_norm(hidden, state, f"{name}.block{block}.bn{conv}"))
        features[f"block{block}"] = hidden
    features["pool"] = hidden.amax((2, 3))
    return features
