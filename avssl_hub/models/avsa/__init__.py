"""AVSA: features of 360-degree video and ambisonics, learned by telling which view a sound belongs to."""

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModel,
    AutoModelForPreTraining,
    AutoModelForSemanticSegmentation,
    AutoModelForVideoClassification,
    AutoProcessor,
)

from .configuration_avsa import AvsaConfig
from .matching_avsa import (
    AvsaForAudioVisualCorrespondence,
    AvsaForSpatialAlignment,
    AvsaMatchOutput,
    draw_partners,
)
from .modeling_avsa import AvsaForVideoClassification, AvsaModel, AvsaOutput, AvsaPreTrainedModel
from .pretraining_avsa import AvsaForPreTraining, AvsaForPreTrainingOutput
from .processing_avsa import AvsaProcessor
from .segmentation_avsa import AvsaForSemanticSegmentation, AvsaSegmentationOutput

AutoConfig.register(AvsaConfig.model_type, AvsaConfig, exist_ok=True)
AutoModel.register(AvsaConfig, AvsaModel, exist_ok=True)
AutoModelForPreTraining.register(AvsaConfig, AvsaForPreTraining, exist_ok=True)
AutoModelForSemanticSegmentation.register(AvsaConfig, AvsaForSemanticSegmentation, exist_ok=True)
AutoModelForVideoClassification.register(AvsaConfig, AvsaForVideoClassification, exist_ok=True)
AutoFeatureExtractor.register(AvsaConfig, AvsaProcessor, exist_ok=True)
AutoProcessor.register(AvsaConfig, AvsaProcessor, exist_ok=True)

__all__ = [
    "AvsaConfig",
    "AvsaForAudioVisualCorrespondence",
    "AvsaForPreTraining",
    "AvsaForPreTrainingOutput",
    "AvsaForSemanticSegmentation",
    "AvsaForSpatialAlignment",
    "AvsaForVideoClassification",
    "AvsaMatchOutput",
    "AvsaModel",
    "AvsaOutput",
    "AvsaPreTrainedModel",
    "AvsaProcessor",
    "AvsaSegmentationOutput",
    "draw_partners",
]
