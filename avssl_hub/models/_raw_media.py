"""What every family's processor accepts as raw media: files and arrays, one or a list, and how they are checked."""

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
import torch

from ..errors import InvalidValueError, explain

Source = str | PathLike | bytes | BinaryIO
Array = np.ndarray | torch.Tensor


def is_file(item: Source | Array | None) -> bool:
    """Whether an item is to be opened, and not an array or nothing."""
    return item is not None and not isinstance(item, (np.ndarray, torch.Tensor))


def per_clip(
    videos: Source | Array | Sequence[Any] | None,
    audio: Source | Array | Sequence[Any] | None,
    starts: Sequence[float | None] | None,
) -> Iterator[tuple[Any, Any, float | None]]:
    """Go through the clips: picture, sound and start of each, None where there is none.

    Raises:
        InvalidValueError: They are not as many of each.
    """
    videos, audio = _as_list(videos), _as_list(audio)
    batch = len(videos if videos is not None else audio)
    for name, items in (("audio", audio), ("starts", starts)):
        if items is not None and len(items) != batch:
            raise InvalidValueError(explain(f"number of {name}", len(items), f"{batch}, one a clip"))
    nothing = [None] * batch
    return zip(videos or nothing, audio or nothing, starts or nothing)


def checked_frames(video: Array | None) -> torch.Tensor | None:
    """Return frames given as an array as a tensor.

    Raises:
        InvalidValueError: They are not uint8 ``(T, H, W, 3)``.
    """
    if video is None:
        return None
    frames = torch.as_tensor(video)
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        got = f"{_name(frames.dtype)} of shape {tuple(frames.shape)}"
        expected = "uint8 frames of shape (time, height, width, 3), at least one"
        raise InvalidValueError(explain("videos item", got, expected))
    return frames


def checked_samples(sound: Array, sampling_rate: int | None, own_rate: int) -> torch.Tensor:
    """Return sound given as an array as float32 ``(channels, n)``.

    Raises:
        InvalidValueError: It is not float ``(n,)`` or ``(channels, n)``, or its rate was not told.
    """
    if sampling_rate is None:
        expected = f"the rate of the samples in hertz (the model's own is {own_rate})"
        raise InvalidValueError(explain("sampling_rate", None, expected, "Pass sampling_rate=..."))
    samples = torch.as_tensor(sound)
    if not samples.is_floating_point() or samples.ndim not in (1, 2) or not samples.numel():
        got = f"{_name(samples.dtype)} of shape {tuple(samples.shape)}"
        raise InvalidValueError(explain("audio item", got, "float samples (n,) or (channels, n), at least one"))
    return torch.atleast_2d(samples).float()


def _as_list(items: Any) -> Any:
    return items if items is None or isinstance(items, (list, tuple)) else [items]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
