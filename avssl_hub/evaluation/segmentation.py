"""How well every pixel's class was found, as AVSA rates it (arXiv 2011.01819, section 4.3)."""

import torch

from ..errors import InvalidValueError, explain


def pixel_accuracy(predictions: torch.Tensor, labels: torch.Tensor, ignore_index: int = 255) -> torch.Tensor:
    """Share, in [0, 1], of the pixels with a class that were given it; NaN without such pixels.

    Args:
        predictions: ``(N, H, W)`` classes.
        labels: ``(N, H, W)`` classes, ``ignore_index`` where there is none.
        ignore_index: The label of pixels that do not count.

    Raises:
        InvalidValueError: The shapes differ.
    """
    _check(predictions, labels)
    has_class = labels != ignore_index
    return (predictions == labels)[has_class].double().mean()


def mean_intersection_over_union(
    predictions: torch.Tensor, labels: torch.Tensor, num_labels: int, ignore_index: int = 255
) -> torch.Tensor:
    """Mean in [0, 1] over all pairs of an image and a class that it shows or is said to show; NaN without any.

    This is the mean of images' scores by class, not the usual one of classes over the whole set.

    Args:
        predictions: ``(N, H, W)`` classes; pixels without a class do not count.
        labels: ``(N, H, W)`` classes, ``ignore_index`` where there is none.
        num_labels: Number of classes.
        ignore_index: The label of pixels that do not count.

    Raises:
        InvalidValueError: The shapes differ.
    """
    intersection, union = overlaps(predictions, labels, num_labels, ignore_index)
    shown = union > 0
    return (intersection[shown].double() / union[shown]).mean()


def overlaps(
    predictions: torch.Tensor, labels: torch.Tensor, num_labels: int, ignore_index: int = 255
) -> tuple[torch.Tensor, torch.Tensor]:
    """Count pixels that both or either have, of each class and image: ``(num_labels, N)`` each; arguments as above."""
    _check(predictions, labels)
    has_class = labels != ignore_index
    classes = torch.arange(num_labels, device=labels.device)[:, None, None, None]
    predicted, true = (predictions == classes) & has_class, labels == classes
    return (predicted & true).sum((2, 3)), (predicted | true).sum((2, 3))


def _check(predictions: torch.Tensor, labels: torch.Tensor) -> None:
    if predictions.shape != labels.shape:
        raise InvalidValueError(explain("predictions", f"shape {tuple(predictions.shape)}", f"{tuple(labels.shape)}"))
