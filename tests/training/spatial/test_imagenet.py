"""Visual encoders that begin as a ResNet-18 of torchvision's."""

import pytest
import torch
from torch.nn import functional as F
from torchvision.models import resnet18

from avssl_hub.errors import CheckpointError
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel
from avssl_hub.training.spatial.imagenet import begin_with_resnet18

PARTS = ("weight", "bias", "running_mean", "running_var")


@pytest.fixture(scope="module")
def network():
    """A ResNet-18 whose shortcuts add nothing when they normalise, and whose statistics are not those it began with."""
    torch.manual_seed(0)
    network = resnet18().eval()
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        if name.endswith("running_var") or (name.endswith("weight") and value.ndim == 1):
            value.data.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")) and "downsample" not in name:
            value.data.normal_(std=0.1)
    return network


def test_both_encoders_compute_what_the_network_does(network):
    model = SpatialAudioGenModel(SpatialAudioGenConfig(image_size=(64, 96), batch_norm_eps=1e-5)).eval()
    begin_with_resnet18(model, network.state_dict())
    frames = torch.randn(2, 3, 64, 96)
    for encoder in model.visual_encoders.values():
        with torch.inference_mode():
            # Paddings differ where sizes are halved: there only what is computed pixel by pixel compares.
            stem = F.relu(network.bn1(network.conv1(frames)))
            ours = F.relu(encoder.stem.norm(network.conv1(frames), None))
            torch.testing.assert_close(ours, stem, rtol=1e-4, atol=1e-5)
            assert torch.equal(encoder.stem.conv.weight, network.conv1.weight)
            hidden = stem
            stages = (network.layer1, network.layer2, network.layer3, network.layer4)
            for (first, second), blocks in zip(stages, zip(encoder.blocks[::2], encoder.blocks[1::2])):
                expected = first(hidden)
                if first.downsample is None:
                    torch.testing.assert_close(blocks[0](hidden, None), expected, rtol=1e-4, atol=1e-4)
                else:
                    shortcut = first.downsample(hidden)
                    torch.testing.assert_close(blocks[0].shortcut(hidden), shortcut, rtol=1e-4, atol=1e-4)
                    assert torch.equal(blocks[0].conv1.conv.weight, first.conv1.weight)
                    assert torch.equal(blocks[0].conv2.norm.bias, first.bn2.bias)
                torch.testing.assert_close(blocks[1](expected, None), second(expected), rtol=1e-4, atol=1e-4)
                hidden = expected


def test_other_sizes_and_missing_weights_are_told(network):
    model = SpatialAudioGenModel(SpatialAudioGenConfig(video_hidden_sizes=(8, 8, 8, 8)))
    with pytest.raises(CheckpointError, match=r"expected the shapes of a ResNet-18\. Leave model\.video_hidden_sizes"):
        begin_with_resnet18(model, network.state_dict())
    with pytest.raises(CheckpointError, match=r"ImageNet weights: got no layer1\.0\.conv1\.weight"):
        begin_with_resnet18(model, {"conv1.weight": 0, **{f"bn1.{part}": 0 for part in PARTS}})
