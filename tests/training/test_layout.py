"""Weights that lie channels last train to the same values, and are saved as any others."""

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch.testing import assert_close

from avssl_hub import AvidConfig, AvidModel
from avssl_hub.training import load_recipe, train
from avssl_hub.training.layout import channels_last
from tests.training.runs import train_until

from .test_trainer import SMALL

CONFIG = {
    "video_depth": 10,
    "video_hidden_sizes": [4, 4, 8, 8],
    "audio_hidden_sizes": [4, 4, 8, 8],
    "projection_sizes": [8, 4],
}


def model():
    torch.manual_seed(0)
    return AvidModel(AvidConfig(**CONFIG)).train()


def laid_out():
    made = model()
    channels_last(made)
    return made


def gradients(trained):
    generator = torch.Generator().manual_seed(1)
    video = torch.randn(2, 4, 3, 32, 32, generator=generator)
    output = trained(video, torch.randn(2, 1, 50, 65, generator=generator))
    (output.video_embeds.square().sum() + output.audio_embeds.square().sum()).backward()
    return {name: parameter.grad for name, parameter in trained.named_parameters()}


def lies_channels_last(weight):
    # The channels of one place are neighbours in memory.
    return weight.stride(1) == 1 and weight.stride(-1) == weight.shape[1]


def test_both_towers_weights_lie_channels_last_and_give_the_same_gradients():
    changed = laid_out()
    assert lies_channels_last(changed.video_encoder.stages[1][0].spatial_conv1.weight)
    assert lies_channels_last(changed.audio_encoder.blocks[1].conv1.weight)
    found = gradients(changed)
    for name, expected in gradients(model()).items():
        # Normalisation makes gradients small differences of large numbers.
        assert_close(found[name], expected, rtol=0, atol=1e-2 * expected.abs().max().item())


def test_saved_weights_are_those_of_any_other_model(tmp_path):
    laid_out().save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    for name, expected in model().state_dict().items():
        assert saved[name].is_contiguous()
        assert_close(saved[name], expected, rtol=0, atol=0)


def test_a_checkpoint_restores_weights_and_optimiser_in_their_layout(tmp_path):
    accelerator = Accelerator(cpu=True)
    trained = laid_out()
    optimizer = torch.optim.Adam(trained.parameters(), 1e-2)
    trained, optimizer = accelerator.prepare(trained, optimizer)
    gradients(trained)
    optimizer.step()
    accelerator.save_state(str(tmp_path))
    optimizer.step()
    expected = {name: value.clone() for name, value in trained.state_dict().items()}
    accelerator.load_state(str(tmp_path))
    assert lies_channels_last(trained.video_encoder.stages[1][0].spatial_conv1.weight)
    optimizer.step()
    for name, value in trained.state_dict().items():
        assert_close(value, expected[name], rtol=0, atol=0)
    accelerator.free_memory()


@pytest.mark.slow
def test_a_run_compiled_and_channels_last_resumes_and_leaves_an_ordinary_model(tmp_path):
    settings = [*SMALL, "loop.steps=4", "loop.compile=true", "loop.channels_last=true", "loop.trackers=[]"]
    recipe = load_recipe("avid/tiny_avworld", settings)
    whole = train(recipe, tmp_path / "whole")
    train_until(3, recipe, tmp_path / "cut")
    cut = train(recipe, tmp_path / "cut", resume=True)
    weights, resumed = (load_file(folder / "model.safetensors") for folder in (whole, cut))
    assert weights.keys() == AvidModel.from_pretrained(whole).state_dict().keys()
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)
