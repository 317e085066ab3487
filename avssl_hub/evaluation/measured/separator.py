"""Models that take two voices apart, and the mixture itself, which is what they have to improve on."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...audio.stft import stft, to_decibels
from ...models.multisensory import (
    MultisensoryForSourceSeparation,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)
from ..scored_model import ScoredModel, gmacs_of
from ..zoo_network import zoo_network
from .clip import ClipForm


class Separated(NamedTuple):
    """Two sounds ``(2, n)``, no longer than the mixture, and the levels ``(2, frames, bins)`` that were predicted."""

    waveforms: Tensor
    levels: Tensor


class Separator(ScoredModel):
    """A model that parts on-screen from off-screen sound. A subclass makes any model fit for the benchmark.

    Attributes:
        form: Of its clips.
        blind: Whether it does not say which of its two sounds is on-screen.
    """

    modalities: ClassVar[tuple[str, ...]] = ("both",)
    form: ClipForm
    blind: bool

    @abstractmethod
    def separate(self, frames: Tensor, mixture: Tensor) -> Separated:
        """Part a mixture ``(samples,)`` by what is seen, frames ``(T, H, W, 3)`` uint8; without gradients."""

    @abstractmethod
    def levels(self, sounds: Tensor) -> Tensor:
        """Levels ``(2, frames, bins)`` in decibels of sounds ``(2, samples)``, as those of :class:`Separated` are."""

    def describe_input(self, modality: str) -> dict[str, Any]:
        frames = torch.zeros(self.form.num_frames, 240, 320, 3, dtype=torch.uint8)
        mixture = torch.zeros(self.form.num_samples)
        return {
            **self.form.described(),
            "shape": [self.form.num_samples],
            "gmacs": gmacs_of(lambda: self.separate(frames, mixture)),
        }


class ZooSeparator(Separator):
    """A separation network of this zoo, on-screen against off-screen or blind.

    The mixture enters as it is made, in all of the network's channels alike.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        random_weights: Draw the weights anew in place of loading them.
        **options: Those of :class:`ScoredModel`.

    Raises:
        InvalidValueError: The model is of another kind.
        AvsslError: As :func:`avssl_hub.load` raises.
    """

    def __init__(self, name: str, random_weights: bool = False, **options):
        kinds = (MultisensoryForSourceSeparation, SpectrogramUNetForSeparation)
        network = zoo_network(name, random_weights, "separation", kinds)
        super().__init__(network.model, network.processor, **options)
        self.pretrain_data, self.weights_sha256 = network.pretrain_data, network.weights_sha256
        self.blind = isinstance(network.model, SpectrogramUNetForSeparation)
        processor = network.processor
        self.form = ClipForm.of(processor)

    def separate(self, frames, mixture):
        inputs = {"input_values": mixture.expand(1, self.processor.num_channels, -1)}
        if not self.blind:
            inputs["pixel_values_videos"] = self.processor.pixels(frames)[None]
        inputs = {key: value.to(self.device) for key, value in inputs.items()}
        output = self.model(**inputs, normalize_gain=True)
        return Separated(output.waveforms[0].cpu(), output.levels[0].cpu())

    def levels(self, sounds):
        return self.model.spectrogram(sounds)[0]


class MixtureSeparator(Separator):
    """The baseline: both sounds are the mixture. In the form of the paper's clips."""

    pretrain_data = "nothing"
    blind = False

    def __init__(self, **options):
        processor = MultisensoryProcessor.separation()
        super().__init__(nn.Module(), "the mixture, twice", **options)
        self.form = ClipForm.of(processor)

    def separate(self, frames, mixture):
        both = mixture.expand(2, -1)
        return Separated(both, self.levels(both))

    def levels(self, sounds):
        return to_decibels(stft(sounds, 1344, 336, 2048).abs())
