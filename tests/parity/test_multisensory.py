"""The multisensory networks against outputs of the authors' TensorFlow graphs: evaluation, and training steps."""

import re

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
from avssl_hub.audio.stft import from_decibels, griffin_lim, inverse_stft, normalize_rms
from avssl_hub.models.multisensory.losses_multisensory import kernel_decay
from avssl_hub.models.multisensory.norm_multisensory import BatchRenorm
from avssl_hub.models.multisensory.pooling_multisensory import FractionalMaxPool, fixed_edges
from avssl_hub.training.scenes.mixing import mixed_pairs
from avssl_hub.video.legacy_resize import resize_linear

from ._multisensory import (
    assert_matches,
    assert_phases_match,
    channels_last,
    images,
    original_name,
    read_arrays,
    sound,
    stored,
    traced,
    with_rule_weights,
)
from ._rules import fixture_files

TRUNK_TOLERANCE = 1e-4
SEPARATION_TOLERANCE = 3e-3
LOSS_TOLERANCE = 2e-4
TRUNKS = {"shift": {}, "cam": {"last_stage_stride": 1}, "shiftnosound": {"use_sound": False}}
SEPARATIONS = {"full": {}, "static": {"static_video": True}, "mono": {"mono_sound": True}}


def files(*kinds: str) -> list:
    return [param for kind in kinds for param in fixture_files("multisensory", f"{kind}.*npz")]


def assert_traced_match(outputs, arrays, tolerance):
    """Compare all that was traced and is stored; return the names."""
    names = outputs.keys() & stored(arrays)
    for name in names:
        actual = channels_last(outputs[name], len(arrays[f"{name}|shape"]))
        assert_matches(actual, arrays, name, tolerance)
    if "sf/frac_pool" in names:
        edges = fixed_edges(outputs["sf/conv4_1"].shape[-1], outputs["sf/frac_pool"].shape[-1])
        assert edges == arrays["sf/frac_pool_rows|values"].tolist()
        names.add("sf/frac_pool_rows")
    return names


def assert_all_match(actual, arrays, tolerance):
    for name, value in actual.items():
        compare = assert_phases_match if "phase" in name else assert_matches
        compare(value, arrays, name, tolerance)


@pytest.mark.parametrize("path", files(*TRUNKS))
def test_trunk_matches_every_intermediate(path):
    arrays = read_arrays(path)
    config = MultisensoryConfig(**TRUNKS[path.name.split(".")[0]])
    model = with_rule_weights(MultisensoryForAlignment, config)
    samples = sound(arrays).transpose(1, 2)
    with torch.no_grad(), traced(model) as outputs:
        output = model(images(arrays), samples)
        if not config.use_sound:
            # Not heard, but stored.
            model.multisensory.audio_branch(samples, outputs["im/conv2_2"].shape[2])
    names = assert_traced_match(outputs, arrays, TRUNK_TOLERANCE)
    actual = {"logits": output.logits[:, None], "cam": output.activation_maps[..., None]}
    assert_all_match(actual, arrays, TRUNK_TOLERANCE)
    assert stored(arrays) == names | actual.keys()


class TrainingRun:
    """One training step of a model, with the random pooling that a fixture drew.

    There, running statistics were updated after the losses were computed.
    """

    def __init__(self, model, arrays, monkeypatch):
        self.model, self.arrays = model.train(), arrays
        drawn = [arrays[name] for name in ("sf/frac_pool_rows|values", "sf/frac_pool_rows#2|values") if name in arrays]
        edges = iter(map(torch.from_numpy, drawn))
        monkeypatch.setattr(FractionalMaxPool, "edges", lambda *_: next(edges))
        self.update, self.pending = BatchRenorm._update, []
        monkeypatch.setattr(BatchRenorm, "_update", lambda norm, *batch: self.pending.append((norm, *batch)))

    def assert_step_matches(self, losses, total):
        """Compare losses by name, the gradients of their total, and the statistics after the step."""
        for name, value in {**losses, total: sum(losses.values())}.items():
            np.testing.assert_allclose(value.item(), self.arrays[f"loss|{name}"], rtol=LOSS_TOLERANCE, err_msg=name)
        sum(losses.values()).backward()
        self._assert_gradients_match()
        for pending in self.pending:
            self.update(*pending)
        buffers = {original_name(name): buffer for name, buffer in self.model.named_buffers()}
        updated = {key.removeprefix("after_update|") for key in self.arrays if key.startswith("after_update|")}
        assert updated
        for name in updated:
            expected = self.arrays[f"after_update|{name}"]
            np.testing.assert_allclose(buffers[name], expected, rtol=1e-5, atol=1e-6, err_msg=name)

    def _assert_gradients_match(self):
        norms = {
            original_name(name): -1.0 if parameter.grad is None else parameter.grad.norm().item()
            for name, parameter in self.model.named_parameters()
        }
        expected = dict(zip(map(str, self.arrays["grad|names"]), self.arrays["grad|norms"].tolist()))
        assert norms.keys() == expected.keys()
        limit = 1e-6 * max(expected.values())
        for name, norm in norms.items():
            # Rounding decides which of two near-equal values a max pool passes the gradient to: 0.2 % was seen.
            np.testing.assert_allclose(norm, expected[name], rtol=1e-2, atol=limit, err_msg=name)
        whole = np.linalg.norm([norm for norm in norms.values() if norm > 0])
        np.testing.assert_allclose(whole, self.arrays["grad|global_norm"], rtol=1e-3)


