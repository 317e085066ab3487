"""Raw clips of one step after another, read ahead by worker processes."""

from collections.abc import Iterator
from itertools import count
from typing import Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..errors import AvsslError, explain
from .broken import BrokenItems
from .run_settings import RunSettings
from .workers import as_read, leave_signals_to_the_parent


class ReadStep(Protocol):
    """What was read of a step.

    Attributes:
        items: The items that were read; fewer than asked for if no usable one was found.
        broken: Items that could not be used, and why.
    """

    items: list[int]
    broken: list[tuple[int, str]]


Read = TypeVar("Read", bound=ReadStep)


class StepDataset(Protocol[Read]):
    """What a process reads, by number of the step.

    Attributes:
        recipe: The training run.
        num_items: How many items there are.
        share: Places of a step that are this process's.
    """

    recipe: RunSettings
    num_items: int
    share: slice

    def planned_items(self, step: int) -> Tensor:
        """Items of all processes' clips, ``(batch_size,)``, before any is replaced."""

    def __getitem__(self, step: int) -> Read: ...


class DecodingCrashedError(AvsslError):
    """A process that decodes died, as a damaged file or a lack of memory can make it."""


def read_ahead(
    dataset: StepDataset[Read], step: int, broken: BrokenItems, device: torch.device
) -> Iterator[tuple[int, Tensor, Read]]:
    """Read this process's clips of ``step`` and of all after it.

    Args:
        dataset: The clips.
        step: Steps done.
        broken: Takes note of recordings that cannot be used.
        device: Where clips will go.

    Yields:
        The step, the items of all processes' clips ``(batch_size,)``, as planned for the others and as read for this
        one, and its clips.

    Raises:
        TooManyBrokenError: Nothing usable was found for a clip.
        DecodingCrashedError: A worker died.
    """
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(step, dataset.recipe.num_steps(dataset.num_items)),
        num_workers=dataset.recipe.data.workers,
        collate_fn=as_read,
        worker_init_fn=leave_signals_to_the_parent,
        pin_memory=device.type == "cuda",
        # The loader draws a number when it begins. Were it of the common generator, a run that begins once more would
        # draw other dropout than one that was not cut.
        generator=torch.Generator(),
    )
    for number, clips in zip(count(step), _surviving(loader)):
        broken.add(clips.broken)
        items = dataset.planned_items(number)
        if len(clips.items) < len(items[dataset.share]):
            raise broken.nothing_left()
        items[dataset.share] = torch.tensor(clips.items)
        yield number, items, clips


def _surviving(loader: DataLoader) -> Iterator[Read]:
    try:
        yield from loader
    except RuntimeError as error:
        # What PyTorch raises for a worker that is gone.
        if "DataLoader worker" not in str(error):
            raise
        step = "Find a file that ends its reader with avssl data check, or take fewer data.workers; then resume."
        got = " ".join(str(error).split())
        raise DecodingCrashedError(explain("reading clips", got, "workers that live", step)) from error
