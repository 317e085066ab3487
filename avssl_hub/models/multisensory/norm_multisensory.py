"""The two batch normalisations of TensorFlow 1.8: plain, and with batch renormalisation in training."""

import torch
from torch import nn
from torch.nn import functional as F


class BatchNorm(nn.Module):
    """Batch normalisation of ``(B, C, ...)`` whose scale may be left out while its offset stays.

    Args:
        channels: Number of channels.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics.
        scale: Whether there is a learned scale, ``weight``.
    """

    def __init__(self, channels: int, eps: float, momentum: float, scale: bool = True):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.register_parameter("weight", nn.Parameter(torch.ones(channels)) if scale else None)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        statistics = self.running_mean, self.running_var
        return F.batch_norm(hidden, *statistics, self.weight, self.bias, self.training, self.momentum, self.eps)

    def extra_repr(self) -> str:
        return f"{len(self.bias)}, eps={self.eps}, momentum={self.momentum}, scale={self.weight is not None}"


class BatchRenorm(BatchNorm):
    """Batch normalisation that in training corrects each batch towards statistics of past ones (Ioffe, 2017).

    Unlike the paper's, the correction is not clipped, and it looks at averages of its own, with their own momentum,
    that know how far they are filled; a fresh layer is plain batch normalisation.

    Args:
        renorm_momentum: Weight of a new batch in the averages of the correction.
    """

    def __init__(self, channels: int, eps: float, momentum: float, renorm_momentum: float, scale: bool = True):
        super().__init__(channels, eps, momentum, scale)
        self.renorm_momentum = renorm_momentum
        self.register_buffer("renorm_mean", torch.zeros(channels))
        self.register_buffer("renorm_std", torch.zeros(channels))
        self.register_buffer("renorm_mean_weight", torch.zeros(()))
        self.register_buffer("renorm_std_weight", torch.zeros(()))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(hidden)
        with torch.no_grad():
            axes = [axis for axis in range(hidden.ndim) if axis != 1]
            values = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
            variance, mean = torch.var_mean(values, axes, correction=0)
            std = (variance + self.eps).sqrt()
            known_mean = self.renorm_mean + (1 - self.renorm_mean_weight) * mean
            known_std = self.renorm_std + (1 - self.renorm_std_weight) * std
            ratio, shift = std / known_std, (mean - known_mean) / known_std
            self._update(mean, std)
        # The correction, scale and offset make one affine map.
        scale, offset = (ratio, shift) if self.weight is None else (ratio * self.weight, shift * self.weight)
        return F.batch_norm(hidden, None, None, scale, offset + self.bias, training=True, eps=self.eps)

    def _update(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        for average, value in ((self.renorm_mean, mean), (self.renorm_std, std)):
            average.lerp_(value.to(average.dtype), self.renorm_momentum)
        for weight in (self.renorm_mean_weight, self.renorm_std_weight):
            weight.lerp_(torch.ones_like(weight), self.renorm_momentum)
        self.running_mean.lerp_(self.renorm_mean / self.renorm_mean_weight, self.momentum)
        variance = (self.renorm_std / self.renorm_std_weight).square() - self.eps
        self.running_var.lerp_(variance, self.momentum)