@pytest.mark.parametrize("path", files("train.shift"))
def test_training_for_alignment_matches(path, monkeypatch):
    arrays = read_arrays(path)
    model = with_rule_weights(MultisensoryForAlignment, MultisensoryConfig(), bool(arrays["meta|renorm_fresh"]))
    step = TrainingRun(model, arrays, monkeypatch)
    first = torch.from_numpy(arrays["input|labels"])
    labels = torch.stack([first, 1 - first], 1)
    # Sound 1 of a clip is the true one, and label 1 says that it is true.
    samples = sound(arrays).transpose(2, 3)[torch.arange(len(first))[:, None], labels]
    output = model(images(arrays), samples, labels=labels)
    assert_matches(output.logits.T.reshape(-1, 1), arrays, "logits", TRUNK_TOLERANCE)
    accuracy = ((output.logits > 0) == labels).float().mean().item()
    assert accuracy == pytest.approx(float(arrays["loss|acc:label"]))
    step.assert_step_matches({"loss:label": output.loss, "reg": kernel_decay(model)}, "total:loss")


@pytest.mark.parametrize("path", files("cls"))
def test_action_classifier_matches(path):
    arrays = read_arrays(path)
    config = MultisensoryConfig.recognition(num_labels=int(arrays["lb/logits|shape"][-1]))
    model = with_rule_weights(MultisensoryForVideoClassification, config)
    with torch.no_grad():
        output = model(images(arrays), sound(arrays).transpose(1, 2))
    actual = {
        "pooled": output.pooler_output[:, None, None, None],
        "lb/logits": output.logits,
        "lb/prob": output.logits.softmax(1),
    }
    assert_all_match(actual, arrays, TRUNK_TOLERANCE)
    assert stored(arrays) == actual.keys()


def mixed(arrays, blind: bool):
    """Sources ``(B, 2, C, samples)`` of mixtures, by the rule of training."""
    clips = sound(arrays).transpose(1, 2)
    return mixed_pairs(clips * torch.arange(1.0, len(clips) + 1)[:, None, None], blind)


def separated(output):
    """What a fixture stores of a separation, by its names there."""
    actual = {"mix_spec": output.mixture_levels, "mix_phase": output.mixture_phases}
    for index, place in enumerate(("fg", "bg")):
        actual[f"pred_spec_{place}"] = output.levels[:, index]
        actual[f"pred_phase_{place}"] = output.phases[:, index]
        actual[f"pred_wav_{place}"] = output.waveforms[:, index]
    return actual


def assert_spectrograms_match(model, output, sources, arrays):
    """Compare the mixture, its parts and what the u-net made of it, in training."""
    levels, _ = model.spectrogram(sources.mean(2))
    actual = {name: value for name, value in separated(output).items() if name in stored(arrays)}
    actual |= {"gt_spec0": levels[:, 0], "gt_spec1": levels[:, 1], "mix_samples": sources.sum(1).transpose(1, 2)}
    assert_all_match(actual, arrays, SEPARATION_TOLERANCE)
    assert stored(arrays) - {"sf/frac_pool_rows"} == actual.keys()


@pytest.mark.slow
@pytest.mark.parametrize("path", files(*(f"sep.{name}" for name in SEPARATIONS)))
def test_separation_with_video_matches_every_intermediate(path):
    arrays = read_arrays(path)
    config = MultisensoryConfig.separation(**SEPARATIONS[path.name.split(".")[1]])
    model = with_rule_weights(MultisensoryForSourceSeparation, config)
    scales = []
    model.unet.register_forward_pre_hook(lambda module, inputs: scales.extend(inputs[1]))
    with torch.no_grad(), traced(model) as outputs:
        output = model(images(arrays), sound(arrays).transpose(1, 2))
    names = assert_traced_match(outputs, arrays, SEPARATION_TOLERANCE)
    actual = separated(output)
    actual |= {f"vid_scale{i}_mean_hw": scale.transpose(1, 2) for i, scale in enumerate(scales)}
    actual |= {"vid_logits": output.logits[:, None], "vid_cam": output.activation_maps[..., None]}
    assert_all_match(actual, arrays, SEPARATION_TOLERANCE)
    assert stored(arrays) == names | actual.keys()


