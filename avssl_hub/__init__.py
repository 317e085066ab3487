"""The model zoo of audio-visual self-supervised learning.

Importing the package loads neither torch nor transformers; each public name pulls in what it needs on first use.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME_OF = {
    "AvidConfig": "models.avid",
    "AvidForAudioClassification": "models.avid",
    "AvidForLinearProbe": "models.avid",
    "AvidForVideoClassification": "models.avid",
    "AvidModel": "models.avid",
    "AvidProcessor": "models.avid",
    "AvsaConfig": "models.avsa",
    "AvsaForAudioVisualCorrespondence": "models.avsa",
    "AvsaForPreTraining": "models.avsa",
    "AvsaForSemanticSegmentation": "models.avsa",
    "AvsaForSpatialAlignment": "models.avsa",
    "AvsaForVideoClassification": "models.avsa",
    "AvsaModel": "models.avsa",
    "AvsaProcessor": "models.avsa",
    "EmbeddingPipeline": "pipelines.embed",
    "LocalizationPipeline": "pipelines.localize",
    "Look360": "pipelines.look_360",
    "Manifest": "data.manifest",
    "MediaReader": "media",
    "MultisensoryConfig": "models.multisensory",
    "MultisensoryForAlignment": "models.multisensory",
    "MultisensoryForSourceSeparation": "models.multisensory",
    "MultisensoryForVideoClassification": "models.multisensory",
    "MultisensoryModel": "models.multisensory",
    "MultisensoryProcessor": "models.multisensory",
    "OrientationPipeline": "pipelines.orient",
    "RecognitionPipeline": "pipelines.recognize",
    "SegmentationPipeline": "pipelines.segment",
    "SeparationPipeline": "pipelines.separate",
    "SpatialAudioGenConfig": "models.spatial_audio_gen",
    "SpatialAudioGenModel": "models.spatial_audio_gen",
    "SpatialAudioGenProcessor": "models.spatial_audio_gen",
    "SpatializationPipeline": "pipelines.spatialize",
    "SpectrogramUNetForSeparation": "models.multisensory",
    "SynchronizationPipeline": "pipelines.synchronize",
    "card": "zoo",
    "list_models": "zoo",
    "load": "zoo",
    "load_processor": "zoo",
    "pipeline": "pipelines.hf",
    "probe": "media",
    "verify": "verification",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
