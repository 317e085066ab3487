"""Settings of the training of the multisensory networks, refused before any work starts if one of them is wrong."""

import inspect
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...errors import explain, unknown_name
from ...models.multisensory import MultisensoryConfig, MultisensoryPreTrainedModel, MultisensoryProcessor
from ...models.multisensory.processing_multisensory import GREY
from ...video.square_augment import SquareAugmentation
from .._recipe_error import RecipeError, require
from ..picture_settings import ColorSettings
from ..run_settings import RunSettings
from ..settings import DataSettings, LoopSettings, OptimizerSettings
from .windows import AlignedWindows, ShiftedWindows


@dataclass(frozen=True)
class SceneDataSettings(DataSettings):
    """What is looked at, and which part of it.

    Attributes:
        piece_frames: Frames, at the processor's rate, of the piece of a recording that both moments of a pair are
            chosen from; a longer recording gives a piece from anywhere.
        frame_stride: Every how many frames one is seen; the sound stays whole.
    """

    piece_frames: int = 302
    frame_stride: int = 1

    def __post_init__(self):
        super().__post_init__()
        for name in ("piece_frames", "frame_stride"):
            require(getattr(self, name) >= 1, f"data.{name}", getattr(self, name), "an integer of at least 1")


@dataclass(frozen=True)
class CropSettings(ColorSettings):
    """Random crops of the squeezed picture and mirror images, without a change of colours, as in the paper."""

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def build(self, processor: MultisensoryProcessor) -> SquareAugmentation:
        """Make the transform from raw frames to pixels; crops end one pixel short of the edge, as the authors' do."""
        return SquareAugmentation(
            size=processor.crop_size,
            side=processor.resize_size,
            to_the_edge=False,
            mirror=self.mirror,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
            hue=self.hue,
            mean=GREY,
            std=GREY,
        )


@dataclass(frozen=True)
class SceneRecipe(RunSettings):
    """What all trainings of this kind are told.

    Attributes:
        name: Checkpoint the recipe makes, ``<variant>.<training data>``.
        seed: Of weights, order, windows, crops and what each task draws.
        model: Settings of :class:`MultisensoryConfig` that differ from its defaults.
        processor: Settings of :class:`MultisensoryProcessor` that differ from its defaults.
        kernel_decay: Weight, in the loss, of half the squares of the kernels' weights.
        start_from: Folder of a model of the family whose weights are the start, as far as both have them.
        fresh: Beginnings of names of weights that are drawn anew all the same.
    """

    network: ClassVar[type[MultisensoryPreTrainedModel]]
    needs_sound: ClassVar[bool] = True

    name: str
    seed: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    processor: dict[str, Any] = field(default_factory=dict)
    data: SceneDataSettings = field(default_factory=SceneDataSettings)
    augment: CropSettings = field(default_factory=CropSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    kernel_decay: float = 1e-5
    start_from: str = ""
    fresh: tuple[str, ...] = ()

    def __post_init__(self):
        # NumPy takes no larger one.
        require(0 <= self.seed < 2**32, "seed", self.seed, "an integer from 0 to 4294967295")
        require(self.kernel_decay >= 0, "kernel_decay", self.kernel_decay, "a number of at least 0")
        require(bool(self.start_from) or not self.fresh, "fresh", list(self.fresh), "nothing without start_from")
        for section, built in (("model", MultisensoryConfig), ("processor", MultisensoryProcessor)):
            known = inspect.signature(built).parameters.keys() - {"kwargs"}
            for key in getattr(self, section):
                if key not in known:
                    raise RecipeError(unknown_name(f"recipe key in '{section}'", key, known))
        try:
            self.build_config(), self.build_processor()
        except TypeError as error:
            what, rule = "recipe sections 'model' and 'processor'", "values of the types their classes take"
            raise RecipeError(explain(what, error, rule)) from error
        if not self.data.manifest:
            self._check_world()

    def _check_world(self) -> None:
        processor, world = self.build_processor(), self.data.world
        rates = processor.sampling_rate, world.sampling_rate
        require(rates[0] == rates[1], "processor.sampling_rate", rates[0], f"the world's {rates[1]}")
        self.windows().draw(min(self.data.piece_frames, int(world.duration * processor.fps)))
        self.epoch_steps(self.data.items)

    def build_config(self) -> MultisensoryConfig:
        """Make the network's configuration."""
        return MultisensoryConfig(**self.model)

    def build_processor(self) -> MultisensoryProcessor:
        """Make the processor of the trained model."""
        return MultisensoryProcessor(**self.processor)

    def clip_processor(self) -> MultisensoryProcessor:
        """Make the processor of the clips that are trained on."""
        return self.build_processor()

    @property
    def needs_picture(self) -> bool:
        """Whether the network sees; if not, none is decoded."""
        return True

    @property
    def least_clips(self) -> int:
        """Fewest clips of a process, or of a part of its batch, that can be compared."""
        return 1

    def build_network(self, classes: list[str]) -> MultisensoryPreTrainedModel:
        """Make the network with fresh weights, for items of these classes."""
        return self.network(self.build_config())

    def windows(self) -> AlignedWindows | ShiftedWindows:
        """Make what chooses the moments of a clip."""
        return AlignedWindows(self.build_processor().num_frames)
