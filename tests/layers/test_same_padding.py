"""TensorFlow's SAME padding: sizes worked out by hand, and the transposed convolution as the adjoint."""

import pytest
import torch
from torch.nn import functional as F

from avssl_hub.layers.same_padding import (
    SameConv1d,
    SameConv2d,
    SameConv3d,
    SameConvTranspose2d,
    same_max_pool,
    same_padding,
    same_pieces,
)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        # (ceil(87588 / 4) - 1) * 4 + 65 - 87588 = 61, of which the odd one goes behind.
        (87588, 65, 4, (30, 31)),
        (125, 5, 2, (2, 2)),
        (224, 7, 2, (2, 3)),
        (63, 3, 2, (1, 1)),
        (128, 4, 1, (1, 2)),
        (7, 1, 4, (0, 0)),
    ],
)
def test_padding_depends_on_the_size(size, kernel, stride, expected):
    assert same_padding(size, kernel, stride) == expected


def test_convolutions_pad_unevenly_where_they_must():
    torch.manual_seed(0)
    # 6 -> 3 with 5 at stride 2 lacks three elements, 7 -> 4 with 3 at stride 2 two, 5 -> 5 with 4 three.
    layer, inputs = SameConv3d(2, 3, (5, 3, 4), (2, 2, 1)), torch.randn(2, 2, 6, 7, 5)
    expected = F.conv3d(F.pad(inputs, (1, 2, 1, 1, 1, 2)), layer.weight, layer.bias, (2, 2, 1))
    torch.testing.assert_close(layer(inputs), expected)
    line, samples = SameConv1d(2, 3, 4, 4), torch.randn(1, 2, 9)
    expected = F.conv1d(F.pad(samples, (1, 2)), line.weight, line.bias, 4)
    torch.testing.assert_close(line(samples), expected)


@pytest.mark.parametrize("size", [(6, 7), (9, 4)])
def test_maximum_is_never_of_what_pads(size):
    inputs = -torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    before, behind = zip(*(same_padding(length, 3, 2) for length in size))
    padded = F.pad(inputs, (before[1], behind[1], before[0], behind[0]), value=-torch.inf)
    assert torch.equal(same_max_pool(inputs, 3, 2), padded.unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2)))


@pytest.mark.parametrize("stride", [(1, 2), (2, 2)])
def test_transposed_convolution_is_the_adjoint(stride):
    torch.manual_seed(0)
    forward = SameConv2d(2, 3, 4, stride, bias=False).double()
    backward = SameConvTranspose2d(3, 2, 4, stride, bias=False).double()
    backward.load_state_dict(forward.state_dict())
    one = torch.randn(2, 2, 6, 8, dtype=torch.float64)
    other = torch.randn_like(forward(one))
    assert backward(other).shape == one.shape
    torch.testing.assert_close((forward(one) * other).sum(), (one * backward(other)).sum())


@pytest.mark.parametrize("length", [1, 2, 9, 16, 17])
@pytest.mark.parametrize(("kernel", "stride"), [(5, 2), (3, 1), (1, 2)])
def test_pieces_give_the_whole_convolution(length, kernel, stride):
    torch.manual_seed(0)
    layer, inputs = SameConv2d(2, 3, (kernel, 3), (stride, 2)), torch.randn(2, 2, length, 7)
    pieces = list(same_pieces(inputs, layer.kernel_size, layer.stride, 4))
    outputs = [F.conv2d(piece, layer.weight, layer.bias, layer.stride) for piece in pieces]
    assert all(output.shape[2] == 4 for output in outputs[:-1])
    torch.testing.assert_close(torch.cat(outputs, 2), layer(inputs))
