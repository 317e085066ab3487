"""Pixel accuracy and mean overlap on maps small enough to count by hand."""

import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.segmentation import mean_intersection_over_union, pixel_accuracy

# Two images; the last pixel of the first has no class.
LABELS = torch.tensor([[[0, 0, 1, 255]], [[2, 2, 2, 2]]])
FOUND = torch.tensor([[[0, 1, 1, 3]], [[2, 2, 2, 0]]])


def test_accuracy_counts_the_pixels_that_have_a_class():
    assert pixel_accuracy(FOUND, LABELS).item() == pytest.approx(5 / 7)


def test_overlap_is_the_mean_over_images_and_the_classes_they_show():
    # First image: class 0 has 1 of 2 pixels, class 1 has 1 of 2; what was found without a class does not count.
    # Second image: class 2 has 3 of 4, and class 0, which is not there, 0 of 1.
    expected = (1 / 2 + 1 / 2 + 3 / 4 + 0) / 4
    assert mean_intersection_over_union(FOUND, LABELS, num_labels=4).item() == pytest.approx(expected)


def test_without_any_class_there_is_no_figure():
    nothing = torch.full_like(LABELS, 255)
    assert pixel_accuracy(FOUND, nothing).isnan()
    assert mean_intersection_over_union(FOUND, nothing, num_labels=4).isnan()


def test_shapes_have_to_agree():
    with pytest.raises(InvalidValueError, match=r"predictions: got shape \(2, 1, 3\); expected \(2, 1, 4\)"):
        pixel_accuracy(FOUND[..., :3], LABELS)
