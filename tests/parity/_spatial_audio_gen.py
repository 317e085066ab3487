"""The rules of the SpatialAudioGen fixtures: names, weights and inputs, and how a stored tensor is compared."""

import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from avssl_hub import SpatialAudioGenConfig, SpatialAudioGenModel
from conversion._spatial_audio_gen_names import to_state_dict

FORWARD_TOLERANCE = 1e-4

MODULES = (
    (r"audio_encoder\.layers\.(\d)", lambda m: f"audio_encoder/conv{int(m[1]) + 1}"),
    (r"visual_encoders\.(\w+)\.stem", lambda m: f"{m[1]}_encoder/conv1/conv"),
    (
        r"visual_encoders\.(\w+)\.blocks\.(\d)",
        lambda m: f"{m[1]}_encoder/conv{int(m[2]) // 2 + 2}_{int(m[2]) % 2 + 1}",
    ),
    (r"fusion\.audio", lambda m: "bottleneck/audio-fc"),
    (r"fusion\.visual\.(\w+)\.reduce", lambda m: f"bottleneck/{m[1]}-fc-red"),
    (r"fusion\.visual\.(\w+)\.project", lambda m: f"bottleneck/{m[1]}-fc"),
    (r"localization\.layers\.(\d)", lambda m: f"localization/fc{int(m[1]) + 1}"),
    (r"localization\.output", lambda m: "localization/fc3"),
    (r"separation\.condition", lambda m: "separation/fc-feats"),
    (r"separation\.layers\.(\d)", lambda m: f"separation/deconv{5 - int(m[1])}"),
)
PARTS = {".conv1": "/conv_1", ".conv2": "/conv_2", ".shortcut": "/shortcut"}
TENSORS = {"weight": "weights", "bias": "biases"}
NORM_TENSORS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def original_scope(name: str) -> str | None:
    """The authors' scope of one of our modules, if it has one there."""
    for pattern, scope in MODULES:
        if match := re.match(pattern, name):
            rest = name[match.end() :]
            for ours, theirs in PARTS.items():
                rest = rest.replace(ours, theirs)
            return scope(match) + rest.replace(".norm", "/bn").replace(".conv", "")
    return None


def original_name(name: str) -> str:
    """The authors' name of one of our parameters or buffers, written independently of the converter's table."""
    module, _, tensor = name.rpartition(".")
    scope = original_scope(module)
    return f"{scope}/{(NORM_TENSORS if scope.endswith('/bn') else TENSORS)[tensor]}"


def original_layout(value: torch.Tensor) -> torch.Tensor:
    """A parameter of ours with the axes in the order that its variable has there."""
    axes = {4: (2, 3, 1, 0), 2: (1, 0)}.get(value.ndim)
    return value if axes is None else value.permute(axes)


