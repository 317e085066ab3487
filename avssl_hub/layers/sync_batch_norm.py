"""Batch normalisation over the batches of all processes, on any device.

``torch.nn.SyncBatchNorm`` does the same on GPUs alone; this form also runs on CPUs, where several processes can be
checked against one.
"""

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as dist_fn
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SyncBatchNorm(_BatchNorm):
    """Normalise ``(B, C, ...)`` by mean and variance over all processes; the running statistics follow them.

    All processes must pass as many values a channel. In evaluation mode, or outside a distributed run, this is plain
    batch normalisation.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not (self.training and dist.is_available() and dist.is_initialized()):
            return super().forward(input)
        self.num_batches_tracked += 1
        axes = [axis for axis in range(input.ndim) if axis != 1]
        count = input.numel() // input.shape[1] * dist.get_world_size()
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        # Two passes: the mean of squares minus the square of the mean would lose half of the digits.
        mean = dist_fn.all_reduce(values.sum(axes)) / count
        centred = values - mean.view(_along_channels(input))
        variance = dist_fn.all_reduce(centred.square().sum(axes)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        scale = (self.weight * torch.rsqrt(variance + self.eps)).view(_along_channels(input))
        return (centred * scale + self.bias.view(_along_channels(input))).to(input.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        pass


def _along_channels(input: Tensor) -> list[int]:
    return [-1 if axis == 1 else 1 for axis in range(input.ndim)]


def synchronize_batch_norm(model: nn.Module) -> None:
    """Replace every batch normalisation in ``model``, in place, by one over all processes."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm) and not isinstance(child, SyncBatchNorm):
                made = SyncBatchNorm(child.num_features, child.eps, child.momentum)
                made.load_state_dict(child.state_dict())
                setattr(parent, name, made)
