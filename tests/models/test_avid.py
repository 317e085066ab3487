"""The AVID family: the common contract, initialisation, quirks as options, faster forms, exports."""

import math

import pytest
import torch
from torch import nn

from avssl_hub import (
    AvidConfig,
    AvidForAudioClassification,
    AvidForLinearProbe,
    AvidForVideoClassification,
    AvidModel,
)
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.avid import export_onnx

from .common import ModelFamilyTests


def small_config(**changes) -> AvidConfig:
    sizes = {"video_hidden_sizes": (8, 8, 12, 16), "audio_hidden_sizes": (8, 8, 12, 16), "projection_sizes": (16, 8)}
    return AvidConfig(**{"video_depth": 10, "num_labels": 5, **sizes, **changes})


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


class TestAvid(ModelFamilyTests):
    model_classes = (AvidModel, AvidForVideoClassification, AvidForAudioClassification)
    main_outputs = ("video_embeds", "audio_embeds", "video_pooled", "audio_pooled", "logits")
    modalities = {
        "pixel_values_videos": ["video_embeds", "video_pooled"],
        "input_features": ["audio_embeds", "audio_pooled"],
    }

    def config(self):
        return small_config()

    def inputs(self, model_class, batch=2):
        video, audio = noise(batch, 8, 3, 32, 32), noise(batch, 1, 50, 65)
        if model_class is AvidForVideoClassification:
            return {"pixel_values_videos": video}
        if model_class is AvidForAudioClassification:
            return {"input_features": audio}
        return {"pixel_values_videos": video, "input_features": audio}


@torch.no_grad()
def settle_batch_norms(model: nn.Module) -> nn.Module:
    """Give every batch normalisation statistics and weights that folding can get wrong."""
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.uniform_(-1.5, 1.5, generator=generator)
            module.bias.uniform_(-0.5, 0.5, generator=generator)
    return model.eval()


def test_default_network_has_the_papers_size():
    with torch.device("meta"):
        model = AvidModel(AvidConfig())
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert parts == {
        "video_encoder": 15_379_136,
        "audio_encoder": 4_725_696,
        "video_projection": 590_976,
        "audio_projection": 590_976,
    }


@pytest.mark.parametrize(("frames", "time"), [(8, (8, 8, 4, 2, 1)), (32, (32, 32, 16, 8, 4))])
def test_feature_maps_have_the_papers_sizes(frames, time):
    model = AvidModel(small_config(video_depth=18)).eval()
    with torch.no_grad():
        output = model(noise(1, frames, 3, 112, 112), noise(1, 1, 200, 257), output_hidden_states=True)
    sides = (28, 28, 14, 7, 4)
    assert [tuple(m.shape[2:]) for m in output.video_hidden_states] == [(t, s, s) for t, s in zip(time, sides)]
    expected = [(100, 129), (50, 65), (25, 33), (13, 17), (13, 17)]
    assert [tuple(m.shape[2:]) for m in output.audio_hidden_states] == expected


def test_ablation_network_keeps_resolution_longer():
    model = AvidModel(AvidConfig.ablation(video_hidden_sizes=(8, 8, 12, 16))).eval()
    with torch.no_grad():
        output = model(noise(1, 8, 3, 112, 112), noise(1, 1, 100, 129), output_hidden_states=True)
    assert output.video_hidden_states[0].shape[2:] == (8, 56, 56)
    assert [tuple(m.shape[2:]) for m in output.audio_hidden_states][:2] == [(50, 65), (50, 65)]


def test_initialisation_is_pytorchs_default():
    torch.manual_seed(0)
    model = AvidModel(AvidConfig(video_depth=10))
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
            # Kaiming-uniform with a = sqrt(5) is uniform in +-1/sqrt(fan in), whose deviation is the bound / sqrt(3).
            bound = 1 / math.sqrt(module.weight[0].numel())
            assert bound * 0.97 < module.weight.abs().max() <= bound
            assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.06)
            if module.bias is not None:
                assert 0 < module.bias.abs().max() <= bound
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert (module.eps, module.momentum) == (1e-5, 0.1)
            for name, value in {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}.items():
                assert getattr(module, name).eq(value).all()


def test_a_single_width_is_one_linear_layer_and_none_leaves_the_heads_out():
    one = AvidModel(small_config(projection_sizes=7))
    assert [type(m) for m in one.video_projection.layers] == [nn.Linear]
    assert one.video_projection.layers[0].out_features == 7
    none = AvidModel(small_config(projection_sizes=None)).eval()
    output = none(noise(1, 8, 3, 32, 32))
    assert torch.equal(output.video_embeds, output.video_pooled)


def test_missing_sound_is_masked_not_zeroed():
    model = AvidModel(small_config()).eval()
    mask = torch.tensor([True, False])
    output = model(input_features=noise(2, 1, 50, 65), audio_mask=mask)
    assert torch.equal(output.audio_mask, mask)
    assert output.audio_embeds[0].isfinite().all()
    assert output.audio_embeds[1].isnan().all()
    assert output.video_embeds is None


def test_classification_loss_is_cross_entropy():
    model = AvidForAudioClassification(small_config()).eval()
    labels = torch.tensor([3, 0])
    output = model(noise(2, 1, 50, 65), labels=labels, output_hidden_states=True)
    log_probabilities = output.logits.double().log_softmax(1)
    expected = -(log_probabilities[0, 3] + log_probabilities[1, 0]) / 2
    assert output.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert len(output.hidden_states) == 5


