"""Where clips are looked at and how views are changed: drawn first, and done on the device afterwards."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...audio.ambisonics import mirrored as mirrored_sound
from ...audio.ambisonics import turn
from ...audio.misalignment import draw_misalignment
from ...models.avsa import AvsaProcessor
from ...video.augment import Jitter, apply_jitters_, sample_jitter
from ...video.transforms import repeat_to_length
from ...video.views import Views
from .recipe import ViewRecipe


class ViewChanges(NamedTuple):
    """What happens to one clip of K views, as plain numbers, which travel between processes at little cost.

    Attributes:
        views: Where they lie; rows of :class:`avssl_hub.video.views.Views`.
        mirrored: Whether each one's picture is mirrored.
        jitters: The change of each one's colours.
        volumes: Factor for each one's sound.
        rotation: Matrix that turns the clip's whole sound first, or None.
        reflected: Whether the whole clip is mirrored before views are cut: picture, sound and labels.
    """

    views: list[list[float]]
    mirrored: list[bool]
    jitters: list[Jitter]
    volumes: list[float]
    rotation: list[list[float]] | None
    reflected: bool = False


class ViewAugmentation:
    """Clips to the model's inputs, each view with changes of its own.

    Args:
        recipe: The rules of views and changes.
        processor: Cuts views, turns sounds and computes log-mels.
    """

    def __init__(self, recipe: ViewRecipe, processor: AvsaProcessor):
        self.rules, self.settings, self.misalignment = recipe.views, recipe.augment, recipe.turned_away
        self.processor = processor

    def sample(self, height: int, width: int, generator: torch.Generator) -> ViewChanges:
        """Draw what happens to one clip whose frames have this height and width."""
        settings, count = self.settings, self.rules.count
        views = self.rules.sample(height, width, generator).rows.tolist()
        mirrored = (torch.rand(count, generator=generator) < settings.mirror).tolist()
        reflected = False
        if settings.mirrors_clips:
            reflected, mirrored = mirrored[0], [False] * count
        strengths = settings.brightness, settings.contrast, settings.saturation, settings.hue
        jitters = [sample_jitter(generator, *strengths) for _ in range(count)]
        volumes = 1 + settings.volume * (2 * torch.rand(count, generator=generator, dtype=torch.float64) - 1)
        rotation = None
        if self.misalignment and torch.rand((), generator=generator) < 0.5:
            rotation = draw_misalignment(self.misalignment, generator=generator).tolist()
        return ViewChanges(views, mirrored, jitters, volumes.tolist(), rotation, reflected)

    def pixels(self, clips: Sequence[Tensor], changes: Sequence[ViewChanges]) -> Tensor:
        """Cut and change the views of B clips.

        Args:
            clips: uint8 ``(T, 3, H, W)`` each, of one device.
            changes: As drawn for each.

        Returns:
            ``(B, K, num_frames, 3, size, size)``.
        """
        rows = torch.tensor([own.views for own in changes], dtype=torch.float64, device=clips[0].device)
        cut, length = self.processor.cutter.pictures, self.processor.num_frames
        clips = [repeat_to_length(_reflected(clip[:length], own), length) for clip, own in zip(clips, changes)]
        if len({clip.shape for clip in clips}) == 1:
            seen = cut(torch.stack(clips), Views(rows))
        else:
            seen = torch.stack([cut(*pair) for pair in zip(clips, map(Views, rows))])
        rgb = seen.float() / 255
        mirrored = torch.tensor([own.mirrored for own in changes], device=rgb.device)
        rgb = torch.where(mirrored[..., None, None, None, None], rgb.flip(-1), rgb)
        settings = self.settings
        if any((settings.brightness, settings.contrast, settings.saturation, settings.hue)):
            apply_jitters_(rgb.flatten(0, 1), [jitter for own in changes for jitter in own.jitters])
        return self.processor.standardized(rgb)

    def log_mels(self, ambisonics: Tensor, changes: Sequence[ViewChanges]) -> Tensor:
        """Turn and change the sounds of B clips, ``(B, 4, n)``: ``(B, K, 4, time, bands)``."""
        device = ambisonics.device
        still = torch.eye(3).tolist()
        if self.misalignment:
            turns = torch.tensor([own.rotation or still for own in changes], dtype=torch.float64, device=device)
            ambisonics = turn(ambisonics, turns)
        if self.settings.mirrors_clips:
            reflected = torch.tensor([own.reflected for own in changes], device=device)[:, None, None]
            ambisonics = torch.where(reflected, mirrored_sound(ambisonics), ambisonics)
        views = Views(torch.tensor([own.views for own in changes], dtype=torch.float64, device=device))
        volumes = ambisonics.new_tensor([own.volumes for own in changes])[..., None, None]
        sounds = self.processor.cutter.sounds(ambisonics, views) * volumes
        return self.processor.spectrograms(sounds.clamp(-1, 1))

    def labels(self, maps: Sequence[Tensor], changes: Sequence[ViewChanges]) -> Tensor:
        """Cut the views of B label maps, uint8 ``(H, W)`` each: int64 ``(B, K, size, size)``."""
        cut = self.processor.cutter.labels
        seen = [
            cut(_reflected(own, change), Views(torch.tensor(change.views, dtype=torch.float64, device=own.device)))
            for own, change in zip(maps, changes)
        ]
        return torch.stack(seen).long()


def _reflected(values: Tensor, changes: ViewChanges) -> Tensor:
    return values.flip(-1) if changes.reflected else values
