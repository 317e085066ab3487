"""Where the chunks of a run come from: AVWorld in 360 degrees, or prepared recordings."""

import hashlib
import json
from collections.abc import Iterator
from itertools import count

import torch

from ...audio.ambisonics import rotate
from ...data.avworld360 import AVWorld360
from ...data.manifest import Manifest
from ...data.spatial import channel_layouts, layout_mask
from ...video.equirectangular import roll
from ..broken import BrokenItems
from ..item_lists import WorldItems
from ..items import BatchedItems
from ..order import items_of_step, mixed_seed
from ..read_ahead import read_ahead
from .batch import ChunkBatch
from .folders import ChunkDataset
from .recipe import SpatializationRecipe
from .turns import draw_turns

ChunkSource = BatchedItems[ChunkBatch]


class WorldChunks(WorldItems):
    """Scenes of the train split of AVWorld in 360 degrees, a chunk of each at any time."""

    def __init__(self, recipe: SpatializationRecipe):
        super().__init__(recipe.data)
        self.recipe = recipe

    def batches(self, step: int, broken: BrokenItems, device: torch.device, share: slice) -> Iterator[ChunkBatch]:
        for number in count(step):
            yield self._batch(number, device, share)

    def _batch(self, step: int, device: torch.device, share: slice) -> ChunkBatch:
        recipe, config, data = self.recipe, self.recipe.build_config(), self.recipe.data
        items = items_of_step(recipe.seed, step, self.num_items, recipe.loop.batch_size, data.clips_per_item)
        generator = torch.Generator().manual_seed(mixed_seed(recipe.seed, 1, step))
        # Drawn for the whole batch, which so does not depend on the number of processes.
        draws = torch.rand(len(items), generator=generator, dtype=torch.float64)[share]
        length = config.window_samples / config.sampling_rate
        starts = (data.world.duration - length) * draws
        chunks = starts + config.chunk_start / config.sampling_rate
        clips = AVWorld360(data.world).render(
            "train", items[share].tolist(), starts, length, chunks[:, None], device=device
        )
        pixels = clips.frames.float() / 255 - 0.5
        recorded = torch.ones(len(starts), 3, dtype=torch.bool, device=device)
        batch = ChunkBatch(clips.ambisonics, pixels, pixels[:, :0], recorded, items[share].to(device))
        if not recipe.augment.yaw:
            return batch
        yaw = torch.tensor(draw_turns(recipe.seed, step, len(items))[share], device=device)
        return batch._replace(
            ambisonics=rotate(batch.ambisonics, yaw),
            pixels=roll(batch.pixels, yaw[:, None], whole_pixels=True),
        )


class FolderChunks:
    """Prepared recordings that a manifest lists, a few chunks of each at a time.

    Raises:
        AvsslError: The manifest cannot be read, or names a layout that there is not.
    """

    def __init__(self, recipe: SpatializationRecipe):
        self.recipe, data = recipe, recipe.data
        manifest = Manifest.read(data.manifest)
        self.manifest = manifest.where(split=data.split) if data.split else manifest
        self.num_items = len(self.manifest)
        layouts = channel_layouts(self.manifest)
        self.recorded = torch.stack([layout_mask(layout)[1:] > 0 for layout in layouts])
        listed = {"manifest": self.manifest.fingerprint(), "layouts": layouts}
        self.fingerprint = hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    def name(self, item: int) -> str:
        return self.manifest[item].name

    def batches(self, step: int, broken: BrokenItems, device: torch.device, share: slice) -> Iterator[ChunkBatch]:
        dataset = ChunkDataset(self.recipe, self.manifest, share)
        seen = "video" in self.recipe.build_config().encoders
        for _, items, chunks in read_ahead(dataset, step, broken, device):
            mine = items[share]
            frames = chunks.frames[:, None].to(device, non_blocking=True)
            yield ChunkBatch(
                chunks.ambisonics.to(device, non_blocking=True),
                frames.float() / 255 - 0.5 if seen else frames[:, :0],
                chunks.flow[:, None].to(device, non_blocking=True),
                self.recorded[mine].to(device),
                mine.to(device),
            )


def open_chunks(recipe: SpatializationRecipe) -> WorldChunks | FolderChunks:
    """Open what a recipe's ``data`` names.

    Raises:
        AvsslError: The manifest cannot be read.
    """
    return FolderChunks(recipe) if recipe.data.manifest else WorldChunks(recipe)
