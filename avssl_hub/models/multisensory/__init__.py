"""Multisensory: one network that sees and hears; synchrony, localisation, recognition and separation of sound."""

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForVideoClassification, AutoProcessor

from .configuration_multisensory import MultisensoryConfig
from .modeling_multisensory import (
    MultisensoryForAlignment,
    MultisensoryForVideoClassification,
    MultisensoryModel,
    MultisensoryOutput,
    MultisensoryPreTrainedModel,
)
from .processing_multisensory import MultisensoryProcessor
from .separation_multisensory import (
    MultisensoryForSourceSeparation,
    MultisensorySeparationOutput,
    SpectrogramUNetForSeparation,
)

AutoConfig.register(MultisensoryConfig.model_type, MultisensoryConfig, exist_ok=True)
# The first, or the second for checkpoints that name it: they have nothing of the first.
AutoModel.register(MultisensoryConfig, (MultisensoryModel, SpectrogramUNetForSeparation), exist_ok=True)
AutoModelForVideoClassification.register(MultisensoryConfig, MultisensoryForVideoClassification, exist_ok=True)
AutoFeatureExtractor.register(MultisensoryConfig, MultisensoryProcessor, exist_ok=True)
AutoProcessor.register(MultisensoryConfig, MultisensoryProcessor, exist_ok=True)

__all__ = [
    "MultisensoryConfig",
    "MultisensoryForAlignment",
    "MultisensoryForSourceSeparation",
    "MultisensoryForVideoClassification",
    "MultisensoryModel",
    "MultisensoryOutput",
    "MultisensoryPreTrainedModel",
    "MultisensoryProcessor",
    "MultisensorySeparationOutput",
    "SpectrogramUNetForSeparation",
]
