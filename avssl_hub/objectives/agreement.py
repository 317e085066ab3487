"""Positive sets by cross-modal agreement (AVID-CMA, arXiv 2004.12943, section 3.2): whose sight and sound are alike?

The search is exact. It goes by blocks of the similarity matrix, so its memory does not grow with the bank; and as the
matrix is symmetric, one process computes only half of it.
"""

import math
from collections.abc import Callable, Iterator
from typing import Literal, get_args

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from ..errors import InvalidValueError, explain
from ._nearest import GROUP, Nearest

Agreement = Literal["consensus", "union", "video", "audio"]

# Side of a square block of similarities, by kind of device: on a CPU two of them stay in its cache.
SIDES = {"cpu": 1024, "other": 8192}
# Rows whose nearest items are known at the same time: 33 MB of similarities at 32 items each.
PANEL = 2**18


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
    similarity = _Similarity(video_rows, audio_rows, agreement)
    for start in range(begin, end, PANEL):
        panel = range(start, min(start + PANEL, end))
        for done in _search(panel, similarity, num_items, found[start - begin :][: len(panel)]):
            if progress is not None:
                progress(done - begin, end - begin)
    if ranks == 1:
        return found
    parts = [torch.empty_like(found) for _ in range(ranks)]
    dist.all_gather(parts, found)
    return torch.cat(parts)[:num_items]


def _search(panel: range, similarity: "_Similarity", num_items: int, found: Tensor) -> Iterator[int]:
    """Fill ``found`` (rows of the panel, k) with their items, ascending; yield, block by block, where it is done.

    The similarities of two blocks of the panel serve both.
    """
    nearest = Nearest(found, similarity.video_rows)
    side = similarity.side
    blocks = [panel[start : start + side] for start in range(0, len(panel), side)]
    for block in blocks:
        nearest.offer(block.start - panel.start, similarity(block, block)[: len(block)], block.start)
    others = (*range(0, panel.start, side), *range(panel.stop, num_items, side))
    for index, block in enumerate(blocks):
        own = block.start - panel.start
        for later in blocks[index + 1 :]:
            values = similarity(block, later)
            nearest.offer(own, values[: len(block)], later.start)
            nearest.offer(later.start - panel.start, values.T[: len(later)], block.start)
        for start in others:
            stop = min(start + side, panel.start if start < panel.start else num_items)
            nearest.offer(own, similarity(block, range(start, stop))[: len(block)], start)
        mine = found[own : own + len(block)]
        mine.copy_(mine.sort(dim=1).values)
        yield block.stop


class _Similarity:
    """Blocks of the similarity that decides, in memory that is used again for each."""

    def __init__(self, video_rows: Tensor, audio_rows: Tensor, agreement: Agreement):
        self.video_rows = video_rows
        self.banks = {"video": [video_rows], "audio": [audio_rows]}.get(agreement, [video_rows, audio_rows])
        self.combine = torch.minimum if agreement == "consensus" else torch.maximum
        self.side = min(SIDES.get(video_rows.device.type, SIDES["other"]), len(video_rows))
        self.space = [video_rows.new_empty(self.side**2) for _ in self.banks]

    def __call__(self, own: range, others: range) -> Tensor:
        """Similarity of two ranges of items, minus infinity between an item and itself.

        Both axes are filled up with minus infinity to whole groups. Valid until the next call.
        """
        shape = len(own), len(others)
        blocks = [
            torch.mm(
                rows[own.start : own.stop],
                rows[others.start : others.stop].T,
                out=space[: math.prod(shape)].view(shape),
            )
            for rows, space in zip(self.banks, self.space)
        ]
        similarity = blocks[0] if len(blocks) == 1 else self.combine(*blocks, out=blocks[0])
        if own == others:
            similarity.fill_diagonal_(-torch.inf)
        missing = [-length % GROUP for length in shape]
        return F.pad(similarity, (0, missing[1], 0, missing[0]), value=-torch.inf) if any(missing) else similarity
