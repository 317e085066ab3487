"""The rename table of the multisensory networks against the lists of the authors' variables."""

import json

import numpy as np
import pytest
import torch

from avssl_hub import (
    MultisensoryConfig,
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryForVideoClassification,
    SpectrogramUNetForSeparation,
)
from avssl_hub.errors import CheckpointError
from conversion._multisensory_names import to_state_dict
from conversion._rename import check_fits

MODELS = {
    "shift": (MultisensoryForAlignment, MultisensoryConfig()),
    "cam": (MultisensoryForAlignment, MultisensoryConfig.localization()),
    "sep_unet_pit": (SpectrogramUNetForSeparation, MultisensoryConfig.blind_separation()),
    "cls_ucf101": (MultisensoryForVideoClassification, MultisensoryConfig.recognition(num_labels=101)),
} | {
    f"sep_{name}": (MultisensoryForSourceSeparation, MultisensoryConfig.separation())
    for name in ("full", "large", "static", "scratch", "mono")
}


@pytest.mark.parametrize("name", MODELS)
def test_every_variable_has_one_place(shared_data, name):
    listed = json.loads(shared_data("../reference/multisensory_variables.json").read_text())[name]
    model_class, config = MODELS[name]
    with torch.device("meta"):
        model = model_class(config)
    # A view of one number: shapes and names are what is tested.
    variables = {entry["name"]: np.broadcast_to(np.float32(0), entry["shape"]) for entry in listed}
    if name == "cls_ucf101":
        # The head left from pretraining, which classification does not use.
        del variables["joint/logits/weights"], variables["joint/logits/biases"]
    check_fits(to_state_dict(variables, name), model, name)


def test_kernels_are_turned_into_pytorchs_layouts():
    def numbered(*shape):
        return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)

    variables = {
        "sf/conv2_1_2/weights": numbered(15, 1, 2, 3),
        "im/conv1/weights": numbered(5, 7, 6, 3, 2),
        "gen/conv1/weights": numbered(4, 3, 2, 5),
        "gen/fg/weights": numbered(4, 3, 2, 5),
        "joint/logits/weights": numbered(1, 1, 1, 4, 1),
    }
    state = to_state_dict(variables, "a test")
    # [time, 1, in, out] to (out, in, time)
    sound = state["multisensory.audio_branch.blocks.0.residual.conv2.weight"]
    assert sound[2, 1, 14] == variables["sf/conv2_1_2/weights"][14, 0, 1, 2]
    # [time, height, width, in, out] to (out, in, time, height, width)
    video = state["multisensory.video_branch.stem.conv.weight"]
    assert video[1, 2, 3, 6, 5] == variables["im/conv1/weights"][3, 6, 5, 2, 1]
    # [height, width, in, out] to (out, in, height, width), and transposed [height, width, out, in] to (in, out, ...)
    for name in ("unet.encoder.0.conv.weight", "unet.on_screen.weight"):
        assert state[name][4, 1, 3, 2] == variables["gen/fg/weights"][3, 2, 1, 4]
    assert state["alignment_head.weight"].tolist() == [[0, 1, 2, 3]]


def test_foreign_variables_are_named():
    with pytest.raises(CheckpointError, match="no rule covers im/conv9_1_1/weights"):
        to_state_dict({"im/conv9_1_1/weights": np.zeros(1, np.float32)}, "a test")
