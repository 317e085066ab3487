"""What AVSA's pretraining minimises (sections 3.1 and 3.3): views told apart, samples told apart, or both.

All embeddings are of unit length, ``(B, K, D)`` for K views of B samples. The batch is that of one process.
"""

from typing import NamedTuple

import torch
from torch.nn import functional as F


class Contrast(NamedTuple):
    """A loss to minimise, and for the log the shares of queries that meet their own target, by name."""

    loss: torch.Tensor
    accuracies: dict[str, torch.Tensor]


def contrast_views_and_samples(predictions: torch.Tensor, targets: torch.Tensor, temperature: float) -> Contrast:
    """Tell a prediction's own target from the other views of its sample and from its view of other samples.

    The paper's equation has all views of the other samples; the released code, and this, only the one of equal index.
    """
    views, others = _among_views(predictions, targets), _among_others(predictions, targets)
    return Contrast(
        _cross_entropy(torch.cat([views, others], 2), _own(views), temperature),
        {
            "correspondence": _share(_own_score(views) > others.amax(2)),
            "spatial_alignment": _share(_own_score(views) >= views.amax(2)),
        },
    )


def contrast_views(predictions: torch.Tensor, targets: torch.Tensor, temperature: float) -> Contrast:
    """Tell a prediction's own target from the other views of its sample alone."""
    views = _among_views(predictions, targets)
    accuracies = {"spatial_alignment": _share(_own_score(views) >= views.amax(2))}
    return Contrast(_cross_entropy(views, _own(views), temperature), accuracies)


def contrast_samples(queries: torch.Tensor, keys: torch.Tensor, temperature: float) -> Contrast:
    """Tell a query's own key from those of equal view index of the other samples."""
    own, others = (queries * keys).sum(2), _among_others(queries, keys)
    scores = torch.cat([own[..., None], others], 2)
    accuracies = {"correspondence": _share(own > others.amax(2))}
    return Contrast(_cross_entropy(scores, torch.zeros_like(own, dtype=torch.long), temperature), accuracies)


def _among_views(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Cosine ``(B, K, K)`` of each view's query with the keys of its sample."""
    return queries @ keys.mT


def _among_others(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Cosine ``(B, K, B)`` of each query with its view's key in the other samples; the own one is no candidate."""
    scores = torch.einsum("bkd,mkd->bkm", queries, keys)
    itself = torch.eye(len(keys), dtype=torch.bool, device=keys.device)
    return scores.masked_fill(itself[:, None], -torch.inf)


def _own(views: torch.Tensor) -> torch.Tensor:
    return torch.arange(views.shape[1], device=views.device).expand(views.shape[:2])


def _own_score(views: torch.Tensor) -> torch.Tensor:
    return views.diagonal(dim1=1, dim2=2)


def _cross_entropy(scores: torch.Tensor, own: torch.Tensor, temperature: float) -> torch.Tensor:
    return F.cross_entropy((scores / temperature).flatten(0, 1), own.flatten())


def _share(hits: torch.Tensor) -> torch.Tensor:
    return hits.float().mean()
