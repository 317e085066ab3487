"""The rules of the multisensory fixtures: names, weights and inputs, and how a stored tensor is compared."""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from conversion._multisensory_names import to_state_dict

LAYERS = (
    (r"audio_branch\.stem", lambda m: "sf/conv1_1"),
    (r"audio_branch\.output", lambda m: "sf/conv5_1"),
    (r"audio_branch\.blocks\.(\d)", lambda m: f"sf/conv{int(m[1]) + 2}_1"),
    (r"video_branch\.stem", lambda m: "im/conv1"),
    (r"video_branch\.blocks\.(\d)", lambda m: f"im/conv2_{int(m[1]) + 1}"),
    (r"fusion\.expand", lambda m: "im/merge1"),
    (r"fusion\.project", lambda m: "im/merge2"),
    (r"fusion", lambda m: "im/merge_block"),
    (r"blocks\.(\d)", lambda m: f"im/conv{int(m[1]) // 2 + 3}_{int(m[1]) % 2 + 1}"),
    (r"alignment_head", lambda m: "joint/logits"),
    (r"classifier", lambda m: "lb/logits"),
    (r"unet\.encoder\.(\d)", lambda m: f"gen/conv{int(m[1]) + 1}"),
    (r"unet\.decoder\.(\d)", lambda m: f"gen/deconv{int(m[1]) + 1}"),
    (r"unet\.on_screen", lambda m: "gen/fg"),
    (r"unet\.off_screen", lambda m: "gen/bg"),
    (r"audio_branch\.pool", lambda m: "sf/pool1"),
    (r"audio_branch\.align", lambda m: "sf/frac_pool"),
    (r"video_branch\.pool", lambda m: "im/pool1"),
)
BLOCK_PARTS = {".residual.conv1": "_1", ".residual.conv2": "_2", ".residual.shortcut": "_short"}
NORM_TENSORS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
    "renorm_std": "renorm_stddev",
    "renorm_std_weight": "renorm_stddev_weight",
}


def original_scope(name: str) -> tuple[str, str]:
    """The authors' scope of one of our modules, and what of its name is left."""
    name = name.removeprefix("multisensory.")
    for pattern, scope in LAYERS:
        if match := re.match(pattern, name):
            return scope(match), name[match.end() :]
    return "", name


def original_name(name: str) -> str:
    """The authors' name of one of our parameters or buffers, written independently of the converter's table."""
    scope, rest = original_scope(name)
    for ours, theirs in BLOCK_PARTS.items():
        if rest.startswith(ours):
            scope, rest = scope + theirs, rest.removeprefix(ours)
    module, _, tensor = rest.rpartition(".")
    if module == ".norm":
        closes_block = re.fullmatch(r"sf/conv[234]_1|im/conv\d_\d|im/merge_block", scope)
        return f"{scope}{'_bn' if closes_block else '/BatchNorm'}/{NORM_TENSORS.get(tensor, tensor)}"
    return f"{scope}/{'weights' if tensor == 'weight' else 'biases'}"


def original_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape there of a parameter or buffer of ours."""
    if len(shape) < 2:
        return shape
    # A linear layer is a convolution of one element there, and sound has a width of one.
    kernel = {0: (1, 1, 1), 1: (*shape[2:], 1)}.get(len(shape) - 2, shape[2:])
    return (*kernel, shape[1], shape[0])


def tensorflow_weight(name: str, shape: Iterable[int], fresh: bool = False) -> np.ndarray:
    """The value of one variable of the multisensory graphs, in TensorFlow's layout.

    Args:
        name: Its name there.
        shape: Its shape there.
        fresh: Whether batch renormalisation has seen nothing yet.
    """
    shape, part = tuple(shape), name.rsplit("/", 1)[-1]
    z = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if part == "weights":
        transposed = re.match(r"gen/(deconv\d|fg|bg)/", name)
        fan_in = shape[0] * shape[1] * shape[3] if transposed else np.prod(shape[:-1])
        value = z * np.sqrt(2 / fan_in)
    elif part.startswith("renorm_") and (fresh or part.endswith("_weight")):
        value = np.full(shape, 0.0 if fresh else 1.0)
    elif part == "gamma":
        value = 1 + 0.1 * z
    elif part in ("moving_variance", "renorm_stddev"):
        value = np.abs(1 + 0.1 * z) + 0.1
    else:
        value = 0.1 * z
    return np.asarray(value, np.float32)


@lru_cache(maxsize=1)
def _rule_state(shapes: tuple[tuple[str, tuple[int, ...]], ...], fresh: bool) -> dict[str, torch.Tensor]:
    """State dict by the weight rule, through the converter's table, for the names and shapes of ours."""
    original = {original_name(name): original_shape(shape) for name, shape in shapes}
    arrays = {name: tensorflow_weight(name, shape, fresh) for name, shape in original.items()}
    return to_state_dict(arrays, "the weight rule")


