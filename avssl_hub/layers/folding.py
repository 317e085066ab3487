"""Batch normalisation put into the convolution before it, for inference."""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

_LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


def folded(conv: nn.Module, norm: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of the convolution that does what ``conv`` and, in evaluation, ``norm`` after it do."""
    transposed = isinstance(conv, nn.modules.conv._ConvTransposeNd)
    statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    weight, bias = fuse_conv_bn_weights(conv.weight, conv.bias, *statistics, transpose=transposed)
    return weight.detach(), bias.detach()


def scale_of(norm: nn.Module) -> torch.Tensor:
    """Factor ``(C,)`` that a normalisation has in evaluation."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    return (scale if norm.weight is None else scale * norm.weight).detach()


def channels_last(weight: torch.Tensor) -> torch.Tensor:
    """Lay a convolution's weight out for kernels that expect channels last; a one-dimensional one stays as it is."""
    return weight.contiguous(memory_format=_LAYOUTS.get(weight.ndim, torch.contiguous_format))


def fold_into(conv: nn.Module, norm: nn.Module) -> nn.Module:
    """Give ``conv``, in place, the normalisation that follows it, and a weight in channels-last layout.

    The weight is overwritten where it lies: weights that map a file stay in memory, all of them, until the last is
    released, and new ones beside them would take as much again.
    """
    weight, bias = folded(conv, norm)
    weight = channels_last(weight)
    place = conv.weight.detach().as_strided(weight.shape, weight.stride())
    conv.weight = nn.Parameter(place.copy_(weight), requires_grad=False)
    conv.bias = nn.Parameter(bias, requires_grad=False)
    return conv
