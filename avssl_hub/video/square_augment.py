"""Random changes to clips whose pictures are squeezed into a square (AVID section 5.3, "crop+color")."""

from dataclasses import dataclass

import torch

from .augment import ClipAugmentation, ClipChanges
from .transforms import resize


@dataclass(frozen=True)
class SquareAugmentation(ClipAugmentation):
    """The other training transform of AVID ("crop+color"), which its linear probe uses.

    The picture is resized to ``side`` by ``side`` whatever its shape, and ``size`` by ``size`` are cut out anywhere;
    ``area`` and ``aspect`` do not count.

    Args:
        side: Side of the whole picture in pixels, at least ``size``.
        to_the_edge: Whether a crop may touch the right and the lower edge.
    """

    side: int = 256
    to_the_edge: bool = True

    def sample(self, height: int, width: int, generator: torch.Generator | None = None) -> ClipChanges:
        places = max(1, self.side - self.size + self.to_the_edge)
        top, left = torch.randint(0, places, (2,), generator=generator).tolist()
        return self.completed((top, left, self.size, self.size), generator)

    def cropped(self, frames: torch.Tensor, changes: ClipChanges) -> torch.Tensor:
        top, left, height, width = changes.crop
        frames = resize(frames, self.side, keep_aspect_ratio=False)[:, top : top + height, left : left + width]
        return frames.flip(2) if changes.mirrored else frames
