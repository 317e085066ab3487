"""Models that show where a sound comes from, and the middle of the picture, which is where many sources are."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...models.multisensory import MultisensoryForAlignment, MultisensoryProcessor
from ..scored_model import ScoredModel, gmacs_of
from ..zoo_network import zoo_network
from .clip import ClipForm

CENTRE_CELLS = 14


class Localizer(ScoredModel):
    """A model that locates sound. A subclass makes any model fit for the benchmark.

    Attributes:
        form: Of its clips.
    """

    modalities: ClassVar[tuple[str, ...]] = ("both",)
    form: ClipForm

    @abstractmethod
    def locate(self, frames: Tensor, sound: Tensor) -> Tensor:
        """Return a map ``(h, w)`` of the whole picture, higher where the sound seems to be, without gradients.

        Args:
            frames: ``(T, H, W, 3)`` uint8; a single one is a still. The map is of the middle one.
            sound: Mono, ``(samples,)`` in [-1, 1].
        """

    def describe_input(self, modality: str) -> dict[str, Any]:
        frames = torch.zeros(self.form.num_frames, 240, 320, 3, dtype=torch.uint8)
        sound = torch.zeros(self.form.num_samples)
        return {
            **self.form.described(),
            "shape": list(self.picture_shape),
            "gmacs": gmacs_of(lambda: self.locate(frames, sound)),
        }

    @property
    @abstractmethod
    def picture_shape(self) -> tuple[int, ...]:
        """Shape of the pictures that enter the network."""


class ZooLocalizer(Localizer):
    """An alignment network of this zoo by its activation map, at the middle of the clip.

    The whole picture enters, squeezed to a square as in the authors' demonstration; a still is held for the clip.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        random_weights: Draw the weights anew in place of loading them.
        **options: Those of :class:`ScoredModel`.

    Raises:
        InvalidValueError: The model is of another kind.
        AvsslError: As :func:`avssl_hub.load` raises.
    """

    def __init__(self, name: str, random_weights: bool = False, **options):
        network = zoo_network(name, random_weights, "localisation", (MultisensoryForAlignment,))
        # A crop would leave the map without the picture's borders.
        processor = MultisensoryProcessor.from_dict({**network.processor.to_dict(), "legacy_resize": True})
        super().__init__(network.model, processor, **options)
        self.pretrain_data, self.weights_sha256 = network.pretrain_data, network.weights_sha256
        self.form = ClipForm.of(processor)

    @property
    def picture_shape(self):
        return (self.form.num_frames, 3, self.processor.crop_size, self.processor.crop_size)

    def locate(self, frames, sound):
        pixels, samples = self.processor.pixels(frames)[None], self.processor.waveform(sound[None])[None]
        maps = self.model(pixels.to(self.device), samples.to(self.device)).activation_maps[0].cpu()
        return maps[len(maps) // 2]


class CentreLocalizer(Localizer):
    """The baseline: the nearer to the middle of the picture, the likelier."""

    pretrain_data = "nothing"

    def __init__(self, **options):
        super().__init__(nn.Module(), f"the middle of {CENTRE_CELLS} x {CENTRE_CELLS}", **options)
        processor = MultisensoryProcessor.localization()
        self.form = ClipForm.of(processor)

    @property
    def picture_shape(self):
        return (CENTRE_CELLS, CENTRE_CELLS)

    def locate(self, frames, sound):
        place = torch.linspace(-1, 1, CENTRE_CELLS)
        return -(place[:, None] ** 2 + place**2)
