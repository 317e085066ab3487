"""Retrieval: what lies nearest, and whether a clip's picture finds its own sound among others, and the reverse."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InvalidValueError, explain

_BLOCK = 512  # queries whose similarities are in memory at once


def nearest(queries: Tensor, gallery: Tensor, count: int, euclidean: bool = False) -> Tensor:
    """Find the rows of ``gallery`` that are nearest to each query, by dot product unless by Euclidean distance.

    Computed in float32, and equal ones rank by index, the lower first, so that machines agree.

    Args:
        queries: (N, D).
        gallery: (M, D).
        count: How many to find.
        euclidean: Whether distance counts, in place of the dot product.

    Returns:
        Rows of ``gallery``, the nearest first, (N, count), or (N, M) where there are fewer.
    """
    queries, gallery = queries.float(), gallery.float()
    # What a distance has beyond the dot product and the query's own length.
    offset = gallery.square().sum(1) / 2 if euclidean else 0.0
    blocks = [
        (block @ gallery.T - offset).sort(dim=1, descending=True, stable=True).indices[:, :count]
        for block in queries.split(_BLOCK)
    ]
    return torch.cat(blocks)


def recall_at_k(queries: Tensor, gallery: Tensor, ks: Sequence[int] = (1, 5, 10)) -> dict[int, float]:
    """Measure how often row i of ``queries`` has row i of ``gallery`` among its k nearest by cosine.

    Equal similarities rank by index, the lower first, so the outcome is defined where rows coincide.

    Args:
        queries: Embeddings, (N, D).
        gallery: Embeddings of the same clips, (N, D).
        ks: Ranks to report.

    Returns:
        Share of queries for each k, 0 to 1.

    Raises:
        InvalidValueError: The shapes differ, there are no rows, or a row is not finite.
    """
    if queries.shape != gallery.shape or queries.ndim != 2 or not len(queries):
        got = f"shapes {tuple(queries.shape)} and {tuple(gallery.shape)}"
        raise InvalidValueError(explain("retrieval", got, "two equal shapes (N, D) with N above 0"))
    if not (queries.isfinite().all() and gallery.isfinite().all()):
        raise InvalidValueError(
            explain("retrieval", "rows that are not finite", "finite embeddings", "Drop clips without sound.")
        )
    similarity = F.normalize(queries.double(), dim=1) @ F.normalize(gallery.double(), dim=1).T
    own = similarity.diagonal()[:, None]
    index = torch.arange(len(queries), device=queries.device)
    ahead = (similarity > own) | ((similarity == own) & (index < index[:, None]))
    rank = ahead.sum(1)
    return {k: (rank < k).double().mean().item() for k in ks}


def cross_modal_recall(
    video: Tensor, audio: Tensor, gallery_size: int = 100, ks: Sequence[int] = (1, 5, 10)
) -> dict[str, dict[int, float]]:
    """Average recall over disjoint galleries of consecutive clips, in both directions.

    Args:
        video: Video embeddings, (N, D); N is a multiple of ``gallery_size``.
        audio: Audio embeddings of the same clips, (N, D).
        gallery_size: Clips among which each query searches.
        ks: Ranks to report.

    Returns:
        ``video_to_audio`` and ``audio_to_video``, each the share of queries for each k.

    Raises:
        InvalidValueError: The clips do not fill whole galleries, or :func:`recall_at_k` refuses them.
    """
    if len(video) % gallery_size:
        got, rule = f"{len(video)} clips", f"a multiple of gallery_size={gallery_size}"
        raise InvalidValueError(explain("retrieval", got, rule))
    pairs = {"video_to_audio": (video, audio), "audio_to_video": (audio, video)}
    result = {}
    for name, (queries, gallery) in pairs.items():
        per_gallery = [recall_at_k(*rows, ks) for rows in zip(queries.split(gallery_size), gallery.split(gallery_size))]
        result[name] = {k: sum(recalls[k] for recalls in per_gallery) / len(per_gallery) for k in ks}
    return result
