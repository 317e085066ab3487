"""From one modality's features of a sample's views to the other's: a small transformer (section 3.2)."""

import torch
from torch import nn
from torch.nn import functional as F

from .configuration_avsa import AvsaConfig


class AvsaAttention(nn.Module):
    """Attention with a single head over the views ``(..., K, D)`` of each sample."""

    def __init__(self, config: AvsaConfig):
        super().__init__()
        size = config.hidden_size
        self.query, self.key, self.value, self.output = (nn.Linear(size, size) for _ in range(4))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        attended = F.scaled_dot_product_attention(self.query(hidden), self.key(hidden), self.value(hidden))
        return self.output(attended)


class AvsaFeedForward(nn.Module):
    def __init__(self, config: AvsaConfig):
        super().__init__()
        self.inner = nn.Linear(config.hidden_size, config.translation_intermediate_size)
        self.outer = nn.Linear(config.translation_intermediate_size, config.hidden_size)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.outer(F.relu(self.inner(hidden)))


class AvsaTranslationLayer(nn.Module):
    """Normalised after each addition, and rectified at the end, as the features it imitates are."""

    def __init__(self, config: AvsaConfig):
        super().__init__()
        self.has_context = config.translation_context
        self.mixing = AvsaAttention(config) if self.has_context else AvsaFeedForward(config)
        self.mixing_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.feed_forward = AvsaFeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.translation_dropout)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = self.mixing_norm(hidden + self.dropout(self.mixing(hidden)))
        if not self.has_context:
            hidden = F.relu(hidden)
        return F.relu(self.feed_forward_norm(hidden + self.dropout(self.feed_forward(hidden))))


class AvsaTranslation(nn.Module):
    """Features ``(B, K, D)`` of K views, without an order among them, to those of the other modality."""

    def __init__(self, config: AvsaConfig):
        super().__init__()
        self.layers = nn.ModuleList(AvsaTranslationLayer(config) for _ in range(config.translation_depth))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            hidden = layer(hidden)
        return hidden
