"""Linear interpolation with early TensorFlow's coordinates, by hand."""

import torch

from avssl_hub.video.legacy_resize import resize_linear


def test_elements_are_read_at_multiples_of_the_ratio():
    row = torch.tensor([0.0, 10, 20, 40])
    assert resize_linear(row, 8).tolist() == [0, 5, 10, 15, 20, 30, 40, 40]
    # At 0 and 4 / 3 and 8 / 3.
    torch.testing.assert_close(resize_linear(row, 3), torch.tensor([0, 10 + 10 / 3, 20 + 40 / 3]))
    assert resize_linear(row, 4) is row


def test_other_axes_are_left_alone():
    table = torch.tensor([[0.0, 1], [2, 3]])
    assert resize_linear(table, 4, dim=0).tolist() == [[0, 1], [1, 2], [2, 3], [2, 3]]
