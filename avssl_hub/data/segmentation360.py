"""What is seen in YT-360, pixel by pixel: pseudo-labels of a panoptic network as the authors keep them (AVSA).

A clip has a folder of maps, four a second: ``things-0001.png`` and ``stuff-0001.png``, and so on.
"""

from pathlib import Path

import torch

from ..errors import InvalidValueError, explain
from ..media import MissingStreamError
from ..media.png import read_label_map

MAPS_PER_SECOND = 4
UNLABELLED = 255

# Classes in the order of the network's outputs, with their numbers among the 134 of COCO's panoptic labels.
CLASSES = {
    "person": 0,
    "car": 2,
    "airplane": 4,
    "boat": 8,
    "motorcycle": 3,
    "train": 6,
    "tv": 62,
    "chair": 56,
    "dining table": 60,
    "cake": 55,
    "bed": 59,
    "umbrella": 25,
    "bus": 5,
    "truck": 7,
    "potted plant": 58,
    "keyboard": 66,
    "sky": 120,
    "wall": 132,
    "tree": 117,
    "ceiling": 119,
    "building": 130,
    "floor": 123,
    "grass": 126,
    "road": 101,
    "mountain": 125,
    "pavement": 124,
    "snow": 106,
    "dirt": 127,
    "rock": 131,
    "sea": 104,
    "sand": 103,
    "window": 116,
}

_THINGS, _STUFF = 80, 54  # their numbers; what is no thing, and what is no stuff either


def kept_classes(things: torch.Tensor, stuff: torch.Tensor) -> torch.Tensor:
    """Merge two maps of COCO's labels into one of :data:`CLASSES`.

    Args:
        things: uint8 ``(..., H, W)`` of 0 to 80; 80 leaves the pixel to ``stuff``.
        stuff: uint8 ``(..., H, W)`` of 0 to 54; 54 is unlabelled.

    Returns:
        uint8 ``(..., H, W)`` of 0 to 31, and 255 for what is unlabelled or of another class.

    Raises:
        InvalidValueError: The maps differ in shape, or have other labels.
    """
    if things.shape != stuff.shape:
        got = f"{tuple(things.shape)} and {tuple(stuff.shape)}"
        raise InvalidValueError(explain("shapes of maps of things and stuff", got, "the same"))
    for name, labels, most in (("things", things, _THINGS), ("stuff", stuff, _STUFF)):
        if labels.numel() and labels.max() > most:
            raise InvalidValueError(explain(f"labels of {name}", labels.max().item(), f"0 to {most}"))
    table = torch.full((_THINGS + _STUFF + 1,), UNLABELLED, dtype=torch.uint8, device=things.device)
    table[list(CLASSES.values())] = torch.arange(len(CLASSES), dtype=torch.uint8, device=things.device)
    return table[torch.where(things == _THINGS, stuff.long() + _THINGS, things.long())]


def read_labels(folder: Path, start: float) -> torch.Tensor:
    """Read the map of :data:`CLASSES` that belongs to half a second of picture.

    It is the one of the picture's end, or the last one before it that is there; number 0 does not count.

    Args:
        folder: The maps of a clip.
        start: Start of the picture in seconds.

    Returns:
        uint8 ``(H, W)`` of 0 to 31, and 255.

    Raises:
        MissingStreamError: There is none up to then.
        MediaError: A map cannot be read.
        InvalidValueError: Two maps do not fit each other.
    """
    last = int((start + 0.5) * MAPS_PER_SECOND)
    for number in range(last, 0, -1):
        maps = [folder / f"{kind}-{number:04d}.png" for kind in ("things", "stuff")]
        if all(path.is_file() for path in maps):
            return kept_classes(*map(read_label_map, maps))
    got = f"no maps numbered 1 to {last}" if last else "a time before the first map"
    rule = "things-0001.png, stuff-0001.png and so on"
    raise MissingStreamError(explain(f"labels of {folder} at {start:.2f} s", got, rule), str(folder), None, start)
