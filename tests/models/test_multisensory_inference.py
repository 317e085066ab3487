"""The multisensory networks' form for inference: equal outputs at all sizes, in less memory, and not to be saved."""

from copy import deepcopy

import pytest
import torch

from avssl_hub import (
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryForVideoClassification,
    MultisensoryModel,
    SpectrogramUNetForSeparation,
)
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.multisensory.norm_multisensory import BatchNorm

from .test_multisensory import noise, small_config

# Odd and even frames and sides; more frames than are worked on at once.
SIZES = [(9, 32, 40), (34, 33, 31), (2, 17, 50)]


@torch.no_grad()
def network(model_class, **changes):
    """A network whose normalisations have statistics and weights that folding can get wrong."""
    torch.manual_seed(0)
    model = model_class(small_config(**changes)).eval()
    for module in model.modules():
        if isinstance(module, BatchNorm):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            module.bias.uniform_(-0.5, 0.5)
            if module.weight is not None:
                module.weight.uniform_(-1.5, 1.5)
    return model


def clip(frames: int, height: int, width: int, batch: int = 2) -> dict[str, torch.Tensor]:
    sound = 0.1 * noise(batch, 2, 640 * frames + 8000)
    return {"pixel_values_videos": noise(batch, frames, 3, height, width), "input_values": sound}


def both_outputs(model, *args, **inputs):
    fast = deepcopy(model).optimize_for_inference()
    with torch.no_grad():
        return model(*args, **inputs), fast(*args, **inputs)


def assert_equal_values(actual: torch.Tensor, expected: torch.Tensor, of: torch.Tensor | None = None):
    """To a ten-thousandth of the standard deviation of ``expected``, or of what it is a mean ``of``."""
    assert actual.shape == expected.shape
    values = expected if of is None else of
    spread = values[~values.isnan()].std().item()
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-4 * spread, equal_nan=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("changes", [{}, {"batch_norm_scale": False, "last_stage_stride": 1}])
def test_all_maps_are_equal(size, changes):
    expected, actual = both_outputs(network(MultisensoryModel, **changes), **clip(*size), output_hidden_states=True)
    assert actual.keys() == expected.keys()
    for name, values in expected.items():
        for one, other in zip(actual[name], values, strict=True):
            assert_equal_values(one, other)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "model_class", [MultisensoryForAlignment, MultisensoryForVideoClassification, MultisensoryForSourceSeparation]
)
def test_outputs_of_the_heads_are_equal(model_class, size):
    mask = torch.tensor([True, False, True])
    expected, actual = both_outputs(network(model_class), **clip(*size, batch=3), audio_mask=mask)
    for name in ("activation_maps", "pooler_output", "levels", "phases", "waveforms"):
        if expected.get(name) is not None:
            assert_equal_values(actual[name], expected[name])
    assert_equal_values(actual.logits, expected.logits, of=expected.get("activation_maps"))


def test_blind_separation_is_equal():
    expected, actual = both_outputs(network(SpectrogramUNetForSeparation), 0.1 * noise(2, 2, 8000))
    for name in ("levels", "phases", "waveforms"):
        assert_equal_values(actual[name], expected[name])


def test_several_sounds_and_none_are_equal():
    inputs = clip(*SIZES[0])
    sounds = 0.1 * noise(2, 3, 2, 14000, seed=4)
    expected, actual = both_outputs(network(MultisensoryForAlignment), inputs["pixel_values_videos"], sounds)
    assert_equal_values(actual.activation_maps, expected.activation_maps)
    expected, actual = both_outputs(network(MultisensoryModel), inputs["pixel_values_videos"])
    assert_equal_values(actual.last_hidden_state, expected.last_hidden_state)


def test_a_second_call_changes_nothing():
    model = network(MultisensoryForAlignment)
    inputs = clip(*SIZES[0])
    with torch.no_grad():
        once = model.optimize_for_inference()(**inputs)
        twice = model.train().optimize_for_inference()(**inputs)
    assert torch.equal(once.activation_maps, twice.activation_maps)


@pytest.mark.parametrize("part", ["itself", "multisensory"])
def test_form_for_inference_is_not_saved(part, tmp_path):
    model = MultisensoryForAlignment(small_config())
    (model if part == "itself" else model.multisensory).optimize_for_inference()
    for saved in (model, model.multisensory):
        with pytest.raises(InvalidValueError, match=r"optimize_for_inference.*Load the model again"):
            saved.save_pretrained(tmp_path)


@torch.no_grad()
def test_only_the_map_that_is_asked_for_is_kept():
    for model in (network(MultisensoryModel), network(MultisensoryModel).optimize_for_inference()):
        pixels = clip(*SIZES[1])["pixel_values_videos"]
        (alone,) = model.encode_video(pixels, all_maps=False)
        assert torch.equal(alone, model.encode_video(pixels)[-1])
