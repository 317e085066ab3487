"""Settings of the training of spatial sound, refused before any work starts if one of them is wrong."""

import inspect
from dataclasses import dataclass, field
from typing import Any, Literal

from ...errors import explain, unknown_name
from ...models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel, SpatialAudioGenProcessor
from .._recipe_error import RecipeError, require
from ..run_settings import RunSettings
from ..settings import LoopSettings, OptimizerSettings
from ..settings360 import Data360Settings


@dataclass(frozen=True)
class ChunkSettings(Data360Settings):
    """What is looked at: prepared recordings, or scenes of AVWorld in 360 degrees.

    Attributes:
        clips_per_item: Chunks of each visit to a recording; 5 in the paper, 1 for chunks that have nothing to do with
            each other.
        manifest: Table of prepared recordings, folders as ``avssl data prepare-360`` writes them, with a column
            ``layout`` where not all of W, Y, Z and X were recorded of each: "WXYZ" or "WXY". AVWorld if empty.
        least_power: Root mean square of W that a chunk needs to be learned from: 0.2, or 0.01 for REC-Street, in the
            paper.
        released_starts: Whether chunks begin as the authors' do, where rounding can put sound one sample early.
    """

    least_power: float = 0.2
    released_starts: bool = True

    def __post_init__(self):
        super().__post_init__()
        require(self.least_power >= 0, "data.least_power", self.least_power, "a number of at least 0")


@dataclass(frozen=True)
class TurnSettings:
    """How chunks are changed, each at random.

    Attributes:
        yaw: Whether picture and sound turn together, by any angle about the vertical.
    """

    yaw: bool = True


@dataclass(frozen=True)
class SpatializationRecipe(RunSettings):
    """All that decides a run.

    Attributes:
        name: Checkpoint the recipe makes, ``<variant>.<training data>``.
        seed: Of weights, order, moments and turns.
        model: Settings of :class:`SpatialAudioGenConfig` that differ from its defaults.
        imagenet: Whether visual encoders begin as torchvision's ResNet-18, which is downloaded on first use.
        start_from: Folder of a model of the family, of the same configuration, whose weights are the start.
    """

    name: str
    task: Literal["spatialization"] = "spatialization"
    seed: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    data: ChunkSettings = field(default_factory=ChunkSettings)
    augment: TurnSettings = field(default_factory=TurnSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    imagenet: bool = False
    start_from: str = ""

    def __post_init__(self):
        # NumPy takes no larger one.
        require(0 <= self.seed < 2**32, "seed", self.seed, "an integer from 0 to 4294967295")
        require(not (self.imagenet and self.start_from), "imagenet", self.imagenet, "false beside start_from")
        known = inspect.signature(SpatialAudioGenConfig).parameters.keys() - {"kwargs"}
        for key in self.model:
            if key not in known:
                raise RecipeError(unknown_name("recipe key in 'model'", key, known))
        try:
            config = self.build_config()
        except TypeError as error:
            raise RecipeError(
                explain("recipe section 'model'", error, "values of the types its class takes")
            ) from error
        if not self.data.manifest:
            self._check_world(config)

    def _check_world(self, config: SpatialAudioGenConfig) -> None:
        world = self.data.world
        rule = f"the world's {world.sampling_rate}"
        require(config.sampling_rate == world.sampling_rate, "model.sampling_rate", config.sampling_rate, rule)
        size = [world.height, world.width]
        require(config.image_size == size, "model.image_size", config.image_size, f"the world's {size}")
        rule, need = f"at most the world's {world.duration:g} s", config.window_samples / config.sampling_rate
        require(need <= world.duration, "model.context_samples", config.context_samples, rule)
        require(
            "flow" not in config.encoders, "model.encoders", config.encoders, "no flow, which AVWorld does not draw"
        )
        self.epoch_steps(self.data.items)

    def build_config(self) -> SpatialAudioGenConfig:
        """Make the network's configuration."""
        return SpatialAudioGenConfig(**self.model)

    def build_network(self) -> SpatialAudioGenModel:
        """Make the network with fresh weights."""
        return SpatialAudioGenModel(self.build_config())

    def build_processor(self) -> SpatialAudioGenProcessor:
        """Make the processor of the trained model."""
        config = self.build_config()
        shared = ("encoders", "sampling_rate", "context_samples", "chunk_samples", "image_size")
        return SpatialAudioGenProcessor(**{name: getattr(config, name) for name in shared})
