"""Positive sets by cross-modal agreement (AVID-CMA, arXiv 2004.12943, section 3.2): whose sight and sound are alike?

The search is exact. It goes by blocks of queries and of keys, so its memory does not grow with the bank.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch
import torch.distributed as dist
from torch import Tensor

from ..errors import InvalidValueError, explain

Agreement = Literal["consensus", "union", "video", "audio"]

# Similarities of a block of queries with a block of keys stay in a core's cache, and are still large products.
QUERIES, KEYS = 256, 8192
# Columns that compete as one in the first round of the selection.
GROUP = 16


@torch.no_grad()
def find_positive_sets(
    video_rows: Tensor,
    audio_rows: Tensor,
    count: int = 32,
    agreement: Agreement = "consensus",
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Find for each item the ``count`` others that agree with it most.

    With S_v and S_a the cosines in the two banks, ``consensus`` ranks by min(S_v, S_a), ``union`` by max(S_v, S_a),
    ``video`` by S_v and ``audio`` by S_a. Ranks of a distributed run share the queries out and all get the whole.

    Args:
        video_rows: Unit rows of the video bank, (N, D).
        audio_rows: Unit rows of the audio bank, (N, D), on the same device.
        count: Positives an item, k.
        agreement: Which similarity ranks.
        progress: Called with this rank's queries done and in all, after each block.

    Returns:
        Item indices ``(N, k)``, int32, ascending in each row. The item itself is never among them.

    Raises:
        InvalidValueError: Unknown agreement, or fewer than k other items.
    """
    num_items = len(video_rows)
    if agreement not in get_args(Agreement):
        rule = f"one of {', '.join(get_args(Agreement))}"
        raise InvalidValueError(explain("agreement", repr(agreement), rule))
    if not 1 <= count < num_items:
        rule = f"1 to {num_items - 1}, the other items of the bank"
        raise InvalidValueError(explain("number of positives", count, rule))
    ranks, rank = 1, 0
    if dist.is_available() and dist.is_initialized():
        ranks, rank = dist.get_world_size(), dist.get_rank()
    share = -(-num_items // ranks)
    begin, end = min(rank * share, num_items), min((rank + 1) * share, num_items)
    found = torch.zeros(share, count, dtype=torch.int32, device=video_rows.device)
    for start in range(begin, end, QUERIES):
        own = torch.arange(start, min(start + QUERIES, end), device=video_rows.device)
        best = _most_alike(own, video_rows, audio_rows, count, agreement)
        found[start - begin :][: len(own)] = best.sort(dim=1).values
        if progress is not None:
            progress(start - begin + len(own), end - begin)
    if ranks == 1:
        return found
    parts = [torch.empty_like(found) for _ in range(ranks)]
    dist.all_gather(parts, found)
    return torch.cat(parts)[:num_items]


def _most_alike(own: Tensor, video_rows: Tensor, audio_rows: Tensor, count: int, agreement: Agreement) -> Tensor:
    """Merge the best of each block of keys into the best so far: item indices (Q, k) of the queries ``own`` (Q,)."""
    values = video_rows.new_full((len(own), 0), 0)
    items = own.new_empty((len(own), 0))
    for start in range(0, len(video_rows), KEYS):
        keys = slice(start, min(start + KEYS, len(video_rows)))
        similarity = _similarity(own, keys, video_rows, audio_rows, agreement)
        columns = _candidates(similarity, count)
        values = torch.cat([values, similarity.gather(1, columns)], 1)
        items = torch.cat([items, columns + start], 1)
        values, kept = values.topk(min(count, values.shape[1]), dim=1, sorted=False)
        items = items.gather(1, kept)
    return items


def _similarity(own: Tensor, keys: slice, video_rows: Tensor, audio_rows: Tensor, agreement: Agreement) -> Tensor:
    """Rank-deciding similarity (Q, keys), minus infinity between an item and itself."""
    if agreement in ("video", "audio"):
        rows = video_rows if agreement == "video" else audio_rows
        similarity = rows[own] @ rows[keys].T
    else:
        similarity, other = (rows[own] @ rows[keys].T for rows in (video_rows, audio_rows))
        combine = torch.minimum if agreement == "consensus" else torch.maximum
        combine(similarity, other, out=similarity)
    among_keys = ((own >= keys.start) & (own < keys.stop)).nonzero().squeeze(1)
    similarity[among_keys, own[among_keys] - keys.start] = -torch.inf
    return similarity


def _candidates(similarity: Tensor, count: int) -> Tensor:
    """Columns (Q, C) among which the ``count`` largest of each row are, found in one quick pass.

    Columns compete in groups first: those of the ``count`` groups with the largest maxima hold the largest values.
    """
    queries, width = similarity.shape
    groups = width // GROUP
    if groups <= count:
        return torch.arange(width, device=similarity.device).expand(queries, width)
    # Members of a group lie ``groups`` apart, so that the maxima are taken over whole vectors.
    whole = similarity[:, : groups * GROUP].unflatten(1, (GROUP, groups))
    best = whole.amax(1).topk(count, dim=1, sorted=False).indices
    members = groups * torch.arange(GROUP, device=similarity.device)
    columns = (best[:, None, :] + members[None, :, None]).flatten(1)
    rest = torch.arange(groups * GROUP, width, device=similarity.device).expand(queries, -1)
    return torch.cat([columns, rest], 1)
