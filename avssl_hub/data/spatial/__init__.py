"""360° videos with ambisonic sound, in prepared folders and chunk by chunk, by the rules of SpatialAudioGen (2018)."""

from .channels import channel_layouts, layout_mask
from .errors import MissingPartError, SpatialFolderError, UnequalLengthsError, WrongSoundError
from .folder import SpatialChunk, SpatialFolder, is_spatial_folder
from .powers import ChunkPowers, contiguous_parts, measure_powers, shifted_to, silence_threshold
from .rules import ChunkRules
from .write import write_folder

__all__ = [
    "ChunkPowers",
    "ChunkRules",
    "MissingPartError",
    "SpatialChunk",
    "SpatialFolder",
    "SpatialFolderError",
    "UnequalLengthsError",
    "WrongSoundError",
    "channel_layouts",
    "contiguous_parts",
    "is_spatial_folder",
    "layout_mask",
    "measure_powers",
    "shifted_to",
    "silence_threshold",
    "write_folder",
]
