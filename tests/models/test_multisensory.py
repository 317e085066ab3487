"""The multisensory family: the common contract, sizes, both batch normalisations, options, losses."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from avssl_hub import (
    MultisensoryConfig,
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryForVideoClassification,
    MultisensoryModel,
    SpectrogramUNetForSeparation,
)
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.multisensory.losses_multisensory import permutation_invariant_loss
from avssl_hub.models.multisensory.norm_multisensory import BatchNorm, BatchRenorm
from avssl_hub.models.multisensory.pooling_multisensory import FractionalMaxPool, random_edges

from .common import ModelFamilyTests

SMALL = {
    "video_hidden_sizes": (8, 12, 16, 20),
    "audio_hidden_sizes": (8, 12, 12, 16, 8),
    "fusion_hidden_size": 24,
    "fft_size": 128,
    "frame_length": 84,
    "hop_length": 21,
    "unet_hidden_sizes": (8, 8, 12, 12, 16),
    "unet_time_strides": (1, 1, 2, 2, 2),
    "unet_video_layers": (1, 2, 3),
    "num_labels": 5,
}


def small_config(**changes) -> MultisensoryConfig:
    return MultisensoryConfig(**{**SMALL, "batch_norm_scale": True, **changes})


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clip(batch: int = 2) -> dict[str, torch.Tensor]:
    return {"pixel_values_videos": 0.1 * noise(batch, 9, 3, 32, 40), "input_values": 0.01 * noise(batch, 2, 8000)}


class TestMultisensory(ModelFamilyTests):
    model_classes = (
        MultisensoryModel,
        MultisensoryForAlignment,
        MultisensoryForVideoClassification,
        MultisensoryForSourceSeparation,
        SpectrogramUNetForSeparation,
    )
    main_outputs = ("last_hidden_state", "pooler_output", "logits", "activation_maps", "levels", "waveforms")

    def config(self):
        return small_config()

    def inputs(self, model_class, batch=2):
        inputs = clip(batch)
        return {"input_values": inputs["input_values"]} if model_class is SpectrogramUNetForSeparation else inputs


@pytest.mark.parametrize(
    ("model_class", "config", "trainable", "all_numbers"),
    [
        (MultisensoryForAlignment, MultisensoryConfig(), 36_044_609, 36_063_577),
        (MultisensoryForAlignment, MultisensoryConfig.localization(), 36_044_609, 36_063_577),
        # The head of 513 numbers that is left from pretraining is not trained.
        (MultisensoryForSourceSeparation, MultisensoryConfig.separation(), 113_669_445 - 513, 113_714_559),
        (SpectrogramUNetForSeparation, MultisensoryConfig.blind_separation(), 67_001_092, 67_027_238),
    ],
)
def test_networks_have_the_papers_size(model_class, config, trainable, all_numbers):
    with torch.device("meta"):
        model = model_class(config)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == trainable
    assert sum(value.numel() for value in model.state_dict().values()) == all_numbers


@pytest.mark.parametrize(("stride", "side"), [(2, 7), (1, 14)])
def test_feature_maps_of_a_native_clip_have_the_papers_sizes(stride, side):
    with torch.device("meta"):
        model = MultisensoryModel(MultisensoryConfig(last_stage_stride=stride)).eval()
        video = model.encode_video(torch.zeros(1, 125, 3, 224, 224))
        # The pooling's edges are numbers, which the meta device does not hold.
        model.audio_branch.align.edges = lambda length, size, device: torch.zeros(size + 1, dtype=torch.long)
        audio, fused = model.fuse(video[-1], torch.zeros(1, 2, 87588))
    assert [tuple(m.shape[2:]) for m in video] == [(63, 112, 112), (63, 56, 56), (32, 28, 28)]
    assert [m.shape[2] for m in audio] == [21897, 1369, 343, 86, 32]
    blocks = [(32, 28, 28)] * 3 + [(16, 14, 14)] * 2 + [(16, side, side)] * 2
    assert [tuple(m.shape[2:]) for m in fused] == blocks


def test_initialisation_is_the_papers():
    torch.manual_seed(0)
    model = MultisensoryForSourceSeparation(small_config(video_hidden_sizes=(24, 32, 48, 64)))
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv1d, nn.Conv3d)):
            std = (2 / module.weight[0].numel()) ** 0.5
            assert module.weight.std().item() == pytest.approx(std, rel=0.15), name
            # Cut at two standard deviations of the uncut distribution.
            assert module.weight.abs().max() < 2 * std / 0.87
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.15), name
        elif isinstance(module, BatchNorm):
            expected = {"bias": 0, "running_mean": 0, "running_var": 1}
            expected |= {key: 0 for key in dict(module.named_buffers()) if key.startswith("renorm")}
            assert all(getattr(module, key).eq(value).all() for key, value in expected.items())
            assert module.weight.eq(1).all() != name.startswith("unet")
        if isinstance(module, nn.modules.conv._ConvNd) and module.bias is not None:
            assert not module.bias.any()


def test_scale_free_checkpoint_starts_networks_with_scale_at_one(tmp_path):
    pretrained = MultisensoryForAlignment(small_config(batch_norm_scale=False))
    assert not any(name.endswith("norm.weight") for name in pretrained.state_dict())
    pretrained.save_pretrained(tmp_path)
    model = MultisensoryForSourceSeparation.from_pretrained(tmp_path, batch_norm_scale=True)
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in pretrained.state_dict().items())
    scales = [name for name in state if name.startswith("multisensory.") and name.endswith("norm.weight")]
    # The authors' action network has 219 variables, the pretext network 186, and two are the classifier.
    assert len(scales) == 219 - 186 - 2
    assert all(state[name].eq(1).all() for name in scales)


def renormalized(values, state, eps=1e-3):
    """Batch renormalisation of one batch ``(n, C)`` by its formulas, and the state after it."""
    mean, std = values.mean(0), np.sqrt(values.var(0) + eps)
    known_mean = state["mean"] + (1 - state["weight"]) * mean
    known_std = state["std"] + (1 - state["weight"]) * std
    out = (values - mean) / std * (std / known_std) + (mean - known_mean) / known_std
    after = {key: state[key] * 0.99 + value * 0.01 for key, value in (("mean", mean), ("std", std), ("weight", 1.0))}
    moving_mean = state["moving_mean"] * 0.9997 + 0.0003 * after["mean"] / after["weight"]
    moving_var = state["moving_var"] * 0.9997 + 0.0003 * ((after["std"] / after["weight"]) ** 2 - eps)
    return out, after | {"moving_mean": moving_mean, "moving_var": moving_var}


def test_batch_renormalisation_follows_its_formulas_over_steps():
    norm = BatchRenorm(3, 1e-3, 3e-4, 0.01, scale=False).double().train()
    state = {"mean": 0.0, "std": 0.0, "weight": 0.0, "moving_mean": 0.0, "moving_var": 1.0}
    rng = np.random.RandomState(0)
    for step in range(5):
        values = rng.standard_normal((40, 3)) * (step + 1) + step
        expected, state = renormalized(values, state)
        actual = norm(torch.from_numpy(values).T[None])[0].T
        np.testing.assert_allclose(actual.detach(), expected, rtol=1e-9, atol=1e-9)
        if step == 0:
            # With nothing seen before it is plain batch normalisation.
            np.testing.assert_allclose(expected, (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-3))
    buffers = {
        "renorm_mean": "mean",
        "renorm_std": "std",
        "renorm_std_weight": "weight",
        "running_mean": "moving_mean",
        "running_var": "moving_var",
    }
    for name, key in buffers.items():
        np.testing.assert_allclose(getattr(norm, name), state[key], rtol=1e-9)
    norm.eval()
    expected = (values - state["moving_mean"]) / np.sqrt(state["moving_var"] + 1e-3)
    np.testing.assert_allclose(norm(torch.from_numpy(values).T[None])[0].T.detach(), expected)


def test_renormalisation_is_constant_for_the_gradient():
    norm = BatchRenorm(2, 1e-3, 3e-4, 0.01).double().train()
    norm(3 * noise(4, 2, 5).double() + 1)
    values = noise(4, 2, 5, seed=2).double().requires_grad_()
    weights = noise(4, 2, 5, seed=3).double()
    std = (values.detach().var((0, 2), correction=0) + 1e-3).sqrt()
    ratio = std / (norm.renorm_std + (1 - norm.renorm_std_weight) * std)
    plain = F.batch_norm(values, None, None, training=True, eps=1e-3)
    (expected,) = torch.autograd.grad((plain * ratio[:, None] * weights).sum(), values)
    (actual,) = torch.autograd.grad((norm(values) * weights).sum(), values)
    torch.testing.assert_close(actual, expected)


def test_random_pooling_has_the_right_segments_in_any_order():
    torch.manual_seed(0)
    seen = {tuple(random_edges(7, 3).diff().tolist()) for _ in range(50)}
    # Seven in three: two of two and one of three.
    assert seen == set(itertools.permutations((2, 2, 3)))
    pool = FractionalMaxPool().train()
    values = noise(2, 3, 11)
    pool.edges = lambda *_: torch.tensor([0, 2, 5, 7, 11])
    expected = torch.stack([values[..., a:b].amax(-1) for a, b in ((0, 2), (2, 5), (5, 7), (7, 11))], -1)
    assert torch.equal(pool(values, 4), expected)


def test_several_sounds_share_the_picture():
    model = MultisensoryForAlignment(small_config()).eval()
    inputs = clip()
    sounds = 0.2 * noise(2, 3, 2, 8000, seed=5)
    together = model(inputs["pixel_values_videos"], sounds)
    for index in range(3):
        alone = model(inputs["pixel_values_videos"], sounds[:, index])
        torch.testing.assert_close(together.logits[:, index], alone.logits)
        torch.testing.assert_close(together.activation_maps[:, index], alone.activation_maps)
    torch.testing.assert_close(alone.activation_maps.mean((1, 2, 3)), alone.logits)


def test_missing_sound_is_masked_and_does_not_count():
    model = MultisensoryForAlignment(small_config()).eval()
    inputs, mask = clip(3), torch.tensor([True, False, True])
    labels = torch.tensor([1, 1, 0])
    output = model(**inputs, audio_mask=mask, labels=labels)
    assert output.logits.isnan().tolist() == [False, True, False]
    assert output.activation_maps.isnan().flatten(1).all(1).tolist() == [False, True, False]
    expected = F.softplus(torch.stack([-output.logits[0], output.logits[2]])).mean()
    torch.testing.assert_close(output.loss, expected)

    features = model.multisensory(**inputs, audio_mask=mask).pooler_output
    silent = model.multisensory(inputs["pixel_values_videos"]).pooler_output
    assert torch.equal(features[1], silent[1])
    assert not torch.allclose(features[0], silent[0])


def test_nothing_is_separated_where_there_is_no_sound():
    model = MultisensoryForSourceSeparation(small_config()).eval()
    inputs, mask, labels = clip(3), torch.tensor([True, False, True]), 0.1 * noise(3, 2, 2, 8000, seed=7)
    output = model(**inputs, audio_mask=mask, labels=labels)
    heard = model(**{name: value[mask] for name, value in inputs.items()}, labels=labels[mask])
    for name in ("waveforms", "activation_maps"):
        torch.testing.assert_close(output[name][mask], heard[name], rtol=1e-4, atol=1e-5)
        assert output[name][1].isnan().all()
    torch.testing.assert_close(output.loss, heard.loss)


def test_options_change_what_is_seen_and_heard():
    inputs = clip(1)
    model = MultisensoryModel(small_config()).eval()

    def features(**changes):
        for name in ("use_sound", "mono_sound", "static_video"):
            setattr(model.config, name, changes.get(name, name == "use_sound"))
        return model(**inputs).pooler_output

    pixels, samples = inputs.values()
    middle = pixels[:, 4:5].expand_as(pixels)
    torch.testing.assert_close(features(static_video=True), model(middle, samples).pooler_output)
    mono = samples.mean(1, keepdim=True).expand_as(samples)
    expected = features(mono_sound=True)
    model.config.mono_sound = False
    torch.testing.assert_close(expected, model(pixels, mono).pooler_output)
    torch.testing.assert_close(features(use_sound=False), model(pixels).pooler_output)


def test_classification_loss_is_cross_entropy():
    model = MultisensoryForVideoClassification(small_config()).eval()
    labels = torch.tensor([3, 0])
    output = model(**clip(), labels=labels)
    expected = -output.logits.double().log_softmax(1)[torch.arange(2), labels].mean()
    assert output.loss.item() == pytest.approx(expected.item(), abs=1e-6)


def test_sound_comes_out_at_its_own_level_when_the_gain_is_divided_out():
    model = SpectrogramUNetForSeparation(small_config()).eval()
    sound = clip()["input_values"]
    louder, level = model(sound), model(sound, normalize_gain=True)
    torch.testing.assert_close(level.waveforms * 1.5, louder.waveforms)
    # 377 frames are cut to a multiple of eight.
    assert louder.mixture_levels.shape == (2, 376, 65)
    assert louder.waveforms.shape == (2, 2, 21 * 375 + 84)


def test_mixture_is_made_from_the_first_channel_or_the_mean():
    model = SpectrogramUNetForSeparation(small_config()).eval()
    sound = clip()["input_values"]
    first, mean = sound[:, :1].expand_as(sound), sound.mean(1, keepdim=True).expand_as(sound)
    expected = {"first": model(first).mixture_levels, "mean": model(mean).mixture_levels}
    assert torch.equal(model(sound).mixture_levels, expected["first"])
    for channel, levels in expected.items():
        torch.testing.assert_close(model(sound, mixture_channel=channel).mixture_levels, levels)
    torch.testing.assert_close(model.train()(sound).mixture_levels, expected["mean"])
    with pytest.raises(InvalidValueError, match="mixture_channel: got 'left'; expected one of"):
        model(sound, mixture_channel="left")


def test_permutation_invariant_loss_takes_the_better_order_of_each_clip():
    sources = noise(3, 2, 4, 5), noise(3, 2, 4, 5, seed=2)
    # The first clip is predicted in order, the second in the other order, the third only in part.
    order = torch.tensor([[0, 1], [1, 0], [0, 0]])
    predicted = tuple(values[torch.arange(3)[:, None], order] for values in sources)
    level, phase = ((values[2, 0] - values[2, 1]).abs().mean() for values in sources)
    torch.testing.assert_close(permutation_invariant_loss(predicted, sources, 0.01), (level + 0.01 * phase) / 3)


def test_separation_losses_add_up():
    inputs, labels = clip(), 0.2 * noise(2, 2, 2, 8000, seed=7)
    both = {"separation_losses": ("on_off", "permutation_invariant")}
    model = MultisensoryForSourceSeparation(small_config(**both)).eval()
    output = model(**inputs, labels=labels, mixture_channel="mean")
    span = (-100, 80)
    levels, phases = model.spectrogram(labels.mean(2))
    errors = {
        "level": (output.levels - levels).abs().mean((0, 2, 3)) * 2 / (span[1] - span[0]),
        "phase": (output.phases - phases).abs().mean((0, 2, 3)) / torch.pi,
    }
    for name, error in errors.items():
        for index, place in enumerate(("on_screen", "off_screen")):
            torch.testing.assert_close(output.loss_terms[f"{place}_{name}"], error[index], rtol=1e-4, atol=1e-6)
    on_off = errors["level"].sum() + 0.01 * errors["phase"].sum()
    torch.testing.assert_close(output.loss - output.loss_terms["permutation_invariant"], on_off, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("video_hidden_sizes", (8, 8), "four positive integers"),
        ("audio_hidden_sizes", (8, 8, 8, 8, 2), "the last at least what"),
        ("last_stage_stride", 3, "1 or 2"),
        ("unet_time_strides", (1, 2), "1 or 2 for each of the 5"),
        ("unet_video_layers", (2, 3, 4), "before the last of 5"),
        ("fft_size", 96, "multiple of 64"),
        ("separation_losses", ("both",), "one or more of"),
        ("mixture_channel", "second", "one of"),
    ],
)
def test_config_names_the_field_that_is_wrong(field, value, expected):
    with pytest.raises(InvalidValueError, match=rf"MultisensoryConfig\.{field}: got .*; expected .*{expected}"):
        small_config(**{field: value})


def test_wrong_inputs_are_named():
    model = MultisensoryForAlignment(small_config()).eval()
    pixels, samples = clip(1).values()
    with pytest.raises(InvalidValueError, match=r"pixel_values_videos: got shape \(1, 3, 9, 32, 40\)"):
        model(pixels.transpose(1, 2), samples)
    with pytest.raises(
        InvalidValueError, match=r"input_values: got shape \(1, 1, 8000\); expected .*batch, 2, samples"
    ):
        model(pixels, samples[:, :1])
    # 3000 samples make three features, as many as the nine frames.
    with pytest.raises(InvalidValueError, match="got 3 features of sound for 3 of picture; expected at least two more"):
        model(pixels, samples[..., :3000])
    separation = SpectrogramUNetForSeparation(small_config())
    with pytest.raises(
        InvalidValueError, match=r"input_values: got shape \(2, 8000\); expected .*batch, channels, samples"
    ):
        separation(samples[0])
    with pytest.raises(InvalidValueError, match=r"labels: got shape \(1, 2, 8000\); expected \(1, 2, 2, 8000\)"):
        separation(samples, labels=samples)
    with pytest.raises(InvalidValueError, match="samples of input_values: got 200; expected at least 231"):
        separation(samples[..., :200])


def test_sight_may_enter_after_every_layer_but_the_last():
    sizes = {"unet_hidden_sizes": (8,) * 4, "unet_time_strides": (1, 1, 2, 2)}
    model = MultisensoryForSourceSeparation(small_config(**sizes, unet_video_layers=(0, 1, 2))).eval()
    seen, grey = (
        model(**{**clip(), "pixel_values_videos": pixels})
        for pixels in (clip()["pixel_values_videos"], torch.zeros(2, 9, 3, 32, 40))
    )
    assert not torch.equal(seen.waveforms, grey.waveforms)
    with pytest.raises(InvalidValueError, match="before the last of 4"):
        small_config(**sizes, unet_video_layers=(1, 2, 3))
