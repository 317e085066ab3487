"""Multisensory: one network that sees and hears; synchrony, localisation, recognition and separation of sound."""

from transformers import AutoConfig, AutoModel, AutoModelForVideoClassification

from .configuration_multisensory import MultisensoryConfig
from .modeling_multisensory import (
    MultisensoryForAlignment,
    MultisensoryForVideoClassification,
    MultisensoryModel,
    MultisensoryOutput,
    MultisensoryPreTrainedModel,
)
from .separation_multisensory import (
    MultisensoryForSourceSeparation,
    MultisensorySeparationOutput,
    SpectrogramUNetForSeparation,
)

AutoConfig.register(MultisensoryConfig.model_type, MultisensoryConfig, exist_ok=True)
AutoModel.register(MultisensoryConfig, MultisensoryModel, exist_ok=True)
AutoModelForVideoClassification.register(MultisensoryConfig, MultisensoryForVideoClassification, exist_ok=True)

__all__ = [
    "MultisensoryConfig",
    "MultisensoryForAlignment",
    "MultisensoryForSourceSeparation",
    "MultisensoryForVideoClassification",
    "MultisensoryModel",
    "MultisensoryOutput",
    "MultisensoryPreTrainedModel",
    "MultisensorySeparationOutput",
    "SpectrogramUNetForSeparation",
]
