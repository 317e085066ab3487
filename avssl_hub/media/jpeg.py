"""Single pictures in JPEG files."""

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torchvision.io import ImageReadMode, decode_jpeg, encode_jpeg

from avssl_hub.errors import explain
from avssl_hub.media.errors import DecodeError, MediaOpenError


def read_jpeg(path: str | os.PathLike) -> torch.Tensor:
    """Read a picture as uint8 RGB ``(3, H, W)``.

    Raises:
        MediaOpenError: The file cannot be read.
        DecodeError: It is no JPEG file, or a damaged one.
    """
    return decoded_picture(path, lambda data: decode_jpeg(data, ImageReadMode.RGB), "JPEG")


def decoded_picture(path: str | os.PathLike, decode: Callable[[torch.Tensor], torch.Tensor], kind: str) -> torch.Tensor:
    """Read a file and decode it; ``kind`` is what messages call its format, and the errors are those above."""
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        text = explain(f"cannot open {name!r}", error.strerror or str(error), "a readable file", "Check the path.")
        raise MediaOpenError(text, name) from error
    try:
        return decode(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    # An empty buffer is a ValueError.
    except (RuntimeError, ValueError) as error:
        got = f"{len(data)} bytes that do not decode"
        text = explain(f"cannot read {name!r}", got, f"a whole {kind} picture", "Fetch or make the file again.")
        raise DecodeError(text, name) from error


def write_jpeg(path: str | os.PathLike, picture: torch.Tensor, quality: int = 95) -> None:
    """Write a uint8 RGB picture ``(3, H, W)``; ``quality`` is 1 to 100."""
    Path(path).write_bytes(encode_jpeg(picture.cpu().contiguous(), quality).numpy().tobytes())
