"""Full fine-tuning: a linear classifier on the pooled features, and all weights trained with it (AVID section 11.1)."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import Tensor, nn

from ...training._recipe_error import require
from ...training.order import mixed_seed
from ...training.picture_settings import PictureSettings
from ..encoder import Encoded
from .protocol import TrainedProtocol
from .settings import HeadOptimizerSettings, Stage


class PooledHead(nn.Module):
    """Dropout and a linear layer on pooled features."""

    def __init__(self, width: int, classes: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)

    def forward(self, encoded: Encoded) -> dict[str, Tensor]:
        return {"network": self.classifier(self.dropout(encoded.pooled))}


@dataclass(frozen=True, kw_only=True)
class Finetune(TrainedProtocol):
    """Fine-tuning by one of the published recipes.

    Attributes:
        augment: How training clips are changed.
        dropout: Share of the pooled features that is left out at random.
        classifier_epochs: Epochs in which the classifier is trained alone beforehand, by an Adam of its own at a
            constant rate; the network is in training mode, so the statistics of its batch normalisation move.
        classifier_learning_rate: That rate.
        optimizer: Of the epochs after that, from which milestones are counted.
    """

    augment: PictureSettings = field(default_factory=PictureSettings)
    dropout: float = 0.0
    classifier_epochs: int = 0
    classifier_learning_rate: float = 1e-4
    optimizer: HeadOptimizerSettings

    name: ClassVar[str] = "finetune"
    version: ClassVar[int] = 1
    selection: ClassVar[str] = "the whole network after the last epoch, the only layer"

    def __post_init__(self):
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 <= dropout < 1")
        require(self.classifier_epochs >= 0, "classifier_epochs", self.classifier_epochs, "an integer of at least 0")
        rate = self.classifier_learning_rate
        require(rate > 0, "classifier_learning_rate", rate, "a number above 0")

    def stages(self, seed):
        stages = {}
        if self.classifier_epochs:
            rate = self.classifier_learning_rate
            stages["classifier"] = Stage(
                name=f"{self.recipe} classifier",
                # Other clips than the first of the main stage.
                seed=mixed_seed(seed, 1) % 2**32,
                data=self.data,
                augment=self.augment,
                optimizer=HeadOptimizerSettings(learning_rate=rate, weight_decay=0.0),
                loop=replace(self.loop, epochs=self.classifier_epochs, steps=0),
                trained="head",
            )
        stages["network"] = Stage(
            name=f"{self.recipe} network",
            seed=seed,
            data=self.data,
            augment=self.augment,
            optimizer=self.optimizer,
            loop=self.loop,
        )
        return stages

    def head(self, encoded, classes):
        return PooledHead(encoded.pooled.shape[1], classes, self.dropout)
