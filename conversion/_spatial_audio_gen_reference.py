"""The SpatialAudioGen networks written a second time, on the authors' variables, to check conversions against.

It shares no code with ``avssl_hub``: tensors keep channels last as in TensorFlow, spectra have all their bins, and a
transposed convolution is the gradient of a convolution, as TensorFlow defines it.
"""

import math
from collections.abc import Mapping

import torch
from torch.nn import functional as F

State = Mapping[str, torch.Tensor]

EPS = 1e-3
AUDIO_STRIDES = ((4, 8), (2, 4), (2, 2), (1, 1), (1, 1))
RECEPTIVE_FRAMES, STEP_FRAMES = 95, 16  # of the sound encoder, in time


def _same(length: int, kernel: int, stride: int) -> tuple[int, int]:
    missing = max((math.ceil(length / stride) - 1) * stride + kernel - length, 0)
    return missing // 2, missing - missing // 2


def _padded(hidden: torch.Tensor, kernel: int, stride: int, value: float) -> torch.Tensor:
    (top, bottom), (left, right) = (_same(length, kernel, stride) for length in hidden.shape[1:3])
    return F.pad(hidden, (0, 0, left, right, top, bottom), value=value)


def _conv(hidden: torch.Tensor, weight: torch.Tensor, stride: tuple[int, int]) -> torch.Tensor:
    return F.conv2d(hidden.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1), stride=stride).permute(0, 2, 3, 1)


def _dense(hidden: torch.Tensor, state: State, name: str) -> torch.Tensor:
    return hidden @ state[f"{name}/weights"] + state[f"{name}/biases"]


def _norm(hidden: torch.Tensor, state: State, name: str, running: bool) -> torch.Tensor:
    """Normalise by running statistics, or by those of the batch."""
    if running:
        mean, variance = state[f"{name}/moving_mean"], state[f"{name}/moving_variance"]
    else:
        mean = hidden.mean((0, 1, 2))
        variance = (hidden - mean).square().mean((0, 1, 2))
    return (hidden - mean) * state[f"{name}/gamma"] / (variance + EPS).sqrt() + state[f"{name}/beta"]


