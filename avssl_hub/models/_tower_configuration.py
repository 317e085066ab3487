"""What the configurations of families with the same two towers share: depths and the rules of the towers' fields."""

from transformers import PreTrainedConfig

from ._rules import Rules

BLOCKS_PER_STAGE = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def tower_rules(config: PreTrainedConfig) -> Rules:
    """Rules of the fields that the towers read, and of the dropout before a classifier of actions."""
    return {
        "video_depth": (config.video_depth in BLOCKS_PER_STAGE, f"one of {sorted(BLOCKS_PER_STAGE)}"),
        "video_hidden_sizes": (_four_positive(config.video_hidden_sizes), "four positive integers"),
        "video_num_channels": (config.video_num_channels > 0, "a positive integer"),
        "audio_hidden_sizes": (_four_positive(config.audio_hidden_sizes), "four positive integers"),
        "audio_strides": (_four_positive(config.audio_strides), "four positive integers"),
        "audio_num_channels": (config.audio_num_channels > 0, "a positive integer"),
        "batch_norm_eps": (config.batch_norm_eps > 0, "a positive number"),
        "batch_norm_momentum": (0 < config.batch_norm_momentum <= 1, "a number in (0, 1]"),
        "classifier_dropout": (0 <= config.classifier_dropout < 1, "a number in [0, 1)"),
    }


def _four_positive(sizes: list[int]) -> bool:
    return len(sizes) == 4 and all(isinstance(size, int) and size > 0 for size in sizes)
