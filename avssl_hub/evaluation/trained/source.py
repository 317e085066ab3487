"""Labelled recordings as training batches."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...data.manifest import Manifest
from ...training.broken import BrokenItems
from ...training.clip_dataset import ClipDataset
from ...training.clip_reader import PictureReader
from ...training.read_ahead import read_ahead
from ..encoder import Encoder
from .pixels import PixelInput
from .settings import Stage


class LabelledBatch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        inputs: Those of the network, a row a clip.
        labels: ``(B,)``.
    """

    inputs: dict[str, Tensor]
    labels: Tensor

    def parts(self, number: int) -> Iterator["LabelledBatch"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""
        cut = {name: values.tensor_split(number) for name, values in self.inputs.items()}
        for place, labels in enumerate(self.labels.tensor_split(number)):
            yield LabelledBatch({name: values[place] for name, values in cut.items()}, labels)


class LabelledSource:
    """Recordings to learn classes from.

    Args:
        manifest: The recordings.
        keys: What tells the content of each.
        labels: (recordings,) 0 to classes - 1.
    """

    def __init__(self, manifest: Manifest, keys: Sequence[str], labels: np.ndarray):
        self.manifest = manifest
        self.labels = torch.from_numpy(labels)
        self.num_items = len(manifest)
        # By content, so that a copy that was moved is still the same.
        self.fingerprint = hashlib.sha256(json.dumps([list(keys), labels.tolist()]).encode()).hexdigest()

    def name(self, item: int) -> str:
        """Name an item for people."""
        return self.manifest[item].name

    def batches(
        self, stage: Stage, encoder: Encoder, step: int, broken: BrokenItems, device: torch.device, share: slice
    ) -> Iterator[LabelledBatch]:
        """Make a process's batches of ``step`` and of all after it.

        Args:
            stage: What is trained.
            encoder: The model.
            step: Steps done.
            broken: Takes note of recordings that cannot be used.
            device: Where batches go.
            share: Places of a step that are this process's.

        Raises:
            TooManyBrokenError: Nothing usable was found for a clip.
            DecodingCrashedError: A worker died.
        """
        rules = PixelInput.of(encoder)
        augmentation = stage.augment.build(rules)
        reader = PictureReader(encoder.num_frames, encoder.fps, encoder.video_duration)
        dataset = ClipDataset(stage, self.manifest, reader, augmentation, share)
        for _, items, clips in read_ahead(dataset, step, broken, device):
            pixels = clips.pixels(augmentation, rules.frames, device)
            yield LabelledBatch({rules.name: pixels}, self.labels[items[share]].to(device))
