"""The multisensory networks written a second time, on the authors' variables, to check conversions against.

It shares no code with ``avssl_hub``: kernels stay in TensorFlow's layouts until they are used, sound is a picture of
width one, and a transposed convolution is the gradient of a convolution, as TensorFlow defines it. Evaluation mode.
"""

import math
from collections.abc import Mapping

import torch
from torch.nn import functional as F

State = Mapping[str, torch.Tensor]

TRUNK_EPS, UNET_EPS = 1e-3, 1e-5
ENCODER_TIME_STRIDES = (1, 1, 2, 2, 2, 2, 2, 2, 2)
MERGED_AFTER = (3, 4, 5)  # the u-net's layers beside whose output the picture's features are put
SILENCE, SPAN = -100.0, 180.0  # decibels


def _same(length: int, kernel: int, stride: int) -> tuple[int, int]:
    missing = max((math.ceil(length / stride) - 1) * stride + kernel - length, 0)
    return missing // 2, missing - missing // 2


def _padded(hidden: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], value: float) -> torch.Tensor:
    for axis, (size, step) in enumerate(zip(kernel, stride), start=2):
        before, after = _same(hidden.shape[axis], size, step)
        padding = [0, 0] * (hidden.ndim - 1 - axis) + [before, after]
        hidden = F.pad(hidden, padding, value=value)
    return hidden


def _conv(hidden: torch.Tensor, state: State, name: str, stride: tuple[int, ...]) -> torch.Tensor:
    weight = state[f"{name}/weights"]
    axes = tuple(range(weight.ndim - 2))
    hidden = _padded(hidden, weight.shape[:-2], stride, 0.0)
    convolve = F.conv3d if len(axes) == 3 else F.conv2d
    kernel = weight.permute(len(axes) + 1, len(axes), *axes)
    return convolve(hidden, kernel, state.get(f"{name}/biases"), stride)


def _deconv(hidden: torch.Tensor, state: State, name: str, stride: tuple[int, int]) -> torch.Tensor:
    weight = state[f"{name}/weights"]
    height, width = (length * step for length, step in zip(hidden.shape[2:], stride))
    (top, bottom), (left, right) = (_same(*axis) for axis in zip((height, width), weight.shape[:2], stride))
    shape = (len(hidden), weight.shape[2], height + top + bottom, width + left + right)
    gradient = torch.nn.grad.conv2d_input(shape, weight.permute(3, 2, 0, 1), hidden, stride)
    return gradient[:, :, top : top + height, left : left + width]


def _norm(hidden: torch.Tensor, state: State, name: str, eps: float) -> torch.Tensor:
    scale = (state[f"{name}/moving_variance"] + eps).rsqrt()
    if f"{name}/gamma" in state:
        scale = scale * state[f"{name}/gamma"]
    offset = state[f"{name}/beta"] - state[f"{name}/moving_mean"] * scale
    return (hidden.movedim(1, -1) * scale + offset).movedim(-1, 1)


def _layer(hidden: torch.Tensor, state: State, name: str, stride: tuple[int, ...]) -> torch.Tensor:
    return F.relu(_norm(_conv(hidden, state, name, stride), state, f"{name}/BatchNorm", TRUNK_EPS))


def _block(hidden: torch.Tensor, state: State, name: str, stride: tuple[int, ...]) -> torch.Tensor:
    ones = (1,) * len(stride)
    branch = _conv(_layer(hidden, state, f"{name}_1", stride), state, f"{name}_2", ones)
    if f"{name}_short/weights" in state:
        shortcut = _norm(_conv(hidden, state, f"{name}_short", stride), state, f"{name}_short/BatchNorm", TRUNK_EPS)
    else:
        shortcut = hidden[(slice(None), slice(None), *(slice(None, None, step) for step in stride))]
    return F.relu(_norm(branch + shortcut, state, f"{name}_bn", TRUNK_EPS))


def _shortened(hidden: torch.Tensor, size: int) -> torch.Tensor:
    """TensorFlow's fractional max pooling of the third axis with its fixed seeds."""
    length = hidden.shape[2]
    ratio, gap = length / size, length // size
    shift = 0.2511744980841868 * min((gap + 2) / ratio - 1, (length + 1 - gap) / ratio - (size - 1))
    ends = [math.ceil(ratio * (index + shift)) - 1 for index in range(1, size)] + [length]
    starts = [0, *ends[:-1]]
    return torch.stack([hidden[:, :, begin:end].amax(2) for begin, end in zip(starts, ends)], 2)


