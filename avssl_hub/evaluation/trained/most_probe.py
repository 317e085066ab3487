"""AVID's linear probe of video ("MOST"): classifiers on four layers at once, trained on clips (section 11.2)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import Tensor, nn

from ...errors import InvalidValueError, explain
from ...models.avid import AvidConfig
from ...models.avid.configuration_avid import FEATURE_NAMES
from ...models.avid.modeling_avid import AvidProbe
from ..encoder import Encoded
from .protocol import TrainedProtocol
from .settings import HeadOptimizerSettings, SquareSettings, Stage

PUBLISHED = AvidConfig()
GRIDS = dict(zip(PUBLISHED.probe_features, PUBLISHED.probe_grid_sizes))


class LayerProbes(nn.ModuleDict):
    """A probe for each of several layers, by name."""

    def forward(self, encoded: Encoded) -> dict[str, Tensor]:
        maps = dict(zip(FEATURE_NAMES, encoded.maps))
        return {layer: probe(maps[layer])[1] for layer, probe in self.items()}


@dataclass(frozen=True, kw_only=True)
class MostProbe(TrainedProtocol):
    """The published probe, as it was released or with a network that is truly frozen.

    Attributes:
        tower: "training" as released: the weights stay, but batches are normalised by their own statistics and the
            running ones drift, by which the network is then tested. "frozen" leaves the network as it was pretrained.
        augment: How training clips are changed.
        optimizer: Of the classifiers, whose losses are summed.
    """

    tower: Literal["training", "frozen"] = "training"
    augment: SquareSettings = field(default_factory=SquareSettings)
    optimizer: HeadOptimizerSettings

    name: ClassVar[str] = "most_probe"
    version: ClassVar[int] = 1
    selection: ClassVar[str] = "best of the four layers by its mean over the test sets, as the paper's headline is"

    def stages(self, seed):
        stage = Stage(
            name=f"{self.recipe} probes",
            seed=seed,
            data=self.data,
            augment=self.augment,
            optimizer=self.optimizer,
            loop=self.loop,
            trained="head",
            tower=self.tower,
        )
        return {"probes": stage}

    def head(self, encoded, classes):
        maps = dict(zip(FEATURE_NAMES, encoded.maps))
        if not GRIDS.keys() <= maps.keys() or any(each.ndim != 5 for each in maps.values()):
            got = f"{len(encoded.maps)} of shape {[tuple(each.shape[1:]) for each in encoded.maps]}"
            rule, step = "the five of an AVID video tower, (channels, time, height, width)", "Choose another protocol."
            raise InvalidValueError(explain(f"feature maps for protocol {self.name}", got, rule, step))
        return LayerProbes({name: AvidProbe(maps[name].shape[1], grid, classes) for name, grid in GRIDS.items()})
