"""Chunks of prepared recordings as worker processes read them, and what went wrong."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...data.manifest import Manifest
from ...data.spatial import ChunkRules, SpatialChunk, SpatialFolder, SpatialFolderError
from ...errors import explain
from ...media import MediaError
from ..clip_dataset import MOST_REPLACEMENTS
from .recipe import SpatializationRecipe
from .turns import draw_turns
from .visits import Visit, visits_of_step


class ReadChunks(NamedTuple):
    """Chunks of a step.

    Attributes:
        ambisonics: ``(B, 4, samples)``.
        frames: ``(B, 3, H, W)`` uint8.
        flow: ``(B, 3, H, W)``; of no channel where none is taken.
        items: The recordings that were read, B of them; fewer if no usable one was found.
        broken: Recordings that could not be used, and why.
    """

    ambisonics: Tensor
    frames: Tensor
    flow: Tensor
    items: list[int]
    broken: list[tuple[int, str]]


class ChunkDataset(Dataset):
    """Chunks by number of the step.

    A recording that cannot be used, or has no chunk that is loud enough, is replaced by the next one.

    Args:
        recipe: The training run.
        manifest: The recordings.
        share: Places of a step that are this process's.
    """

    def __init__(self, recipe: SpatializationRecipe, manifest: Manifest, share: slice):
        config = recipe.build_config()
        self.recipe, self.manifest, self.share = recipe, manifest, share
        self.size = tuple(config.image_size)
        self.with_flow = "flow" in config.encoders
        self.rules = ChunkRules(
            config.sampling_rate,
            context=config.context_samples / config.sampling_rate,
            duration=config.chunk_samples / config.sampling_rate,
            released_starts=recipe.data.released_starts,
        )
        self._opened: dict[int, tuple[SpatialFolder, list[float]]] = {}

    @property
    def num_items(self) -> int:
        """How many recordings there are."""
        return len(self.manifest)

    def visits(self, step: int) -> list[Visit]:
        """List all processes' chunks."""
        recipe = self.recipe
        return visits_of_step(recipe.seed, step, self.num_items, recipe.loop.batch_size, recipe.data.clips_per_item)

    def planned_items(self, step: int) -> Tensor:
        """Items of all processes' chunks, ``(batch_size,)``, before any is replaced."""
        return torch.tensor([visit.item for visit in self.visits(step)])

    def __getitem__(self, step: int) -> ReadChunks:
        visits, chunks, items, broken = self.visits(step), [], [], []
        turns = draw_turns(self.recipe.seed, step, len(visits))
        for visit, yaw in list(zip(visits, turns))[self.share]:
            found = self._read(visit, broken)
            if found is not None:
                item, chunk = found
                items.append(item)
                chunks.append(chunk.turned(yaw) if self.recipe.augment.yaw else chunk)
        if not chunks:
            return ReadChunks(torch.empty(0), torch.empty(0), torch.empty(0), items, broken)
        frames = torch.stack([chunk.frame for chunk in chunks])
        flow = torch.stack([chunk.flow for chunk in chunks]) if self.with_flow else frames[:, :0]
        return ReadChunks(torch.stack([chunk.ambisonics for chunk in chunks]), frames, flow, items, broken)

    def _read(self, visit: Visit, broken: list[tuple[int, str]]) -> tuple[int, SpatialChunk] | None:
        """Read a chunk of the visited recording or of the next usable one; note the unusable ones."""
        for other in range(min(MOST_REPLACEMENTS + 1, self.num_items)):
            item = (visit.item + other) % self.num_items
            try:
                return item, self._chunk(item, visit)
            except (MediaError, SpatialFolderError) as error:
                broken.append((item, str(error)))
        return None

    def _chunk(self, item: int, visit: Visit) -> SpatialChunk:
        if item not in self._opened:
            folder = SpatialFolder(self.manifest[item].path, self.rules)
            self._opened[item] = folder, folder.powers.training(self.recipe.data.least_power)
        folder, times = self._opened[item]
        if not times:
            rule = f"chunks above data.least_power={self.recipe.data.least_power:g}"
            raise SpatialFolderError(explain(f"chunks of {folder.path}", "none loud enough", rule))
        if self.with_flow and not folder.has_flow:
            step = "Prepare flow, or train a network without its encoder."
            raise SpatialFolderError(explain(f"flow of {folder.path}", "none", "a folder 'flow'", step))
        chunk = folder.chunk(visit.choose(times), self.with_flow)
        if chunk.frame.shape[1:] != self.size:
            got, rule = tuple(chunk.frame.shape[1:]), f"{self.size}, the network's"
            raise SpatialFolderError(explain(f"frames of {folder.path}", got, rule, "Prepare the video again."))
        return chunk
