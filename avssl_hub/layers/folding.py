"""Batch normalisation put into the convolution before it, for inference."""

import torch
from torch import nn

_LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


def scale_of(norm: nn.Module) -> torch.Tensor:
    """Factor ``(C,)`` that a normalisation has in evaluation."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    return (scale if norm.weight is None else scale * norm.weight).detach()


def folded(conv: nn.Module, norm: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of the convolution that does what ``conv`` and, in evaluation, ``norm`` after it do."""
    return conv.weight.detach() * _scale_of_weight(conv, norm), _bias(conv, norm)


def _scale_of_weight(conv: nn.Module, norm: nn.Module) -> torch.Tensor:
    outputs = 1 if isinstance(conv, nn.modules.conv._ConvTransposeNd) else 0
    return scale_of(norm).view([-1 if axis == outputs else 1 for axis in range(conv.weight.ndim)])


def _bias(conv: nn.Module, norm: nn.Module) -> torch.Tensor:
    passed = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
    return torch.add(passed * scale_of(norm), 0 if norm.bias is None else norm.bias).detach()


def channels_last(weight: torch.Tensor) -> torch.Tensor:
    """Lay a convolution's weight out for kernels that expect channels last; a one-dimensional one stays as it is."""
    return weight.contiguous(memory_format=_LAYOUTS.get(weight.ndim, torch.contiguous_format))


def fold_into(conv: nn.Module, norm: nn.Module) -> nn.Module:
    """Give ``conv``, in place, the normalisation that follows it, and a weight in channels-last layout.

    The weight is overwritten where it lies: weights that map a file stay in memory, all of them, until the last is
    released, and new ones beside them would take as much again.
    """
    weight, bias = conv.weight.detach(), _bias(conv, norm)
    laid = channels_last(weight.mul_(_scale_of_weight(conv, norm)))
    place = weight.as_strided(laid.shape, laid.stride())
    conv.weight = nn.Parameter(place.copy_(laid), requires_grad=False)
    conv.bias = nn.Parameter(bias, requires_grad=False)
    return conv
