"""Linear interpolation with the coordinates of early TensorFlow, which ``torch.nn.functional.interpolate`` lacks."""

import torch


def resize_linear(values: torch.Tensor, size: int, dim: int = -1) -> torch.Tensor:
    """Resize one axis of float values: element ``i`` is read at ``i * old / new``, and the last is held beyond it."""
    old = values.shape[dim]
    if old == size:
        return values
    # In single precision, as there.
    places = torch.arange(size, dtype=torch.float32, device=values.device) * (old / size)
    lower = places.long()
    upper = (lower + 1).clamp_max(old - 1)
    share = (places - lower).to(values.dtype)
    shape = [-1 if axis == dim % values.ndim else 1 for axis in range(values.ndim)]
    low, high = values.index_select(dim, lower), values.index_select(dim, upper)
    return low + (high - low) * share.view(shape)
