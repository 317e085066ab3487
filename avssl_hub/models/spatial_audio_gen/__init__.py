"""SpatialAudioGen: the ambisonics of a 360-degree video from its mono sound and its picture."""

from transformers import AutoConfig, AutoModel

from .configuration_spatial_audio_gen import SpatialAudioGenConfig
from .modeling_spatial_audio_gen import SpatialAudioGenModel, SpatialAudioGenOutput, SpatialAudioGenPreTrainedModel

AutoConfig.register(SpatialAudioGenConfig.model_type, SpatialAudioGenConfig, exist_ok=True)
AutoModel.register(SpatialAudioGenConfig, SpatialAudioGenModel, exist_ok=True)

__all__ = [
    "SpatialAudioGenConfig",
    "SpatialAudioGenModel",
    "SpatialAudioGenOutput",
    "SpatialAudioGenPreTrainedModel",
]
