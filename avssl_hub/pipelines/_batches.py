"""Inputs of one modality, brought through a network batch by batch."""

from collections.abc import Callable

import torch


class Batches:
    """Collects one modality's inputs and embeds them batch by batch; remembers which row each belongs to."""

    def __init__(self, embed: Callable[[dict[str, torch.Tensor]], torch.Tensor], size: int):
        self._embed, self._size = embed, size
        self._rows: list[int] = []
        self._waiting: list[dict[str, torch.Tensor]] = []
        self._done: list[torch.Tensor] = []

    def add(self, row: int, inputs: dict[str, torch.Tensor]) -> None:
        self._rows.append(row)
        self._waiting.append(inputs)
        if len(self._waiting) == self._size:
            self._run()

    def _run(self) -> None:
        names = self._waiting[0].keys()
        self._done.append(self._embed({name: torch.cat([item[name] for item in self._waiting]) for name in names}))
        self._waiting = []

    def finish(self) -> torch.Tensor:
        """Return the embeddings of all that was added, ``(number added, ...)``."""
        if self._waiting:
            self._run()
        return torch.cat(self._done) if self._done else torch.empty(0)

    def scatter(self, embeds: torch.Tensor, count: int, shape: torch.Size) -> torch.Tensor:
        """Lay embeddings, each of ``shape``, into ``(count, *shape)`` at their rows, NaN elsewhere."""
        table = torch.full((count, *shape), torch.nan)
        if self._rows:
            table[self._rows] = embeds
        return table
