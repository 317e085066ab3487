"""SpatialAudioGen: the ambisonics of a 360-degree video from its mono sound and its picture."""

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoProcessor

from .configuration_spatial_audio_gen import SpatialAudioGenConfig
from .flow_spatial_audio_gen import RaftFlow
from .modeling_spatial_audio_gen import SpatialAudioGenModel, SpatialAudioGenOutput, SpatialAudioGenPreTrainedModel
from .processing_spatial_audio_gen import SpatialAudioGenProcessor

AutoConfig.register(SpatialAudioGenConfig.model_type, SpatialAudioGenConfig, exist_ok=True)
AutoModel.register(SpatialAudioGenConfig, SpatialAudioGenModel, exist_ok=True)
AutoFeatureExtractor.register(SpatialAudioGenConfig, SpatialAudioGenProcessor, exist_ok=True)
AutoProcessor.register(SpatialAudioGenConfig, SpatialAudioGenProcessor, exist_ok=True)

__all__ = [
    "RaftFlow",
    "SpatialAudioGenConfig",
    "SpatialAudioGenModel",
    "SpatialAudioGenOutput",
    "SpatialAudioGenPreTrainedModel",
    "SpatialAudioGenProcessor",
]