@pytest.mark.slow
@pytest.mark.parametrize("path", files("train.full"))
def test_training_for_separation_with_video_matches(path, monkeypatch):
    arrays = read_arrays(path)
    config = MultisensoryConfig.separation()
    model = with_rule_weights(MultisensoryForSourceSeparation, config, bool(arrays["meta|renorm_fresh"]))
    step = TrainingRun(model, arrays, monkeypatch)
    sources = mixed(arrays, blind=False)
    output = model(images(arrays), sources.sum(1), labels=sources)
    assert_spectrograms_match(model, output, sources, arrays)
    losses = {"gen:reg": kernel_decay(model.unet)}
    for short, place in (("fg", "on_screen"), ("bg", "off_screen")):
        losses[f"diff-{short}"] = output.loss_terms[f"{place}_level"]
        losses[f"phase-{short}"] = 0.01 * output.loss_terms[f"{place}_phase"]
    torch.testing.assert_close(output.loss + losses["gen:reg"], sum(losses.values()))
    step.assert_step_matches(losses, "total:gen")


@pytest.mark.parametrize("path", files("sep.unet_pit"))
def test_blind_separation_matches_every_intermediate(path):
    arrays = read_arrays(path)
    model = with_rule_weights(SpectrogramUNetForSeparation, MultisensoryConfig.blind_separation())
    with torch.no_grad(), traced(model) as outputs:
        output = model(sound(arrays).transpose(1, 2))
    names = assert_traced_match(outputs, arrays, SEPARATION_TOLERANCE)
    actual = separated(output)
    assert_all_match(actual, arrays, SEPARATION_TOLERANCE)
    assert stored(arrays) == names | actual.keys()


@pytest.mark.slow
@pytest.mark.parametrize("path", files("train.unet_pit"))
def test_training_for_blind_separation_matches(path, monkeypatch):
    arrays = read_arrays(path)
    config = MultisensoryConfig.blind_separation()
    model = with_rule_weights(SpectrogramUNetForSeparation, config, bool(arrays["meta|renorm_fresh"]))
    step = TrainingRun(model, arrays, monkeypatch)
    sources = mixed(arrays, blind=True)
    output = model(sources.sum(1), labels=sources)
    assert_spectrograms_match(model, output, sources, arrays)
    step.assert_step_matches({"gen:reg": kernel_decay(model), "pit": output.loss}, "total:gen")


@pytest.mark.parametrize("path", fixture_files("multisensory", "stft*.npz"))
def test_spectrogram_and_its_inverses_match(path):
    arrays = read_arrays(path)
    with torch.device("meta"):
        model = SpectrogramUNetForSeparation(MultisensoryConfig.blind_separation())
    samples = sound(arrays)
    levels, phases = model.spectrogram(samples)
    normalized = model.normalized(levels, phases)
    magnitudes = 10 ** (levels / 20)
    lengths = model.config.frame_length, model.config.hop_length
    inverse = inverse_stft(from_decibels(levels, phases), *lengths)
    actual = {
        "db": levels,
        "phase": phases,
        "magnitude": magnitudes,
        "db_norm": normalized[0],
        "inverse": inverse,
        "griffin_lim": griffin_lim(magnitudes, *lengths),
        "rms_normalized": normalize_rms(torch.stack([samples, samples / 2], 1), 0.1).transpose(1, 2),
        "db_frame0": levels[0, 0],
        "phase_frame0": phases[0, 0],
        "magnitude_frame0": magnitudes[0, 0],
        "inverse_head": inverse[0, :3000],
    }
    assert_all_match(actual, arrays, SEPARATION_TOLERANCE)
    assert_phases_match(normalized[1], arrays, "phase_norm", SEPARATION_TOLERANCE, turn=2)
    assert stored(arrays) == {*actual, "phase_norm"}


@pytest.mark.parametrize("path", fixture_files("multisensory", "resize_pool*.npz"))
def test_resizing_and_fixed_pooling_match(path):
    arrays = read_arrays(path)
    for key, expected in arrays.items():
        if numbers := re.fullmatch(r"frac_rows_(\d+)_(\d+)", key):
            assert fixed_edges(int(numbers[1]), int(numbers[2])) == expected.tolist()
    for name in stored(arrays):
        drawn = np.random.RandomState(arrays[f"{name}|seed"]).randint(0, 256, size=arrays[f"{name}|in_shape"])
        values = torch.from_numpy(drawn.astype(np.float32))
        for axis in (1, 2):
            values = resize_linear(values, int(arrays[f"{name}|shape"][axis]), axis)
        np.testing.assert_array_equal(values.shape, arrays[f"{name}|shape"])
        sample = values.flatten()[:: int(arrays[f"{name}|stride"])]
        np.testing.assert_allclose(sample, arrays[f"{name}|values"], rtol=0, atol=1e-3)