def trunk_features(
    state: State, pixels: torch.Tensor, samples: torch.Tensor, last_stride: int
) -> dict[str, torch.Tensor]:
    """Every block's output by its scope, the activation map and the logit.

    Args:
        state: Variables by the authors' names.
        pixels: ``(B, 3, T, H, W)`` in [-1, 1].
        samples: ``(B, 2, n)`` in [-1, 1].
        last_stride: Spatial stride of the last stage: 2, or 1 in the network that localises.
    """
    features = {}
    video = features["im/conv1"] = _layer(pixels, state, "im/conv1", (2, 2, 2))
    video = F.max_pool3d(_padded(video, (1, 3, 3), (1, 2, 2), -math.inf), (1, 3, 3), (1, 2, 2))
    video = features["im/conv2_1"] = _block(video, state, "im/conv2_1", (1, 1, 1))
    video = features["im/conv2_2"] = _block(video, state, "im/conv2_2", (2, 2, 2))

    companded = samples.sign() * torch.log(1 + 255 * samples.abs()) / math.log(256)
    sound = features["sf/conv1_1"] = _layer(companded.unsqueeze(-1), state, "sf/conv1_1", (4, 1))
    sound = F.max_pool2d(sound, (4, 1), (4, 1))
    for name in ("sf/conv2_1", "sf/conv3_1", "sf/conv4_1"):
        sound = features[name] = _block(sound, state, name, (4, 1))
    sound = features["sf/conv5_1"] = _layer(_shortened(sound, video.shape[2]), state, "sf/conv5_1", (1, 1))

    heard = sound.unsqueeze(-1).expand(*sound.shape[:3], *video.shape[3:])
    hidden = features["im/merge1"] = _layer(torch.cat([video, heard], 1), state, "im/merge1", (1, 1, 1))
    hidden = _conv(hidden, state, "im/merge2", (1, 1, 1))
    passed_by = torch.cat([video, heard[:, video.shape[1] - hidden.shape[1] :]], 1)
    hidden = F.relu(_norm(hidden + passed_by, state, "im/merge_block_bn", TRUNK_EPS))
    features["im/merge_block"] = hidden
    strides = {"4_1": (2, 2, 2), "5_1": (1, last_stride, last_stride)}
    for place in ("3_1", "3_2", "4_1", "4_2", "5_1", "5_2"):
        name = f"im/conv{place}"
        hidden = features[name] = _block(hidden, state, name, strides.get(place, (1, 1, 1)))
    features["activation_maps"] = _conv(hidden, state, "joint/logits", (1, 1, 1))[:, 0]
    features["logits"] = _conv(hidden.mean((2, 3, 4), keepdim=True), state, "joint/logits", (1, 1, 1)).flatten()
    return {name: value[..., 0] if name.startswith("sf/") else value for name, value in features.items()}


def video_scales(features: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """What of the trunk goes into the u-net: ``(B, C, T)`` of three depths."""
    return [features[f"im/conv{place}"].mean((3, 4)) for place in ("2_2", "3_2", "5_2")]


def unet_features(
    state: State, levels: torch.Tensor, phases: torch.Tensor, scales: list[torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Every layer's output by its scope, and the levels and phases of both sources.

    Args:
        state: Variables by the authors' names.
        levels: ``(B, frames, bins)`` decibels of the mixture.
        phases: ``(B, frames, bins)`` radians.
        scales: The picture's features, or none.
    """
    features, skips = {}, []
    hidden = torch.stack([2 * (levels - SILENCE) / SPAN - 1, phases / math.pi], 1)[..., :-1]
    merged = dict(zip(MERGED_AFTER, scales))
    for layer, step in enumerate(ENCODER_TIME_STRIDES, start=1):
        name = f"gen/conv{layer}"
        normed = _norm(_conv(hidden, state, name, (step, 2)), state, f"{name}/BatchNorm", UNET_EPS)
        hidden = torch.where(normed > 0, normed, 0.2 * normed)
        if layer in merged:
            beside = _stretched(merged[layer], hidden.shape[2])[..., None]
            hidden = torch.cat([hidden, beside.expand(*beside.shape[:3], hidden.shape[3])], 1)
        features[name] = normed
        skips.append(hidden if layer in merged else normed)
    for layer, step in enumerate(reversed(ENCODER_TIME_STRIDES[1:]), start=1):
        name = f"gen/deconv{layer}"
        seen = hidden if layer == 1 else torch.cat([hidden, skips[-layer]], 1)
        hidden = _norm(_deconv(F.relu(seen), state, name, (step, 2)), state, f"{name}/BatchNorm", UNET_EPS)
        features[name] = hidden
    last = F.relu(torch.cat([hidden, skips[0]], 1))
    for name in ("fg", "bg"):
        scope = f"gen/{name}"
        output = _deconv(last, state, scope, (1, 2)) + state[f"{scope}/biases"][:, None, None]
        features[scope] = output
        level, phase = output.tanh().unbind(1)
        features[f"{name} levels"] = F.pad(SPAN / 2 * (level + 1) + SILENCE, (0, 1), value=SILENCE)
        features[f"{name} phases"] = torch.cat([math.pi * phase, phases[..., -1:]], -1)
    return features


def _stretched(features: torch.Tensor, length: int) -> torch.Tensor:
    """Linear interpolation of ``(B, C, T)`` that reads element i at i * T / length."""
    old = features.shape[2]
    columns = []
    for index in range(length):
        place = index * old / length
        low = int(place)
        share = place - low
        columns.append((1 - share) * features[:, :, low] + share * features[:, :, min(low + 1, old - 1)])
    return torch.stack(columns, 2)
