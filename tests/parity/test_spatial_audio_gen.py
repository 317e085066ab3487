"""SpatialAudioGen against outputs of the authors' TensorFlow graph: every stage, the loss, and three training steps."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avssl_hub import SpatialAudioGenProcessor
from avssl_hub.audio.stft_distance import stft_distance
from avssl_hub.video.flow import decode_flow_maps

from ._rules import fixture_files
from ._spatial_audio_gen import (
    assert_matches,
    drawn_inputs,
    model_inputs,
    original_layout,
    original_name,
    read_arrays,
    stored,
    traced,
    with_rule_weights,
)

# Adam moves a weight with next to no gradient as far as any other, in a direction that rounding decides.
ADAM_LOSS_TOLERANCES = (1e-3, 1e-2, 5e-2)


def stages(model, outputs, output, sound):
    """What the authors' graph calls by these names, channels last."""
    stages = {}
    for scope, value in outputs.items():
        if value.ndim == 4 and not scope.startswith("bottleneck"):
            value = value.movedim(1, -1)
        if scope.startswith("bottleneck") and scope.endswith(("video-fc", "flow-fc")):
            value = value[:, None]
        before_activation = scope.startswith("separation/deconv") or scope.endswith(
            ("/bn", "/conv_2", "/shortcut", "localization/fc3")
        )
        stages[f"mid|{scope}"] = value if before_activation else F.relu(value)
    for encoder in model.visual_encoders:
        # The first layer's output and those of the blocks have a second name.
        stages[f"mid|ends/{encoder}_encoder/conv"] = stages[f"mid|{encoder}_encoder/conv1/conv"]
        for index in range(8):
            name = f"{encoder}_encoder/conv{index // 2 + 2}_{index % 2 + 1}"
            stages[f"mid|ends/{name}"] = stages.pop(f"mid|{name}")
    config = model.config
    spectrum = model.spectrum(sound)[:, :, : config.window_frames].abs()
    whole = torch.cat([spectrum, spectrum[..., 1:-1].flip(-1)], -1)
    encoded = slice(config.encoded_frames.start, config.encoded_frames.stop)
    repeated = config.chunk_samples // config.num_steps
    stages |= {
        "mid|stft_abs": whole,
        "mid|ends/audio_encoder/mag": whole[:, 0, encoded, :, None],
        "mid|ends/bottleneck/concat": output.fused_hidden_state,
        "mid|weights": output.weights.permute(0, 3, 1, 2).repeat_interleave(repeated, 1)[:, :, :, None],
        "mid|biases": output.biases.transpose(1, 2).repeat_interleave(repeated, 1)[..., None],
        "mid|x_sep": output.tracks[:, None],
        "mid|ends/separation/all_channels": output.tracks[:, None],
        "mid|ends/decoder/ambix": output.ambisonics.transpose(1, 2),
        "output|ambix_pred": output.ambisonics.transpose(1, 2),
    }
    if output.masks is not None:
        stages["mid|ends/separation/mask"] = output.masks[:, None]
    return stages


@pytest.mark.parametrize("path", fixture_files("spatialaudiogen", "model_a*.npz"))
def test_every_stage_matches(path):
    arrays = read_arrays(path)
    model, drawn = with_rule_weights(arrays), drawn_inputs(arrays)
    inputs = model_inputs(drawn)
    with torch.no_grad(), traced(model) as outputs:
        output = model(**inputs, output_hidden_states=True)
    actual = stages(model, outputs, output, inputs["input_values"])
    assert actual.keys() == stored(arrays, "mid|") | stored(arrays, "output|")
    for name, value in actual.items():
        assert_matches(value, arrays, name)


class TensorFlowAdam:
    """Adam as TensorFlow has it: epsilon is added before the second moment's bias is corrected."""

    def __init__(self, model, lr):
        self.parameters, self.lr, self.steps = list(model.parameters()), lr, 0
        self.moments = [(torch.zeros_like(value), torch.zeros_like(value)) for value in self.parameters]

    @torch.no_grad()
    def step(self):
        self.steps += 1
        rate = self.lr * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        for value, (first, second) in zip(self.parameters, self.moments):
            first.lerp_(value.grad, 0.1)
            second.lerp_(value.grad.square(), 0.001)
            value.sub_(rate * first / (second.sqrt() + 1e-8))


def sampled(values, stride):
    """The first eight of every ``stride``-th element, with zeros where there are fewer."""
    sample = original_layout(values).detach().flatten()[::stride][:8].numpy()
    return np.pad(sample, (0, 8 - len(sample)))


