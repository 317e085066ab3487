"""How fast the objectives are: one AVID step against full memory banks, and the search for positive sets.

The plain ways are written as the original training is described: an alias table for the negatives, all their rows
gathered (by ``index_select``, twice as quick as indexing), ratios of exponentials; and a search of sixteen queries at
a time against the whole bank, without the original's queues between processes.
"""

import sys

import torch
from torch import Tensor
from torch.nn import functional as F

from avssl_hub.objectives import AvidObjective, find_positive_sets

from ._measure import Laps, bar, by_turns, torch_threads

# Videos of Kinetics-400 and of the smaller bank that a whole search is timed on.
STEP_ITEMS, SEARCH_ITEMS = 232_067, 20_000
TEMPERATURE, MOMENTUM = 0.07, 0.5


class PlainAvid:
    """One step of AVID, written directly."""

    def __init__(self, rows: dict[str, Tensor], num_negatives: int):
        self.rows, self.num_negatives = rows, num_negatives
        # The alias table of a uniform law: every cell keeps its own item.
        self.probability = torch.ones(len(rows["video"]) - 1)
        self.alias = torch.zeros(len(rows["video"]) - 1, dtype=torch.long)
        self.partition = None

    def draw(self, indices: Tensor) -> Tensor:
        cells = torch.randint(len(self.alias), (len(indices) * self.num_negatives,))
        keep = torch.bernoulli(self.probability[cells])
        draws = (cells * keep.long() + self.alias[cells] * (1 - keep).long()).view(len(indices), -1)
        return draws + (draws >= indices[:, None]).long()

    def __call__(self, video: Tensor, audio: Tensor, indices: Tensor, negatives: Tensor | None = None) -> Tensor:
        queries = {"video": F.normalize(video, dim=1), "audio": F.normalize(audio, dim=1)}
        negatives = self.draw(indices) if negatives is None else negatives
        losses = []
        for query, bank in (("video", "audio"), ("audio", "video")):
            own = self.rows[bank].index_select(0, indices)
            others = self.rows[bank].index_select(0, negatives.flatten()).view(*negatives.shape, -1)
            positive = torch.exp(torch.einsum("bd,bd->b", queries[query], own) / TEMPERATURE)[:, None]
            negative = torch.exp(torch.einsum("bd,bkd->bk", queries[query], others) / TEMPERATURE)
            if self.partition is None:
                self.partition = negative.mean().detach()
            constant = self.num_negatives * self.partition
            probabilities = torch.cat([positive / (positive + constant), constant / (negative + constant)], 1)
            losses.append(-probabilities.log().sum(1).mean())
        with torch.no_grad():
            for name, rows in self.rows.items():
                mixed = MOMENTUM * rows.index_select(0, indices) + (1 - MOMENTUM) * queries[name]
                rows.index_copy_(0, indices, F.normalize(mixed, dim=1))
        return (losses[0] + losses[1]) / 2


def plain_search(video: Tensor, audio: Tensor, count: int, group: int = 16) -> Tensor:
    """Consensus positives, sixteen queries at a time against all rows; the nearest is taken for the query itself."""
    found = []
    for start in range(0, len(video), group):
        queries = slice(start, start + group)
        similarity = torch.minimum(video[queries] @ video.T, audio[queries] @ audio.T)
        found.append(similarity.topk(count + 1, dim=1).indices[:, 1:].sort(dim=1).values)
    return torch.cat(found)


@torch_threads(2)
def run(
    rounds: int,
    batch: int = 64,
    negatives: int = 1024,
    dim: int = 128,
    positives: int = 32,
    step_items: int = STEP_ITEMS,
    search_items: int = SEARCH_ITEMS,
) -> dict:
    """Measure both against their plain way on two threads.

    Args:
        rounds: How often each runs; a step runs eight times as often.
        batch: Clips of a step.
        negatives: Negatives of each clip.
        dim: Size of the embeddings.
        positives: Size of a positive set.
        step_items: Rows of the banks of a step.
        search_items: Rows of the banks searched.

    Returns:
        The section of the report.
    """
    laps = Laps()
    ours = AvidObjective(step_items, dim, num_negatives=negatives)
    plain = PlainAvid({"video": ours.video_bank.rows.clone(), "audio": ours.audio_bank.rows.clone()}, negatives)
    video, audio = (torch.randn(batch, dim, requires_grad=True) for _ in range(2))
    indices = torch.randperm(step_items)[:batch]

    print("AVID step", file=sys.stderr, flush=True)
    same = ours.draw_negatives(indices)
    losses = [ours(video, audio, indices, same).loss.item(), plain(video, audio, indices, same).item()]
    step = {
        "AVID step, plain": lambda: plain(video, audio, indices).backward(),
        "AVID step, library": lambda: ours(video, audio, indices).loss.backward(),
    }
    by_turns(step, 8 * rounds, laps)

    print("search for positives", file=sys.stderr, flush=True)
    rows = [F.normalize(torch.randn(search_items, dim), dim=1) for _ in range(2)]
    found = {}

    def search(name: str, method) -> None:
        found[name] = method(*rows, positives)

    searches = {"search, plain": plain_search, "search, library": find_positive_sets}
    by_turns({name: lambda pair=pair: search(*pair) for name, pair in zip(searches, searches.items())}, rounds, laps)
    differing = (found["search, plain"] != found["search, library"]).any(1).sum().item()

    figures = []
    for name, limit in (("AVID step", 2.0), ("search", 2.7)):
        wall, cpu = laps.ratio(f"{name}, plain", f"{name}, library")
        figures.append(bar(f"{name}: library over plain", wall, limit, cpu=cpu))
    difference = abs(losses[0] / losses[1] - 1)
    figures.append(bar("AVID step: relative difference of the loss", difference, 1e-5, at_least=False, unit=""))
    figures.append(bar("search: items whose sets differ", differing, 0, at_least=False, unit=""))
    return {
        "title": "Objectives, two threads",
        "setting": {
            "batch": batch,
            "negatives": negatives,
            "rows of a step's banks": step_items,
            "rows searched": search_items,
            "positives": positives,
        },
        "rows": [laps.row(name, "step" if "step" in name else "search") for name in laps.wall],
        "figures": figures,
    }
