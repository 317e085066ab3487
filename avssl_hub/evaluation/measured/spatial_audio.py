"""Mono sound and 360° video to ambisonics, as SpatialAudioGen is evaluated (Morgado et al., 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from ...data.manifest import Manifest, ManifestItem
from ...data.spatial import SpatialFolder, channel_layouts, contiguous_parts, layout_mask
from ...errors import InvalidValueError, explain
from ..spatial import ScoredChunks, published_figures
from .protocol import LeftOut, MeasuredProtocol, Trial
from .spatializer import MonoSpatializer, Spatializer, ZooSpatializer

READERS = 4
# Figures that are not among the published ones: our title, and the evaluation file's name.
FURTHER = {"EMD of direction": "emd/dir2", "LSD": "lsd/avg", "mel LSD": "mel_lsd/avg", "SNR": "snr/avg"}


@dataclass(frozen=True)
class SpatialAudio(MeasuredProtocol):
    """A chunk of 0.1 s in every second of a prepared video; figures are means over its chunks, scaled as published.

    As released, networks normalise by the statistics of the batch, which makes batches part of the score. The authors'
    four readers each take a quarter of a video's chunks, in an order that differs between runs; here they take turns.
    Here batches are of one video, and the last is filled up with chunks of the one before it, which do not count twice:
    every video has the same score whatever else is scored, and no chunk is lost at the end.

    Attributes:
        batch: Chunks of a batch.
    """

    batch: int = 16

    name: ClassVar[str] = "spatial_audio"
    version: ClassVar[int] = 1
    metric: ClassVar[str] = "STFT"
    model: ClassVar = Spatializer
    from_zoo: ClassVar = ZooSpatializer
    baselines: ClassVar = MappingProxyType({"mono": MonoSpatializer})
    running_statistics: ClassVar[bool] = False

    def __post_init__(self):
        if self.batch < 1:
            raise InvalidValueError(explain("chunks of a batch", self.batch, "one or more"))

    def trials(self, manifest: Manifest) -> list[Trial]:
        return [Trial((row,), {"layout": layout}) for row, layout in enumerate(channel_layouts(manifest))]

    def measure(self, items: list[ManifestItem], truth: Mapping[str, Any], model: Spatializer) -> dict[str, float]:
        # What it needs is an extra, and other protocols share this package.
        from ..spatial.chunk_figures import chunk_figures

        video, rules = SpatialFolder(items[0].path, model.rules), model.rules
        times = in_turns(contiguous_parts(video.powers.evaluation(), READERS))
        if not times:
            raise LeftOut("a video has no chunk")
        if model.sees_flow and not video.has_flow:
            raise LeftOut("a video has no flow")
        layout, start = layout_mask(truth["layout"]), round(rules.context * rules.sampling_rate) // 2
        figures = []
        for first in range(0, len(times), self.batch):
            shared = max(min(first, first + self.batch - len(times)), 0)
            chunks = [video.chunk(time, model.sees_flow) for time in times[first - shared : first + self.batch]]
            predicted = model.spatialize(chunks, self.running_statistics)[shared:]
            ambisonics = torch.stack([chunk.ambisonics for chunk in chunks[shared:]])
            heard = ambisonics[..., start : start + rules.chunk_samples]
            figures.append(chunk_figures(predicted, heard, layout))
        columns = {name: torch.cat([batch[name] for batch in figures]) for name in figures[0]}
        (told,) = published_figures(ScoredChunks([items[0].name] * len(times), times, columns)).values()
        return {
            **{name.upper(): value for name, value in told._asdict().items()},
            **{title: columns[name].mean().item() for title, name in FURTHER.items()},
        }


class SpatialAudioAlone(SpatialAudio):
    """The same with statistics of the training, so that no chunk changes another's prediction."""

    name: ClassVar[str] = "spatial_audio_alone"
    running_statistics: ClassVar[bool] = True


def in_turns(parts: list[list[float]]) -> list[float]:
    """Take the first of each part, then the second of each, and so on."""
    return [time for time in chain.from_iterable(zip_longest(*parts)) if time is not None]