def with_rule_weights(model_class: type, config: PreTrainedConfig, fresh: bool = False) -> PreTrainedModel:
    """A model whose weights follow from their names, in evaluation mode."""
    with torch.device("meta"):
        model = model_class(config)
    shapes = tuple((name, tuple(value.shape)) for name, value in model.state_dict().items())
    model.to_empty(device="cpu").load_state_dict(_rule_state(shapes, fresh))
    return model.eval()


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def images(arrays: Mapping[str, np.ndarray]) -> torch.Tensor:
    """Frames ``(B, T, 3, H, W)`` in [-1, 1] by the input rule."""
    drawn = np.random.RandomState(arrays["input|images_seed"]).randint(0, 256, size=arrays["input|images_shape"])
    return torch.from_numpy(drawn.astype(np.float32) * 2 / 255 - 1).permute(0, 1, 4, 2, 3)


def sound(arrays: Mapping[str, np.ndarray]) -> torch.Tensor:
    """Samples by the input rule, ``(..., samples, C)`` as they are stored."""
    drawn = np.random.RandomState(arrays["input|audio_seed"]).standard_normal(arrays["input|audio_shape"])
    return torch.from_numpy((0.1 * drawn).astype(np.float32))


@contextmanager
def traced(model: torch.nn.Module) -> Iterator[dict[str, torch.Tensor]]:
    """Collect by its scope there the output of every module that has one, and the sound branch's input."""
    outputs = {}

    def keep(scope):
        return lambda module, inputs, output: outputs.update({scope: output})

    def keep_input(module, inputs):
        outputs["sf/input"] = inputs[0]

    handles = []
    for name, module in model.named_modules():
        scope, rest = original_scope(name)
        if scope and not rest:
            handles.append(module.register_forward_hook(keep(scope)))
        if scope == "sf/conv1_1" and not rest:
            handles.append(module.register_forward_pre_hook(keep_input))
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def channels_last(tensor: torch.Tensor, ndim: int) -> torch.Tensor:
    """``(B, C, ...)`` to TensorFlow's layout, where features of sound have a width of one."""
    last = tensor.movedim(1, -1)
    return last.unsqueeze(2) if last.ndim < ndim else last


def assert_matches(actual: torch.Tensor, arrays: Mapping[str, np.ndarray], name: str, tolerance: float) -> None:
    """Compare with the stored tensor; ``tolerance`` is a share of its standard deviation."""
    actual = actual.detach().double().numpy()
    assert actual.shape == tuple(arrays[f"{name}|shape"]), name
    expected, std = arrays[f"{name}|values"], float(arrays[f"{name}|std"])
    # One or two values have no spread to speak of.
    limit = tolerance * (std if actual.size > 4 else np.abs(expected).max())
    sample = actual.reshape(-1)[:: int(arrays[f"{name}|stride"])]
    np.testing.assert_allclose(sample, expected, rtol=0, atol=limit, err_msg=name)
    for statistic in ("mean", "std"):
        value = getattr(actual, statistic)()
        np.testing.assert_allclose(value, arrays[f"{name}|{statistic}"], rtol=0, atol=limit, err_msg=name)


def assert_phases_match(
    actual: torch.Tensor, arrays: Mapping[str, np.ndarray], name: str, tolerance: float, turn: float = 2 * np.pi
) -> None:
    """Compare phases ``(..., bins)`` around the circle, but for the first and last bin, whose spectrum is real."""
    bins = actual.shape[-1]
    assert tuple(actual.shape) == tuple(arrays[f"{name}|shape"]), name
    places = np.arange(actual.numel())[:: int(arrays[f"{name}|stride"])]
    difference = actual.detach().double().numpy().reshape(-1)[places] - arrays[f"{name}|values"]
    difference = np.abs((difference + turn / 2) % turn - turn / 2)[(places % bins != 0) & (places % bins != bins - 1)]
    assert difference.max() <= tolerance * arrays[f"{name}|std"], name


def stored(arrays: Mapping[str, np.ndarray]) -> set[str]:
    """Names of the tensors in a fixture, but for the edges of pooling on the axis of one element."""
    return {key.removesuffix("|values") for key in arrays if key.endswith("|values")} - {"sf/frac_pool_cols"}