@lru_cache(maxsize=300)
def tensorflow_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one variable of the graphs, which follows from its name."""
    z = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    part = name.rsplit("/", 1)[-1]
    if part == "weights":
        fan_in = shape[0] * shape[1] * shape[3] if "/deconv" in name else np.prod(shape[:-1])
        z *= np.sqrt(2 / fan_in)
    elif part == "gamma":
        z = 1 + 0.1 * z
    elif part == "moving_variance":
        z = np.abs(1 + 0.1 * z) + 0.1
    else:
        z *= 0.1
    return z.astype(np.float32)


def with_rule_weights(arrays: Mapping[str, np.ndarray]) -> SpatialAudioGenModel:
    """The network of a fixture, in evaluation mode."""
    config = SpatialAudioGenConfig(str(arrays["encoders"]).split(","), str(arrays.get("separation", "unet_mask")))
    with torch.device("meta"):
        model = SpatialAudioGenModel(config)
    values = {
        original_name(name): tensorflow_weight(original_name(name), tuple(original_layout(value).shape))
        for name, value in model.state_dict().items()
    }
    for name in ("localization/fc3/weights", "localization/fc3/biases"):
        values[name] = values[name] * np.float32(arrays.get("fc3_scale", 1))
    model.to_empty(device="cpu").load_state_dict(to_state_dict(values, "the weight rule"))
    return model.eval()


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def drawn_inputs(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Inputs and the target by the rule, two items or the first of them, checked against what the fixture stores."""
    seed, encoders = int(arrays["seed"]), str(arrays["encoders"]).split(",")
    random = np.random.RandomState(seed)
    noise = random.standard_normal((2, 52799, 4))
    frequency, phase = random.uniform(100, 8000, (2, 1, 4)), random.uniform(0, 2 * np.pi, (2, 1, 4))
    time = (np.arange(52799) / 48000)[None, :, None]
    drawn = {"ambix": 0.05 * noise + 0.2 * np.sin(2 * np.pi * frequency * time + phase)}
    if "video" in encoders:
        pixels = np.random.RandomState(seed + 1).randint(0, 256, (2, 1, 28, 56, 3))
        drawn["video"] = pixels / 255 - 0.5
    if "flow" in encoders:
        flow = np.random.RandomState(seed + 2).standard_normal((2, 1, 28, 56, 2)) * 3
        drawn["flow"] = np.concatenate([flow, np.sqrt((flow**2).sum(-1, keepdims=True))], -1)
    inputs = {}
    for name, values in drawn.items():
        if values.ndim == 5:
            values = values.repeat(8, 2).repeat(8, 3)
        values = values[: int(arrays["batch"])].astype(np.float32)
        if hashlib.sha256(np.ascontiguousarray(values)).hexdigest() != str(arrays[f"input|{name}|sha256"]):
            # Another machine's sine may differ in the last bit.
            assert_matches(torch.from_numpy(values), arrays, f"input|{name}", 1e-6)
        inputs[name] = torch.from_numpy(values)
    return inputs


def model_inputs(drawn: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Drawn arrays as our model takes them."""
    names = {"video": "pixel_values_videos", "flow": "flow_values"}
    frames = {ours: drawn[name].movedim(-1, 2) for name, ours in names.items() if name in drawn}
    return {"input_values": drawn["ambix"][..., 0].unsqueeze(1), **frames}


@contextmanager
def traced(model: torch.nn.Module) -> Iterator[dict[str, torch.Tensor]]:
    """Collect by its scope there the output of every module that has one."""
    outputs, handles = {}, []
    for name, module in model.named_modules():
        # A shortcut that changes nothing has no name there.
        if (scope := original_scope(name)) and not isinstance(module, torch.nn.Identity):
            handles.append(module.register_forward_hook(partial(_keep, outputs, scope)))
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _keep(outputs: dict, scope: str, module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
    outputs[scope] = output


def stored(arrays: Mapping[str, np.ndarray], prefix: str) -> set[str]:
    """Names of the tensors in a fixture that begin so."""
    return {key.removesuffix("|sample") for key in arrays if key.startswith(prefix) and key.endswith("|sample")}


def assert_matches(
    actual: torch.Tensor, arrays: Mapping[str, np.ndarray], name: str, tolerance: float = FORWARD_TOLERANCE
) -> None:
    """Compare with the stored tensor; ``tolerance`` is a share of its largest value."""
    actual = actual.detach().double().numpy()
    assert actual.shape == tuple(arrays[f"{name}|shape"]), name
    expected = arrays[f"{name}|sample"]
    limit = tolerance * np.abs(expected).max()
    sample = actual.reshape(-1)[:: int(arrays[f"{name}|stride"])]
    np.testing.assert_allclose(sample, expected, rtol=0, atol=limit, err_msg=name)
    for statistic in ("mean", "std"):
        value = getattr(actual, statistic)()
        np.testing.assert_allclose(value, arrays[f"{name}|{statistic}"], rtol=0, atol=limit, err_msg=name)
