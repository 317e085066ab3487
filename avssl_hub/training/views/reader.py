"""Random clips of 360-degree films as worker processes read them, and which films a step visits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...data.manifest import Manifest, ManifestItem
from ...models.avsa import AvsaProcessor
from ..clip360_reader import Clip360Reader
from ..clip_dataset import ClipDataset
from ..order import items_of_step, mixed_seed
from .augmentation import ViewAugmentation
from .recipe import ViewRecipe


class RandomClip360Reader:
    """Reads random clips, their picture within their sound.

    Args:
        processor: Length and rates of a clip.
        frame_height: Pixels to resize frames to, the width being twice that; as in the file if 0.
    """

    def __init__(self, processor: AvsaProcessor, frame_height: int = 0):
        size = (frame_height, 2 * frame_height) if frame_height else None
        self.reader = Clip360Reader(processor.fps, processor.sampling_rate, size)
        self.durations = processor.video_duration, processor.audio_duration

    def read(self, item: ManifestItem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Read a clip.

        Returns:
            Frames, uint8 ``(T, H, W, 3)``, fewer than a clip has where the picture ends; sound ``(4, n)``.

        Raises:
            MediaError: The film cannot be read there, lacks picture or sound, or has less than four channels.
            NoWindowError: It is too short.
        """
        frames, samples = self.reader.read_random(item, *self.durations, generator)
        return frames.permute(0, 2, 3, 1), samples


class ViewDataset(ClipDataset):
    """Clips by number of the step.

    Args:
        recipe: The training run.
        manifest: The films.
        reader: Reads a random clip.
        augmentation: Draws what is to happen to a clip.
        share: Places of a step that are this process's.
        groups: Rows of the manifest that take turns together, each group as often as the others.
    """

    def __init__(
        self,
        recipe: ViewRecipe,
        manifest: Manifest,
        reader: RandomClip360Reader,
        augmentation: ViewAugmentation,
        share: slice,
        groups: Sequence[Tensor],
    ):
        super().__init__(recipe, manifest, reader, augmentation, share)
        self.groups = groups

    def planned_items(self, step: int) -> Tensor:
        """Items of all processes' clips, ``(batch_size,)``, before any is replaced."""
        if not self.groups:
            return super().planned_items(step)
        recipe, number = self.recipe, len(self.groups)
        # As many visits of each as there are rows of it on average.
        clips = recipe.data.clips_per_item * -(-self.num_items // number)
        visits = items_of_step(recipe.seed, step, number, recipe.loop.batch_size, clips)
        generator = torch.Generator().manual_seed(mixed_seed(recipe.seed, 1, step))
        draws = torch.rand(len(visits), generator=generator, dtype=torch.float64).tolist()
        chosen = [self.groups[visit] for visit in visits.tolist()]
        return torch.stack([rows[int(draw * len(rows))] for rows, draw in zip(chosen, draws)])
