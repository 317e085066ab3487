"""Retrieval: how often the recordings nearest to a query are of its class, as three lines of work measure it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn import functional as F

from ...errors import InvalidValueError, explain
from ..answers import Answer
from ..encoder import Modality
from ..retrieval import nearest
from .pooled_clips import PooledClips
from .protocol import Clips


@dataclass(frozen=True)
class Retrieval(PooledClips):
    """Each test recording searches the training recordings; a hit at k is one of its class among the k nearest.

    Clips are brought to length one and averaged, and recordings compared by cosine. Nothing is learnt.

    Attributes:
        first_split: Whether to search split 1 alone, as papers do.
    """

    first_split: bool = True

    name: ClassVar[str] = "retrieval"
    version: ClassVar[int] = 1
    metric: ClassVar[str] = "R@1"
    cutoffs = MappingProxyType({f"R@{count}": count for count in (5, 10, 20, 50)})
    euclidean: ClassVar[bool] = False

    def scored(self, splits):
        return splits[:1] if self.first_split else splits

    def answer(self, train: Clips, test: np.ndarray, seed: int):
        gallery, queries = (self.vectors(torch.from_numpy(clips)) for clips in (train.features, test))
        found = nearest(queries, gallery, max(self.cutoffs.values()), self.euclidean)
        return Answer(train.labels[found.numpy()][None])

    def vectors(self, clips: torch.Tensor) -> torch.Tensor:
        """Make of the (recordings, clips, D) of one side a vector (D,) for each recording."""
        return F.normalize(F.normalize(clips, dim=2).mean(1), dim=1)


@dataclass(frozen=True)
class CoclrRetrieval(Retrieval):
    """As CoCLR's code does it: the mean of each side is taken off its recordings, which is worth points."""

    name: ClassVar[str] = "retrieval_coclr"
    version: ClassVar[int] = 1

    def vectors(self, clips):
        means = clips.mean(1)
        return F.normalize(means - means.mean(0), dim=1)


@dataclass(frozen=True)
class SelaviRetrieval(Retrieval):
    """As SeLaVi's code does it: the last map, max-pooled by 2 in time and space, and Euclidean distance.

    In a direction in which the map has a single place, as that of 8 frames has in time, it is not pooled.
    """

    name: ClassVar[str] = "retrieval_selavi"
    version: ClassVar[int] = 1
    modalities: ClassVar[tuple[Modality, ...]] = ("video",)
    selection: ClassVar[str] = "the last feature map, the only layer"
    euclidean: ClassVar[bool] = True

    def feature_settings(self) -> dict[str, Any]:
        return {**super().feature_settings(), "features": "selavi_maps"}

    def features(self, encoded):
        if not encoded.maps or encoded.maps[-1].ndim != 5:
            shape = tuple(encoded.maps[-1].shape) if encoded.maps else "none"
            rule = "one of shape (N, C, T, H, W)"
            raise InvalidValueError(
                explain(f"last feature map for protocol {self.name}", shape, rule, "Choose another protocol.")
            )
        last = encoded.maps[-1].float()
        return {"map": F.max_pool3d(last, [min(2, size) for size in last.shape[2:]]).flatten(1)}

    def vectors(self, clips):
        return F.normalize(clips, dim=2).mean(1)
