"""What every protocol says that trains a network, or classifiers under its batch statistics, on a split."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

from torch import nn

from ..._typed import parse
from ...training import RecipeError
from ...training.reading import list_recipes, read_settings
from ...training.run_folder import FREE_TO_CHANGE
from ...training.settings import LoopSettings, ReadingSettings
from ..encoder import Encoded, Encoder, Modality
from .settings import ClipSettings, Stage, TestSettings

RECIPES = Path(__file__).with_name("recipes")


@dataclass(frozen=True, kw_only=True)
class TrainedProtocol(ABC):
    """A protocol that trains on the clips of a split. Its fields are the settings of a recipe, a YAML file.

    The weights after the last epoch are tested: ten clips spread over a recording, whose class is that of their mean
    class probability (``Video@1``), and single random clips (``Clip@1``).

    Attributes:
        recipe: Name of the recipe.
        changed: What of the recipe was changed that touches the result, ``section.key`` each.
        clip: Form of a clip.
        data: How training clips are read.
        loop: How long, and what is kept on the way.
        test: Clips to test on.
        name: What it is called in tasks and results.
        version: Raised whenever a change moves scores.
        modalities: What it can score.
        metric: What the accuracy of recordings is called.
        cutoffs: Further figures, and how many guesses each allows.
        selection: Which of several layers is reported, and how that is chosen.
    """

    recipe: str
    changed: tuple[str, ...] = ()
    clip: ClipSettings = field(default_factory=ClipSettings)
    data: ReadingSettings = field(default_factory=ReadingSettings)
    loop: LoopSettings
    test: TestSettings = field(default_factory=TestSettings)

    name: ClassVar[str]
    version: ClassVar[int]
    modalities: ClassVar[tuple[Modality, ...]] = ("video",)
    metric: ClassVar[str] = "top-1 accuracy"
    cutoffs: ClassVar[Mapping[str, int]] = MappingProxyType({"top-5": 5})
    selection: ClassVar[str]

    @classmethod
    def recipes(cls) -> list[str]:
        """Name the recipes that come with the package."""
        return list_recipes(RECIPES / cls.name)

    @classmethod
    def load(cls, recipe: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Read a recipe and apply overrides.

        Args:
            recipe: A YAML file, or the name of a recipe that comes with the package.
            overrides: ``section.key=value`` each, the value written as in YAML.

        Raises:
            RecipeError: The file is no valid recipe, or an override names no setting or has the wrong type.
            UnknownNameError: There is neither such a file nor such a recipe.
        """
        settings = read_settings(recipe, overrides, RECIPES / cls.name)
        changed = tuple(sorted({override.partition("=")[0] for override in overrides} - set(FREE_TO_CHANGE)))
        return parse(cls, {**settings, "recipe": Path(recipe).stem, "changed": changed}, "", RecipeError)

    @property
    def variant(self) -> str:
        """The recipe's name, which says so where the recipe was changed."""
        return f"{self.recipe}-changed" if self.changed else self.recipe

    def encoder(self, encoder: Encoder) -> Encoder:
        """Return the encoder for clips of the recipe's form.

        Raises:
            InvalidValueError: The model cannot take such clips.
        """
        return encoder.with_clips(**vars(self.clip))

    @abstractmethod
    def stages(self, seed: int) -> dict[str, Stage]:
        """Tell what is trained one after the other, by name, each with an optimiser of its own."""

    @abstractmethod
    def head(self, encoded: Encoded, classes: int) -> nn.Module:
        """Make what turns :class:`Encoded` clips into the scores of each layer, ``{layer: (N, classes)}``.

        Args:
            encoded: What the network makes of some clips, for the sizes.
            classes: Number of classes.

        Raises:
            InvalidValueError: The model returns no such features.
        """
