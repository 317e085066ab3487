"""How the networks' weights lie in memory while they are trained."""

import torch
from torch import nn


def lay_out(model: nn.Module, device: torch.device) -> None:
    """Lay the convolutions' weights out channels last, in place, where that makes training faster.

    The feature maps follow the weights. A full-size step on a CPU takes about three quarters of the time. On one
    thread it would take longer, for torch then leaves the convolutions over time to a routine that knows no such
    layout; on GPUs cuDNN chooses for itself. Values, names and files of the weights stay the same.

    Args:
        model: On its device, before it is wrapped for training.
        device: Where it is trained.
    """
    if device.type != "cpu" or torch.get_num_threads() == 1:
        return
    for module in model.modules():
        if isinstance(module, nn.Conv3d):
            module.to(memory_format=torch.channels_last_3d)
        elif isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
