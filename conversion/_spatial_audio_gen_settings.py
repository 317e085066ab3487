"""What a SpatialAudioGen checkpoint is of: by the shapes of its variables and by the text of settings beside it."""

import ast
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avssl_hub.errors import CheckpointError, explain
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig

SETTINGS_FILE = "train-params.txt"
_MOST_BYTES = 1 << 16
Shapes = Mapping[str, tuple[int, ...]]


def read_settings(path: Path) -> dict[str, Any]:
    """Read lines ``name: value`` with values as Python 2 writes them: numbers, lists, or else text.

    Raises:
        CheckpointError: It is no such text.
    """
    what, expected = f"reading {path}", "lines 'name: value'"
    with open(path, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise CheckpointError(explain(what, f"more than {_MOST_BYTES:,} bytes", expected))
    settings = {}
    for line in filter(str.strip, content.decode("utf-8", errors="replace").splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise CheckpointError(explain(what, repr(line[:60]), expected))
        settings[name.strip()] = _value(value.strip())
    return settings


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def configuration(settings: Mapping[str, Any], shapes: Shapes, what: str) -> SpatialAudioGenConfig:
    """Make the configuration of a checkpoint.

    Args:
        settings: What ``read_settings`` gave.
        shapes: Shapes of the variables by the authors' names.
        what: Where they are from, for errors.

    Raises:
        CheckpointError: A variable that every such network has is missing, or settings and variables contradict each
            other, or the settings are of a network that this family has no place for.
    """
    sizes = _sizes(shapes, what)
    held = {"ambi_order": 1, "encoders": sizes["encoders"], "separation": sizes["separation"]}
    held["loc_units"] = sizes["localization_hidden_sizes"]
    if sizes["separation"] != "none":
        held["num_sep_tracks"] = sizes["num_tracks"]
    for name, expected in held.items():
        given = settings.get(name, expected)
        if _in_order(given) != _in_order(expected):
            rule = f"{expected!r}, as the variables beside it have"
            raise CheckpointError(explain(f"{name} in {SETTINGS_FILE} of {what}", repr(given), rule))

    def number(name: str, usual: float) -> float:
        value = settings.get(name, usual)
        if not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise CheckpointError(explain(f"{name} in {SETTINGS_FILE} of {what}", repr(value), "a positive number"))
        return value

    rate = number("audio_rate", 48000)
    return SpatialAudioGenConfig(
        **sizes,
        sampling_rate=round(rate),
        context_samples=round(number("context", 1.0) * rate),
        chunk_samples=round(number("sample_dur", 0.1) * rate),
        fft_size=2 ** round(math.log2(number("fft_window", 0.025) * rate)),
    )


def _in_order(value: Any) -> Any:
    """Sizes and single values as they are, and names sorted: the order of encoders does not matter."""
    return sorted(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value


def _sizes(shapes: Shapes, what: str) -> dict[str, Any]:
    def width(layer: str) -> int:
        """Outputs of a layer that every network of these encoders has."""
        shape = shapes.get(f"{layer}/weights", ())
        if len(shape) < 2:
            expected = f"a variable {layer}/weights, which every network of this family has"
            raise CheckpointError(explain(f"variables of {what}", f"{len(shapes)} others", expected))
        return shape[-1]

    visual = [name for name in ("video", "flow") if f"{name}_encoder/conv1/conv/weights" in shapes]
    separates = "separation/fc-feats/weights" in shapes
    sizes = {
        "encoders": ["audio", *visual],
        "separation": "unet_mask" if separates else "none",
        # Three channels have a weight for every track and an offset.
        "num_tracks": width("localization/fc3") // 3 - 1,
        "audio_hidden_sizes": [width(f"audio_encoder/conv{layer}") for layer in range(1, 6)],
        "fusion_audio_size": width("bottleneck/audio-fc"),
        "localization_hidden_sizes": [width("localization/fc1"), width("localization/fc2")],
    }
    if visual:
        first = visual[0]
        sizes["video_hidden_sizes"] = [width(f"{first}_encoder/conv{stage}_1/conv_1") for stage in range(2, 6)]
        sizes["fusion_reduced_size"] = width(f"bottleneck/{first}-fc-red")
        sizes["fusion_visual_size"] = width(f"bottleneck/{first}-fc")
    if separates:
        sizes["separation_condition_size"] = width("separation/fc-feats")
    return sizes
