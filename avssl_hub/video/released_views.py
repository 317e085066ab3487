"""Views as AVSA's released code cuts them, to the last bit: what the published network was trained on.

It differs from a camera in five ways: a pixel is looked up at its upper left corner; the centre's azimuth is a shift by
whole columns; neighbours are wrapped or clamped before their distances become weights, which are wrong and may be
negative in the picture's last column and row; sums are rounded; and their cast to 8 bits may wrap around.
"""

import math

import torch

from ..errors import InvalidValueError, explain
from .views import Views, pick


def cut_pictures_as_released(frames: torch.Tensor, views: Views, size: tuple[int, int] = (112, 112)) -> torch.Tensor:
    """Cut views out of clips.

    Args:
        frames: uint8 ``(..., T, channels, H, W)``.
        views: K views of each clip, ``(..., K, 4)``, on the device of the frames.
        size: Height and width of a view.

    Returns:
        uint8 ``(..., K, T, channels, *size)``.

    Raises:
        InvalidValueError: The frames are of another type.
    """
    if frames.dtype != torch.uint8:
        raise InvalidValueError(explain("frames of views", frames.dtype, "torch.uint8, as readers give them"))
    *batch, times, channels, height, width = frames.shape
    clips = frames.reshape(-1, times, channels, height, width)
    rows = views.rows.reshape(len(clips), -1, 4)
    seen = [_cut(*pair, size) for pair in zip(clips, rows)]
    return torch.stack(seen).reshape(*batch, rows.shape[1], times, channels, *size)


def cut_labels_as_released(labels: torch.Tensor, views: Views, size: tuple[int, int] = (112, 112)) -> torch.Tensor:
    """Cut views out of label maps ``(..., H, W)`` of any type to ``(..., K, *size)``; the nearest pixel's label."""
    height, width = labels.shape[-2:]
    columns, rows = _places(views.rows, size, height, width)
    rows = rows.round().long().clamp_max(height - 1)
    return pick(labels, rows, (columns.round().long() + _shift(views.rows, width)).remainder(width))


def sphere_coordinates(rows: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Where pixels of views look, counted from the centre's meridian, as shares of the sphere.

    Args:
        rows: float64 ``(..., K, 4)``, see ``Views``.
        size: Height and width of a view.

    Returns:
        From the left and from the top, each ``(..., K, *size)``, in 0 to 1.
    """
    _, y, horizontal, vertical = (column[..., None, None] for column in rows.unbind(-1))
    down, right = (2 * (torch.arange(count, dtype=rows.dtype, device=rows.device) / count) - 1 for count in size)
    right, down = right * math.pi * horizontal, down[:, None] * math.pi / 2 * vertical
    length = (right.square() + down.square()).sqrt()
    angle, latitude = length.atan(), (2 * y - 1) * math.pi / 2
    sine, cosine, divisor = angle.sin(), angle.cos(), length.clamp_min(1e-4)
    below = (cosine * latitude.sin() + down * sine * latitude.cos() / divisor).asin()
    beside = torch.atan2(right * sine, length * latitude.cos() * cosine - down * latitude.sin() * sine)
    return (beside / math.pi + 1) / 2, (below / (math.pi / 2) + 1) / 2


def _places(rows: torch.Tensor, size: tuple[int, int], height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Columns of the turned picture, and rows, with fractions."""
    across, down = sphere_coordinates(rows, size)
    return across.remainder(1) * width, down.remainder(1) * height


def _shift(rows: torch.Tensor, width: int) -> torch.Tensor:
    """Columns ``(..., K, 1, 1)`` by which the picture is turned to the left before a view is cut out of its middle."""
    # There and back through radians, as there: the last bit decides which way an exact column falls.
    longitude = (2 * rows[..., :1] - 1) * math.pi
    return ((longitude / math.pi + 1) / 2 * width - width // 2).long()[..., None]


def _cut(frames: torch.Tensor, rows: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    times, channels, height, width = frames.shape
    columns, lines = _places(rows, size, height, width)
    left, top = columns.floor(), lines.floor()
    right, bottom = (left + 1).remainder(width), (top + 1).clamp_max(height - 1)
    shift = _shift(rows, width)
    # In the order in which they are added up there.
    corners = [
        (top, left, (right - columns) * (bottom - lines)),
        (bottom, left, (right - columns) * (lines - top)),
        (top, right, (columns - left) * (bottom - lines)),
        (bottom, right, (columns - left) * (lines - top)),
    ]
    places = [line.long() * width + (column.long() + shift).remainder(width) for line, column, _ in corners]
    # All frames' values of a pixel side by side, so that one look-up gives them all.
    pixels = frames.permute(2, 3, 0, 1).reshape(height * width, times * channels)
    seen = torch.empty(len(rows), times * channels, size[0] * size[1], dtype=torch.uint8, device=frames.device)
    # A view at a time stays in the CPU's cache, and memory that is used again is not mapped anew.
    picked = pixels.new_empty(seen.shape[2], seen.shape[1])
    value, total = (torch.empty_like(picked, dtype=torch.float64) for _ in range(2))
    for view, target in enumerate(seen):
        total.zero_()
        for place, (_, _, weight) in zip(places, corners):
            torch.index_select(pixels, 0, place[view].flatten(), out=picked)
            total.add_(value.copy_(picked).mul_(weight[view].reshape(-1, 1)))
        # By way of whole numbers, since only their cast is sure to wrap around.
        target.copy_(total.round_().to(torch.int32).T)
    return seen.reshape(len(rows), times, channels, *size)
