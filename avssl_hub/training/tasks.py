"""The kinds of training that recipes name as their ``task``."""

from collections.abc import Callable
from typing import NamedTuple

from transformers import FeatureExtractionMixin

from ..models.avid import AvidProcessor
from ..models.avsa import AvsaProcessor
from ..models.multisensory import MultisensoryProcessor
from ..models.spatial_audio_gen import SpatialAudioGenProcessor
from . import sources, start
from .items import Items
from .pretraining import PretrainingRun
from .recipe import Recipe
from .run import Run
from .run_settings import RunSettings
from .scenes import sources as scene_sources
from .scenes import start as scene_start
from .scenes.alignment import AlignmentRecipe, AlignmentRun
from .scenes.recognition import RecognitionRecipe, RecognitionRun
from .scenes.separation import SeparationRecipe, SeparationRun
from .spatial import sources as spatial_sources
from .spatial import start as spatial_start
from .spatial.recipe import SpatializationRecipe
from .spatial.run import SpatializationRun
from .views import labelled as labelled_views
from .views import sources as view_sources
from .views import start as view_start
from .views.pretraining import SpatialAlignmentRecipe, SpatialAlignmentRun
from .views.probes import (
    AlignmentProbeRecipe,
    AlignmentProbeRun,
    CorrespondenceProbeRecipe,
    CorrespondenceProbeRun,
)
from .views.segmentation import SegmentationRecipe, SegmentationRun


class Task(NamedTuple):
    """A kind of training.

    Attributes:
        recipe: What decides a run of it.
        run: A run under way.
        processor: What is noted in a run's folder for those who use its model.
        open_source: Opens the items of a recipe.
        start: Makes model, processor and objective of a recipe and its items.
        start_again: Makes what the checkpoint of the run in a folder is loaded into.
    """

    recipe: type[RunSettings]
    run: type[Run]
    processor: type[FeatureExtractionMixin]
    open_source: Callable[..., Items]
    start: Callable[..., tuple]
    start_again: Callable[..., tuple]


def _of_scenes(recipe: type[RunSettings], run: type[Run]) -> Task:
    source = scene_sources.open_scenes
    return Task(recipe, run, MultisensoryProcessor, source, scene_start.start, scene_start.start_again)


def _of_views(
    recipe: type[RunSettings], run: type[Run], open_source: Callable[..., Items] = view_sources.open_views
) -> Task:
    return Task(recipe, run, AvsaProcessor, open_source, view_start.start, view_start.start_again)


TASKS = {
    "embedding": Task(Recipe, PretrainingRun, AvidProcessor, sources.open_source, start.start, start.start_again),
    "alignment": _of_scenes(AlignmentRecipe, AlignmentRun),
    "recognition": _of_scenes(RecognitionRecipe, RecognitionRun),
    "separation": _of_scenes(SeparationRecipe, SeparationRun),
    "spatialization": Task(
        SpatializationRecipe,
        SpatializationRun,
        SpatialAudioGenProcessor,
        spatial_sources.open_chunks,
        spatial_start.start,
        spatial_start.start_again,
    ),
    "spatial_alignment": _of_views(SpatialAlignmentRecipe, SpatialAlignmentRun),
    "correspondence_probe": _of_views(CorrespondenceProbeRecipe, CorrespondenceProbeRun),
    "spatial_alignment_probe": _of_views(AlignmentProbeRecipe, AlignmentProbeRun),
    "segmentation": _of_views(SegmentationRecipe, SegmentationRun, labelled_views.open_labelled_views),
}
