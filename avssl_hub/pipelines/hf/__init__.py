"""The tasks of this package under their names in transformers' ``pipeline()``; importing this registers them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers
from transformers.pipelines import PIPELINE_REGISTRY

from ... import zoo
from ...errors import unknown_name
from ._checkpoint import Checkpoint
from .tasks import (
    AudioVisualFeatureExtraction,
    AudioVisualSeparation,
    AudioVisualSynchronization,
    MonoToAmbisonics,
    SoundLocalization,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from ._film_pipeline import FilmPipeline

# Each with the model it takes if none is named: one that comes with the package, and knows a toy world only.
TASKS = {
    "audio-visual-feature-extraction": (AudioVisualFeatureExtraction, "avid_tiny.avworld"),
    "audio-visual-separation": (AudioVisualSeparation, "multisensory_separation_tiny.avworld"),
    "audio-visual-synchronization": (AudioVisualSynchronization, "multisensory_tiny.avworld"),
    "mono-to-ambisonics": (MonoToAmbisonics, "spatial_audio_gen_tiny.avworld"),
    "sound-localization": (SoundLocalization, "multisensory_tiny.avworld"),
}


def pipeline(task: str, model: "PreTrainedModel | str | Path | None" = None, **kwargs: Any) -> "FilmPipeline":
    """Make ``transformers.pipeline`` for a task of this package, of any model that ``avssl_hub.load`` knows.

    ``transformers.pipeline`` itself knows these tasks too, and takes folders and Hub repositories, but no names of the
    catalogue.

    Args:
        task: One of ``TASKS``.
        model: Catalogue name, folder, Hub repository, or a model; by default a small one of AVWorld.
        **kwargs: What ``transformers.pipeline`` and the task take. ``revision`` is that on the Hub; a model that is
            given as an object needs ``processor``.

    Raises:
        UnknownNameError: There is no such task or model.
        AvsslError: What loading the model raises.

    Example:
        >>> localize = avssl_hub.pipeline("sound-localization", "multisensory_tiny.avworld")
        >>> for result in localize(["one.mp4", "two.mp4"], batch_size=4): ...
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    model = TASKS[task][1] if model is None else model
    if isinstance(model, (str, Path)):
        where = {"revision": kwargs.pop("revision", None)}
        kwargs.setdefault("processor", zoo.load_processor(model, **where))
        model = zoo.load(model, **where)
    return transformers.pipeline(task, model, **kwargs)


for name, (pipeline_class, default) in TASKS.items():
    folder = str(zoo.cards_folder() / default)
    PIPELINE_REGISTRY.register_pipeline(name, pipeline_class, Checkpoint, {"model": (folder, None)}, "multimodal")
