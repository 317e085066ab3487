"""A folded convolution does what it and its normalisation did."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from avssl_hub.layers.folding import channels_last, fold_into, folded, scale_of


def norm_of(channels: int, affine: bool) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, affine=affine).eval().requires_grad_(False)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    if affine:
        norm.weight.uniform_(-1.5, 1.5)
        norm.bias.uniform_(-1, 1)
    return norm


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize("bias", [True, False])
def test_folding_is_the_normalisation_after(kind, bias, affine):
    torch.manual_seed(0)
    conv, norm, inputs = kind(3, 5, 3, bias=bias), norm_of(5, affine), torch.randn(2, 3, 6, 7)
    expected = norm(conv(inputs)).detach()
    before, place = conv.weight.clone(), conv.weight.data_ptr()
    folded(conv, norm)
    assert torch.equal(conv.weight, before)
    assert fold_into(conv, norm) is conv
    assert conv.weight.data_ptr() == place
    assert_close(conv(inputs), expected)
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert not any(parameter.requires_grad for parameter in conv.parameters())


def test_scale_is_what_a_difference_is_multiplied_by():
    torch.manual_seed(0)
    norm, (one, other) = norm_of(4, True), torch.randn(2, 1, 4, 1, 1)
    assert_close((norm(one) - norm(other)).flatten(), scale_of(norm) * (one - other).flatten())


@pytest.mark.parametrize(("shape", "strides"), [((2, 3, 5), (15, 5, 1)), ((2, 3, 4, 5), (60, 1, 15, 3))])
def test_layout_puts_channels_last_from_two_dimensions_on(shape, strides):
    assert channels_last(torch.zeros(shape)).stride() == strides
