"""Models that give mono sound its space back, and what they have to improve on."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...data.spatial import ChunkRules, SpatialChunk
from ...errors import InvalidValueError, explain
from ...models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel
from ..scored_model import ScoredModel, gmacs_of
from ..spatial.steering import ConstantSteering
from ..zoo_network import zoo_network


class Spatializer(ScoredModel):
    """A model that predicts Y, Z and X of chunks. A subclass makes any model fit for the benchmark.

    Attributes:
        rules: Sizes and rates of its chunks.
        sees_flow: Whether it has to be given flow, so that folders without it cannot be scored.
    """

    modalities: ClassVar[tuple[str, ...]] = ("both",)
    rules: ChunkRules
    sees_flow: bool

    @abstractmethod
    def spatialize(self, chunks: Sequence[SpatialChunk], running_statistics: bool) -> Tensor:
        """Predict ``(B, 3, samples)``, the chunks themselves without what lies around them, without gradients.

        Args:
            chunks: What is heard and seen, all of which enters the network at once.
            running_statistics: Whether to normalise by statistics of the training, not of these chunks.
        """

    def describe_input(self, modality: str) -> dict[str, Any]:
        height, width = self.image_size
        still = torch.zeros(3, height, width)
        sound = torch.zeros(4, self.rules.window_samples)
        chunk = SpatialChunk(0.5, sound, still.byte(), still if self.sees_flow else None)
        return {
            "seconds": self.rules.window_samples / self.rules.sampling_rate,
            "frames": 1,
            "fps": self.rules.fps,
            "sampling_rate": self.rules.sampling_rate,
            "shape": [self.rules.window_samples],
            "gmacs": gmacs_of(lambda: self.spatialize([chunk], running_statistics=False)),
        }

    @property
    @abstractmethod
    def image_size(self) -> tuple[int, int]:
        """Height and width of the frames that enter the network."""


class ZooSpatializer(Spatializer):
    """A network of this zoo that spatialises sound.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        random_weights: Draw the weights anew in place of loading them.
        **options: Those of :class:`ScoredModel`.

    Raises:
        InvalidValueError: The model is of another kind.
        AvsslError: As :func:`avssl_hub.load` raises.
    """

    def __init__(self, name: str, random_weights: bool = False, **options):
        network = zoo_network(name, random_weights, "spatial sound", (SpatialAudioGenModel,))
        super().__init__(network.model, network.processor, **options)
        self.pretrain_data, self.weights_sha256 = network.pretrain_data, network.weights_sha256
        self.rules = _rules_of(network.model.config, network.processor.fps)
        self.sees_flow = "flow" in network.model.config.encoders

    @property
    def image_size(self):
        return tuple(self.model.config.image_size)

    def spatialize(self, chunks, running_statistics):
        inputs = {"input_values": torch.stack([chunk.ambisonics[:1] for chunk in chunks])}
        if "video" in self.model.config.encoders:
            frames = torch.stack([chunk.frame for chunk in chunks]).permute(0, 2, 3, 1)
            inputs["pixel_values_videos"] = self.processor.pixels(frames)[:, None]
        if self.sees_flow:
            inputs["flow_values"] = torch.stack([chunk.flow for chunk in chunks])[:, None]
        inputs = {key: value.to(self.device) for key, value in inputs.items()}
        return self.model(**inputs, use_running_stats=running_statistics).ambisonics.cpu()


class MonoSpatializer(Spatializer):
    """The baseline: nothing but W, which comes from everywhere alike. Its chunks are the paper's."""

    pretrain_data = "nothing"
    steering: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 0.0)
    sees_flow = False

    def __init__(self, **options):
        super().__init__(ConstantSteering(self.steering), f"W times {self.steering}", **options)
        self.rules = _rules_of(self.model.config, ChunkRules().fps)

    @property
    def image_size(self):
        return tuple(self.model.config.image_size)

    def spatialize(self, chunks, running_statistics):
        sounds = torch.stack([chunk.ambisonics[:1] for chunk in chunks])
        return self.model(sounds.to(self.device)).ambisonics.cpu()


class SteeringSpatializer(MonoSpatializer):
    """The spatial prior, or any other constants, as an adapter: the model's name is the file of them.

    Args:
        name: A file that :meth:`ConstantSteering.save` wrote.
        random_weights: Must be False.
        **options: Those of :class:`ScoredModel`.

    Raises:
        InvalidValueError: The file is something else, or random weights are asked for.
    """

    pretrain_data = None

    def __init__(self, name: str, random_weights: bool = False, **options):
        if random_weights:
            raise InvalidValueError(explain("control of constants", "random weights", "none: they are counted"))
        self.steering = tuple(ConstantSteering.load(name).steering.tolist())
        super().__init__(**options)


def _rules_of(config: SpatialAudioGenConfig, fps: float) -> ChunkRules:
    rate = config.sampling_rate
    return ChunkRules(rate, fps, config.context_samples / rate, config.chunk_samples / rate)
