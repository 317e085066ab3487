"""How the networks' weights lie in memory while they are trained."""

import torch
from torch import nn


def channels_last(model: nn.Module) -> None:
    """Lay the convolutions' weights out channels last, in place; values, names and files stay the same.

    The feature maps follow the weights. On two CPU threads a full-size step takes three quarters of the time; narrow
    networks, and any on a single thread, take longer.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv3d):
            module.to(memory_format=torch.channels_last_3d)
        elif isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