@pytest.mark.slow
@pytest.mark.parametrize("path", fixture_files("spatialaudiogen", "train_av*.npz"))
def test_three_training_steps_match(path):
    # In double precision: Adam's first steps make signs of what rounding leaves over, and the authors' is enough.
    arrays = read_arrays(path)
    model, drawn = with_rule_weights(arrays).train().double(), drawn_inputs(arrays)
    target = drawn["ambix"][:, 24000:28800, 1:].transpose(1, 2).double()
    inputs = {name: values.double() for name, values in model_inputs(drawn).items()}
    inputs |= {"labels": target, "channel_mask": torch.from_numpy(arrays["audio_mask"][:, 1:])}

    output = model(**inputs)
    distance = stft_distance(output.ambisonics, target).detach()
    np.testing.assert_allclose(distance, arrays["per_sample|stft"], rtol=1e-4)
    np.testing.assert_allclose(output.loss.item(), arrays["total_loss"], rtol=1e-4)
    metrics = dict(zip(arrays["metric_names"].tolist(), arrays["metric_values"].tolist()))
    np.testing.assert_allclose(output.loss.item(), metrics["stft/avg"], rtol=1e-4)

    optimizer, loss = TensorFlowAdam(model, float(arrays["base_lr"])), output.loss
    for expected, tolerance in zip(arrays["loss_after_adam_steps"], ADAM_LOSS_TOLERANCES, strict=True):
        model.zero_grad()
        loss.backward()
        if not optimizer.steps:
            assert_gradients_match(model, arrays)
        optimizer.step()
        # The fourth pass only looks at what came of it, and moves no statistics.
        model.train(optimizer.steps < len(ADAM_LOSS_TOLERANCES))
        loss = model(**inputs).loss
        np.testing.assert_allclose(loss.item(), expected, rtol=tolerance, err_msg=f"after step {optimizer.steps}")
    assert_final_values_match(model, arrays)


def assert_gradients_match(model, arrays):
    gradients = {original_name(name): parameter.grad for name, parameter in model.named_parameters()}
    assert gradients.keys() == set(arrays["grad_names"].tolist())
    rows = zip(*(arrays[f"grad_{column}"] for column in ("names", "l2", "sample", "stride")), strict=True)
    for name, norm, sample, stride in rows:
        gradient = gradients[str(name)]
        np.testing.assert_allclose(gradient.norm().item(), norm, rtol=1e-2, err_msg=name)
        limit = 1e-2 * gradient.abs().max().item()
        np.testing.assert_allclose(sampled(gradient, stride), sample, rtol=0, atol=limit, err_msg=name)


def assert_final_values_match(model, arrays):
    values = {original_name(name): value for name, value in model.state_dict().items()}
    assert values.keys() == set(arrays["final_names"].tolist())
    errors, lr = [], float(arrays["base_lr"])
    for name, sample, stride in zip(arrays["final_names"], arrays["final_sample"], arrays["final_stride"], strict=True):
        actual = sampled(values[str(name)], stride)
        if "moving_" in str(name):
            np.testing.assert_allclose(actual, sample, rtol=1e-2, atol=1e-4, err_msg=name)
        else:
            errors.append(np.abs(actual - sample))
    # Three steps of nearly the learning rate each: a gradient near zero may turn one of them, few do.
    errors = np.concatenate(errors)
    assert errors.max() < 3 * lr
    assert np.median(errors) < 0.05 * lr


@pytest.mark.parametrize("path", fixture_files("spatialaudiogen", "feeder*.npz"))
def test_what_the_network_is_fed_matches(path):
    arrays = read_arrays(path)
    random = np.random.RandomState(_seed(arrays))
    sound = _feeder_sound(random)
    frames, maps = (random.randint(0, 256, (40, 14, 28, 3)).astype(np.uint8) for _ in range(2))
    maps[..., 1] = 0
    limits = np.stack([random.uniform(0, 1, 40), random.uniform(2, 9, 40)], 1)
    frames, maps = (torch.from_numpy(values.repeat(16, 1).repeat(16, 2)) for values in (frames, maps))

    processor = SpatialAudioGenProcessor(released_starts=True)
    for key in stored(arrays, "audio|norot|"):
        # Windows begin half a second before their chunk.
        start = float(key.rpartition("start")[2]) + 0.5
        window = processor.windows(sound[0], [start])[0, 0]
        np.testing.assert_allclose(window[::401], arrays[f"{key}|sample"][:, 0], rtol=0, atol=1e-7, err_msg=key)
    index = processor.frame_index(1.7)
    inputs = processor(videos=frames, audio=sound, sampling_rate=48000, starts=[1.7])
    pixels = inputs["pixel_values_videos"][0, :, :, ::32, ::7].movedim(1, -1)
    np.testing.assert_allclose(pixels, arrays["video|norot|t1.7"], rtol=0, atol=1e-6)
    flow = decode_flow_maps(maps[index : index + 1], torch.from_numpy(limits[index : index + 1]))
    np.testing.assert_allclose(flow[:, :, ::32, ::7].movedim(1, -1), arrays["flow|norot|t1.7"], rtol=0, atol=1e-5)


def _feeder_sound(random):
    """Four seconds of ambisonics by the rule, of which parts are quieter."""
    pcm = random.randint(-20000, 20000, (192000, 4)).astype(np.int16)
    pcm[96000:120000] //= 50
    pcm[144000:] //= 2
    return torch.from_numpy(pcm.T / np.float32(32768))


def _seed(arrays):
    """The seed that a file was made by, which it does not say, by its first samples."""
    first = np.round(arrays["audio|norot|start0.0|sample"][:2, 0] * 32768)
    for seed in range(100_000):
        # As many draws as come up to the second sample that is stored.
        drawn = np.random.RandomState(seed).randint(-20000, 20000, (402, 4))[::401, 0]
        if np.array_equal(drawn, first):
            return seed
    raise AssertionError("the file is of no seed below 100000")
