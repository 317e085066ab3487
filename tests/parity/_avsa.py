"""The authors' names of AVSA's parameters, and models filled by the weight rule."""

import re

import torch

from ._rules import rule_weight
from ._towers import original_tower_name

ATTENTION = {"query": "query", "key": "key", "value": "value", "output": "dense"}
LINEAR = {"inner": "0", "outer": "2"}
HEADS = {
    "video_head": "video_head",
    "audio_head": "audio_head",
    "video_prediction_head": "video_pred_head",
    "audio_prediction_head": "audio_pred_head",
    "video_projection": "video_projection",
    "audio_projection": "audio_projection",
}
# Keys of the layers without attention are those that the reference page gives.
WITHOUT_CONTEXT = {"mixing": "dense1", "mixing_norm": "dense1_norm", "feed_forward": "dense2"}
WITHOUT_CONTEXT |= {"feed_forward_norm": "dense2_norm"}
WITH_CONTEXT = {"mixing_norm": "attention_norm", "feed_forward": "dense", "feed_forward_norm": "dense_norm"}


def original_name(name: str, config) -> str:
    """The authors' name of one of our parameters, written independently of the converter's table."""
    if match := re.match(r"(v|a)\w+_to_(v|a)\w+\.layers\.(\d+)\.(\w+)\.(.+)", name):
        source, target, layer, part, rest = match.groups()
        inner, _, tensor = rest.rpartition(".")
        start = f"losses.0.{source}2{target}_transformer.transformer.{layer}."
        if part == "mixing" and config.translation_context:
            return f"{start}attention.{ATTENTION[inner]}.{tensor}"
        table = WITH_CONTEXT if config.translation_context else WITHOUT_CONTEXT
        return start + ".".join(filter(None, [table[part], LINEAR.get(inner), tensor]))
    if match := re.match(rf"({'|'.join(HEADS)})\.(\w+)", name):
        return f"losses.0.{HEADS[match[1]]}.projection.0.{match[2]}"
    if match := re.match(r"classifier\.(hidden|output)\.(\w+)", name):
        return f"classifier.{0 if match[1] == 'hidden' else 2}.{match[2]}"
    return original_pyramid_name(original_tower_name(name, config.video_depth))


def original_pyramid_name(name: str) -> str:
    name = re.sub(r"^pyramid\.time_pools\.(\d)", lambda m: f"fpn.time_pool{int(m[1]) + 2}", name)
    name = re.sub(r"^pyramid\.laterals\.(\d)", lambda m: f"fpn.lat_fpn_{int(m[1]) + 2}", name)
    name = re.sub(r"^pyramid\.outputs\.(\d)", lambda m: f"fpn.out_fpn_{int(m[1]) + 2}", name)
    name = re.sub(
        r"^pyramid\.branches\.(\d)\.(\d)\.(conv|norm)",
        lambda m: f"fpn.upsampling{int(m[1]) + 2}.{4 * int(m[2]) + (m[3] == 'norm')}",
        name,
    )
    return re.sub(r"^pyramid\.predictor", "fpn.predictor", name)


def with_rule_weights(model: torch.nn.Module) -> torch.nn.Module:
    """Fill a model by the weight rule, and put it into evaluation mode."""
    model.load_state_dict(
        {name: rule_weight(original_name(name, model.config), x.shape) for name, x in model.state_dict().items()}
    )
    return model.eval()