def test_classifier_takes_its_tower_from_a_pretrained_model(tmp_path):
    pretrained = AvidModel(small_config())
    pretrained.save_pretrained(tmp_path)
    classifier = AvidForVideoClassification.from_pretrained(tmp_path, num_labels=3)
    for name, value in pretrained.video_encoder.state_dict().items():
        assert torch.equal(classifier.video_encoder.state_dict()[name], value)
    assert classifier.classifier.out_features == 3


@pytest.mark.parametrize("frozen", [False, True])
def test_probe_tower_statistics_drift_as_released_unless_frozen(frozen):
    model = AvidForLinearProbe(small_config(probe_grid_sizes=(4, 3, 2, 1), probe_frozen_batch_norm=frozen)).train()
    before = {k: v.clone() for k, v in model.video_encoder.state_dict().items()}
    output = model(noise(4, 8, 3, 32, 32), labels=torch.tensor([0, 1, 2, 3]))
    output.loss.backward()
    drifted = [k for k, v in model.video_encoder.state_dict().items() if not torch.equal(v, before[k])]
    assert bool(drifted) is not frozen
    assert all("running" in name or "num_batches" in name for name in drifted)
    assert all(p.grad is None for p in model.video_encoder.parameters())
    assert all(p.grad is not None for p in model.probes.parameters())
    losses = [nn.functional.cross_entropy(output.logits[:, i], torch.arange(4)) for i in range(4)]
    torch.testing.assert_close(output.loss, sum(losses))


def test_probe_can_read_the_pooled_feature():
    config = small_config(probe_features=("conv5x", "pool"), probe_grid_sizes=(2, 1))
    output = AvidForLinearProbe(config).eval()(noise(2, 8, 3, 32, 32))
    assert [tuple(f.shape) for f in output.pooled_features] == [(2, 64), (2, 16)]
    # A grid of one is the global maximum, which is also the maximum of the two-by-two grid.
    torch.testing.assert_close(output.pooled_features[0].view(2, 16, 4).amax(2), output.pooled_features[1])


@pytest.mark.parametrize("changes", [{"video_depth": 18}, {"video_stem_pool": False, "audio_strides": (1, 2, 2, 1)}])
def test_inference_form_gives_equal_features(changes):
    model = settle_batch_norms(AvidModel(small_config(**changes)))
    inputs = noise(2, 8, 3, 32, 32), noise(2, 1, 50, 65)
    with torch.no_grad():
        expected = model(*inputs, output_hidden_states=True)
        actual = model.optimize_for_inference()(*inputs, output_hidden_states=True)
    for name in ("video_embeds", "audio_embeds", "video_pooled", "audio_pooled"):
        torch.testing.assert_close(actual[name], expected[name], rtol=1e-5, atol=1e-5)
    for name in ("video_hidden_states", "audio_hidden_states"):
        for one, other in zip(actual[name], expected[name], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_inference_form_is_not_saved(tmp_path):
    with pytest.raises(InvalidValueError, match=r"optimize_for_inference.*Load the model again"):
        AvidModel(small_config()).optimize_for_inference().save_pretrained(tmp_path)


def test_onnx_towers_agree_at_another_batch_size(tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="ONNX export needs the 'export' extra")
    pytest.importorskip("onnxscript", reason="ONNX export needs the 'export' extra")
    model = settle_batch_norms(AvidModel(small_config()))
    paths = export_onnx(model, tmp_path, video_shape=(8, 3, 32, 32), audio_shape=(1, 50, 65))
    inputs = {"video": noise(3, 8, 3, 32, 32), "audio": noise(1, 1, 50, 65)}
    with torch.no_grad():
        expected = {"video": model(inputs["video"]), "audio": model(input_features=inputs["audio"])}
    for modality, path in paths.items():
        session = runtime.InferenceSession(str(path))
        embeds, pooled = session.run(None, {session.get_inputs()[0].name: inputs[modality].numpy()})
        torch.testing.assert_close(
            torch.from_numpy(embeds), expected[modality][f"{modality}_embeds"], atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            torch.from_numpy(pooled), expected[modality][f"{modality}_pooled"], atol=1e-4, rtol=0
        )


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("video_depth", 50, r"one of \[10, 18, 34\]"),
        ("audio_strides", (2, 2), "four positive integers"),
        ("projection_sizes", (512, 0), "positive integer"),
        ("classifier_dropout", 1.0, r"number in \[0, 1\)"),
        ("probe_features", ("conv6x",), "names among"),
    ],
)
def test_config_names_the_field_that_is_wrong(field, value, expected):
    with pytest.raises(InvalidValueError, match=rf"AvidConfig\.{field}: got .*; expected .*{expected}"):
        AvidConfig(**{field: value})


def test_wrong_input_shapes_are_named():
    model = AvidModel(small_config())
    with pytest.raises(
        InvalidValueError, match=r"pixel_values_videos: got shape \(1, 3, 8, 32, 32\); expected .*time, 3"
    ):
        model(noise(1, 3, 8, 32, 32))
    with pytest.raises(InvalidValueError, match=r"input_features: got shape \(1, 50, 65\)"):
        model(input_features=noise(1, 50, 65))
    with pytest.raises(InvalidValueError, match="neither modality"):
        model()
