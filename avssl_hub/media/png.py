"""Maps of labels in PNG files."""

import os

import torch
from torchvision.io import ImageReadMode, decode_png

from avssl_hub.errors import explain
from avssl_hub.media.errors import DecodeError
from avssl_hub.media.jpeg import decoded_picture


def read_label_map(path: str | os.PathLike) -> torch.Tensor:
    """Read a map of labels as uint8 ``(H, W)``.

    Raises:
        MediaOpenError: The file cannot be read.
        DecodeError: It is no PNG file, a damaged one, or one with colours or with more than 8 bits.
    """
    picture = decoded_picture(path, lambda data: decode_png(data, ImageReadMode.UNCHANGED), "PNG")
    if len(picture) != 1 or picture.dtype != torch.uint8:
        got = f"{len(picture)} channels of {str(picture.dtype).removeprefix('torch.')}"
        raise DecodeError(explain(f"map of labels {os.fspath(path)!r}", got, "one channel of uint8"), os.fspath(path))
    return picture[0]
