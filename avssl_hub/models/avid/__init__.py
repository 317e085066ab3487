"""AVID, AVID-CMA and Robust-xID: one pair of towers, three ways of training it."""

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModel,
    AutoModelForAudioClassification,
    AutoModelForVideoClassification,
    AutoProcessor,
)

from .configuration_avid import AvidConfig
from .inference_avid import export_onnx
from .modeling_avid import (
    AvidForAudioClassification,
    AvidForLinearProbe,
    AvidForVideoClassification,
    AvidModel,
    AvidOutput,
    AvidPreTrainedModel,
)
from .processing_avid import AvidProcessor

AutoConfig.register(AvidConfig.model_type, AvidConfig, exist_ok=True)
AutoModel.register(AvidConfig, AvidModel, exist_ok=True)
AutoModelForVideoClassification.register(AvidConfig, AvidForVideoClassification, exist_ok=True)
AutoModelForAudioClassification.register(AvidConfig, AvidForAudioClassification, exist_ok=True)
AutoFeatureExtractor.register(AvidConfig, AvidProcessor, exist_ok=True)
AutoProcessor.register(AvidConfig, AvidProcessor, exist_ok=True)

__all__ = [
    "AvidConfig",
    "AvidForAudioClassification",
    "AvidForLinearProbe",
    "AvidForVideoClassification",
    "AvidModel",
    "AvidOutput",
    "AvidPreTrainedModel",
    "AvidProcessor",
    "export_onnx",
]