def visual_maps(state: State, frames: torch.Tensor, encoder: str, running: bool) -> dict[str, torch.Tensor]:
    """Outputs of the first layer and of the blocks of an encoder of frames ``(B, H, W, 3)``, by their scope."""

    def layer(hidden: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        weight = state[f"{name}/weights"]
        hidden = _conv(_padded(hidden, len(weight), stride, 0.0), weight, (stride, stride))
        return hidden if name.endswith("shortcut") else _norm(hidden, state, f"{name}/bn", running)

    maps = {f"{encoder}_encoder/conv1/conv": torch.relu(layer(frames, f"{encoder}_encoder/conv1/conv", 2))}
    hidden = _padded(maps[f"{encoder}_encoder/conv1/conv"], 3, 2, -math.inf)
    hidden = hidden.unfold(1, 3, 2).unfold(2, 3, 2).amax((-1, -2))
    for stage in range(2, 6):
        for block in (1, 2):
            name = f"{encoder}_encoder/conv{stage}_{block}"
            stride = 2 if block == 1 and stage > 2 else 1
            branch = layer(torch.relu(layer(hidden, f"{name}/conv_1", stride)), f"{name}/conv_2", 1)
            shortcut = layer(hidden, f"{name}/shortcut", stride) if stride == 2 else hidden
            hidden = maps[name] = torch.relu(branch + shortcut)
    return maps


def outputs(
    state: State, sound: torch.Tensor, frames: Mapping[str, torch.Tensor], chunk: int, fft: int, running: bool
) -> dict[str, torch.Tensor]:
    """Run a network.

    Args:
        state: Its variables.
        sound: Windows ``(B, samples)``.
        frames: Frames ``(B, H, W, 3)`` of each visual encoder, the picture's first.
        chunk: Samples of a chunk.
        fft: Length of the spectrogram's frames.
        running: Whether frames are normalised by running statistics.

    Returns:
        The layers' outputs by scope, channels last, as well as ``masks`` ``(B, K, frames, bins)``, ``tracks``
        ``(B, K, samples)`` and ``ambisonics`` ``(B, samples, 3)``.
    """
    hop, begin = fft // 4, (sound.shape[1] + 1 - chunk) // 2
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(fft, dtype=sound.dtype) / fft)
    spectrum = torch.fft.fft(sound.unfold(1, fft, hop) * hann)
    first = int(begin / hop - (RECEPTIVE_FRAMES - 1) / 2)
    last = int((begin + chunk) / hop + (RECEPTIVE_FRAMES - 1) / 2)
    count = RECEPTIVE_FRAMES + STEP_FRAMES * math.ceil((last - first - RECEPTIVE_FRAMES) / STEP_FRAMES)

    out = {}
    hidden = spectrum[:, first : first + count].abs()[..., None]
    for index, stride in enumerate(AUDIO_STRIDES, start=1):
        name = f"audio_encoder/conv{index}"
        hidden = out[name] = torch.relu(_conv(hidden, state[f"{name}/weights"], stride) + state[f"{name}/biases"])
    batch, steps, bins, _ = hidden.shape
    out["bottleneck/audio-fc"] = torch.relu(_dense(hidden.reshape(batch, steps, -1), state, "bottleneck/audio-fc"))
    fused = [out["bottleneck/audio-fc"]]
    for encoder, values in frames.items():
        maps = visual_maps(state, values, encoder, running)
        reduced = torch.relu(_dense(maps[f"{encoder}_encoder/conv5_2"], state, f"bottleneck/{encoder}-fc-red"))
        seen = torch.relu(_dense(reduced.reshape(batch, 1, -1), state, f"bottleneck/{encoder}-fc"))
        fused.append(seen.repeat(1, steps, 1))
        out |= {**maps, f"bottleneck/{encoder}-fc": seen[:, 0]}
    fused = torch.cat(fused, 2)

    placed = fused
    for name in ("localization/fc1", "localization/fc2"):
        placed = out[name] = torch.relu(_dense(placed, state, name))
    placed = out["localization/fc3"] = _dense(placed, state, "localization/fc3")
    placed = placed.reshape(batch, steps, 3, -1).repeat_interleave(chunk // steps, 1)
    if "separation/fc-feats/weights" in state:
        out |= _separated(state, out, fused, bins)
        lower, upper = (begin - fft) // hop, math.ceil((begin + chunk + fft) / hop)
        masks = torch.sigmoid(out["separation/deconv1"][:, lower - first : upper - first]).permute(0, 3, 1, 2)
        parts = torch.fft.ifft(masks * spectrum[:, None, lower:upper]).real
        whole = torch.zeros(*parts.shape[:2], sound.shape[1], dtype=sound.dtype)
        for index, frame in enumerate(range(lower, upper)):
            whole[:, :, frame * hop : frame * hop + fft] += parts[:, :, index] / 4
        out |= {"masks": masks, "tracks": whole[:, :, begin : begin + chunk]}
    else:
        out["tracks"] = sound[:, None, begin : begin + chunk]
    out["ambisonics"] = torch.einsum("btck,bkt->btc", placed[..., :-1], out["tracks"]) + placed[..., -1]
    return out


def _separated(
    state: State, encoded: Mapping[str, torch.Tensor], fused: torch.Tensor, bins: int
) -> dict[str, torch.Tensor]:
    out = {"separation/fc-feats": torch.relu(_dense(fused, state, "separation/fc-feats"))}
    hidden = out["separation/fc-feats"][:, :, None].repeat(1, 1, bins, 1)
    hidden = torch.cat([encoded["audio_encoder/conv5"], hidden], 3)
    for index in range(5, 0, -1):
        name, stride = f"separation/deconv{index}", AUDIO_STRIDES[index - 1]
        weight = state[f"{name}/weights"]
        lengths = [(n - 1) * s + k for n, s, k in zip(hidden.shape[1:3], stride, weight.shape)]
        shape = (len(hidden), weight.shape[2], *lengths)
        gradient = torch.nn.grad.conv2d_input(shape, weight.permute(3, 2, 0, 1), hidden.permute(0, 3, 1, 2), stride)
        out[name] = gradient.permute(0, 2, 3, 1) + state[f"{name}/biases"]
        if index > 1:
            hidden = torch.cat([torch.relu(out[name]), encoded[f"audio_encoder/conv{index - 1}"]], 3)
    return out
