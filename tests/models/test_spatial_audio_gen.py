"""The spatial_audio_gen family: the common contract, sizes, whose statistics normalise, masks, losses."""

import numpy as np
import pytest
import torch
from torch import nn

from avssl_hub import SpatialAudioGenConfig, SpatialAudioGenModel
from avssl_hub.audio.stft import stft
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.spatial_audio_gen.losses_spatial_audio_gen import ambisonics_loss
from avssl_hub.models.spatial_audio_gen.norm_spatial_audio_gen import GroupedBatchNorm
from avssl_hub.models.spatial_audio_gen.separation_spatial_audio_gen import masked_tracks

from .common import ModelFamilyTests

SMALL = {
    "num_tracks": 5,
    "context_samples": 400,
    "chunk_samples": 120,
    "fft_size": 64,
    "audio_hidden_sizes": (4, 6, 8),
    "audio_kernel_sizes": ((3, 4), (3, 5), (3, 3)),
    "audio_strides": ((2, 2), (2, 2), (1, 1)),
    "image_size": (32, 64),
    "video_hidden_sizes": (4, 6, 8, 10),
    "fusion_audio_size": 16,
    "fusion_visual_size": 12,
    "fusion_reduced_size": 6,
    "localization_hidden_sizes": (16, 14),
    "separation_condition_size": 10,
}


def small_config(**changes) -> SpatialAudioGenConfig:
    return SpatialAudioGenConfig(**{**SMALL, **changes})


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def chunks(batch: int = 2, **changes) -> dict[str, torch.Tensor]:
    frames = {
        "pixel_values_videos": 0.3 * noise(batch, 1, 3, 32, 64),
        "flow_values": noise(batch, 1, 3, 32, 64, seed=2),
    }
    return {"input_values": 0.1 * noise(batch, 1, 519), **frames, **changes}


def small_model(**changes) -> SpatialAudioGenModel:
    torch.manual_seed(0)
    return SpatialAudioGenModel(small_config(**changes)).eval()


class TestSpatialAudioGen(ModelFamilyTests):
    model_classes = (SpatialAudioGenModel,)
    main_outputs = ("ambisonics", "tracks", "weights", "biases", "masks")

    def config(self):
        # As released, items of a batch change each other.
        return small_config(use_running_stats=True)

    def inputs(self, model_class, batch=2):
        return chunks(batch)


@pytest.mark.parametrize(
    ("options", "trainable", "all_numbers"),
    [
        ({}, 48_990_147, 49_005_763),
        ({"encoders": ("audio", "video")}, 30_802_435, 30_810_243),
        ({"encoders": ("audio", "flow")}, 30_802_435, 30_810_243),
        ({"encoders": ("audio",)}, 12_614_723, 12_614_723),
        ({"encoders": ("audio", "video"), "separation": "none"}, 24_498_726 - 7808, 24_498_726),
    ],
)
def test_networks_have_the_released_sizes(options, trainable, all_numbers):
    with torch.device("meta"):
        model = SpatialAudioGenModel(SpatialAudioGenConfig(**options))
    assert sum(value.numel() for value in model.parameters()) == trainable
    assert sum(value.numel() for value in model.state_dict().values()) == all_numbers


def test_derived_sizes_are_the_released():
    config = SpatialAudioGenConfig()
    assert (config.window_samples, config.chunk_start, config.hop_length, config.window_frames) == (
        52799,
        24000,
        256,
        200,
    )
    assert (config.encoded_frames, config.masked_frames) == (range(46, 173), range(89, 117))
    assert config.audio_map_sizes == [(127, 1024), (31, 127), (15, 31), (7, 14), (5, 10), (3, 6)]
    assert config.visual_map_size == (7, 14)


def test_initialisation_is_the_papers():
    model = small_model(video_hidden_sizes=(24, 32, 48, 64), localization_hidden_sizes=(100, 100))
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) and name != "localization.output":
            outputs, inputs, *kernel = module.weight.shape
            limit = (6 / ((outputs + inputs) * np.prod(kernel))) ** 0.5
            assert 0.9 * limit < module.weight.abs().max() <= limit, name
        if getattr(module, "bias", None) is not None:
            assert not module.bias.any(), name
    # A normal distribution cut at two standard deviations has 0.88 of its spread.
    placing = model.localization.output.weight
    assert placing.std().item() == pytest.approx(0.88e-3, rel=0.1)
    assert placing.abs().max() <= 2e-3


def test_chunks_of_a_batch_change_each_other_unless_told_otherwise():
    model = small_model()
    alone = model(**chunks(1)).ambisonics
    both, halves = chunks(2), chunks(4)
    first = {name: value[:1] for name, value in both.items()}
    together = model(**both).ambisonics
    assert not torch.allclose(together[:1], model(**first).ambisonics, rtol=1e-3)
    torch.testing.assert_close(model(**both, statistics_group=1).ambisonics[:1], model(**first).ambisonics)
    torch.testing.assert_close(
        model(**both, use_running_stats=True).ambisonics[:1], model(**first, use_running_stats=True).ambisonics
    )
    assert not torch.allclose(alone, model(**chunks(1), use_running_stats=True).ambisonics, rtol=1e-3)
    pairs = [model(**{k: v[i : i + 2] for k, v in halves.items()}).ambisonics for i in (0, 2)]
    torch.testing.assert_close(model(**halves, statistics_group=2).ambisonics, torch.cat(pairs))
    with pytest.raises(InvalidValueError, match=r"statistics_group: got 3; expected .*divides the batch \(4\)"):
        model(**halves, statistics_group=3)


def test_running_statistics_follow_batches_in_training_alone():
    norm, values = GroupedBatchNorm(2, 1e-3, 0.01), noise(4, 2, 3, 5)
    norm.eval()(values, 4)
    norm.train()(values, None)
    assert not norm.running_mean.any()
    norm(values, 4)
    torch.testing.assert_close(norm.running_mean, 0.01 * values.mean((0, 2, 3)))
    # Variance of a sample, though the values themselves are divided by that of the batch.
    unbiased = values.transpose(0, 1).flatten(1).var(1, correction=1)
    torch.testing.assert_close(norm.running_var, 0.99 + 0.01 * unbiased)
    variance = values.transpose(0, 1).flatten(1).var(1, correction=0)
    expected = (values - values.mean((0, 2, 3), keepdim=True)) / (variance[:, None, None] + 1e-3).sqrt()
    torch.testing.assert_close(norm(values, 4), expected)


def test_masks_act_on_all_bins_of_which_the_real_part_comes_out():
    sound, masks = noise(2, 400).double(), noise(2, 3, 22, 64, seed=2).double().sigmoid()
    frames = sound.unfold(-1, 64, 16)
    spectrum = np.fft.fft(frames.numpy() * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)))
    masked = np.fft.ifft(masks.numpy() * spectrum[:, None]).real
    expected = np.zeros((2, 3, 400))
    for index in range(22):
        expected[..., 16 * index : 16 * index + 64] += masked[:, :, index] / 4
    actual = masked_tracks(stft(sound, 64, 16, 64), masks)
    np.testing.assert_allclose(actual, expected[..., 48:-48], atol=1e-12)


def test_open_masks_give_half_of_the_sound():
    sound = noise(1, 400)
    tracks = masked_tracks(stft(sound, 64, 16, 64), torch.ones(1, 1, 22, 64))
    torch.testing.assert_close(tracks[0], sound[:, 48:-48] / 2)


@pytest.mark.parametrize("separation", ["unet_mask", "none"])
def test_prediction_is_the_weighted_sum_of_tracks_held_by_steps(separation):
    model = small_model(separation=separation, num_tracks=None if separation == "none" else 5)
    nn.init.normal_(model.localization.output.weight, std=0.3)
    nn.init.normal_(model.localization.output.bias)
    inputs = chunks()
    output = model(**inputs)
    step = 120 // 3
    for sample in (0, 39, 40, 119):
        placed = (output.weights[..., sample // step] * output.tracks[:, None, :, sample]).sum(-1)
        torch.testing.assert_close(output.ambisonics[..., sample], placed + output.biases[..., sample // step])
    if separation == "none":
        assert output.masks is None
        assert torch.equal(output.tracks, inputs["input_values"][..., 200:320])
    else:
        assert output.masks.shape == (2, 5, 16, 64)


def test_tracks_lie_where_the_chunk_is():
    model = small_model()
    nn.init.zeros_(model.separation.layers[-1].weight)
    nn.init.constant_(model.separation.layers[-1].bias, 50.0)
    inputs = chunks()
    # Masks that are open everywhere.
    tracks = model(**inputs).tracks
    torch.testing.assert_close(tracks, inputs["input_values"][..., 200:320].expand(-1, 5, -1) / 2)


def test_loss_counts_what_was_recorded():
    predicted, target = noise(3, 3, 4800), noise(3, 3, 4800, seed=2)
    mask = torch.tensor([[1, 1, 1], [1, 0, 1], [1, 0, 1]])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    errors = (predicted - target).double().numpy()
    distances = np.mean(
        [(np.abs(np.fft.fft(hann * errors[..., begin : begin + 2048])) ** 2).mean(-1) for begin in (0, 1024, 2048)], 0
    )
    expected = (distances[:, 0].mean() + distances[0, 1] + distances[:, 2].mean()) / 3 * 100
    assert ambisonics_loss(predicted, target, 2048, mask).item() == pytest.approx(expected, rel=1e-5)
    # A channel that nothing recorded takes part in the mean as a zero.
    mask[0, 1] = 0
    expected = (distances[:, 0].mean() + distances[:, 2].mean()) / 3 * 100
    assert ambisonics_loss(predicted, target, 2048, mask).item() == pytest.approx(expected, rel=1e-5)
    assert ambisonics_loss(predicted, target, 2048).item() == pytest.approx(distances.mean() * 100, rel=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("encoders", ("video",), "'audio' and any more of"),
        ("encoders", ("audio", "flow", "video"), "in this order"),
        ("separation", "mask", "one of"),
        ("fft_size", 66, "a multiple of 4"),
        ("audio_kernel_sizes", ((3, 5), (3, 5), (3, 3)), "that fit without rest"),
        ("audio_strides", ((2, 2), (2, 2)), "for each of the 3"),
        ("context_samples", 200, "enough for the sound encoder's 23 frames"),
        ("chunk_samples", 121, "a multiple of the 3 steps"),
        ("num_tracks", 0, "a positive integer"),
        ("image_size", (32,), "two positive integers"),
    ],
)
def test_config_names_the_field_that_is_wrong(field, value, expected):
    with pytest.raises(InvalidValueError, match=rf"SpatialAudioGenConfig\.\w+: got .*; expected .*{expected}"):
        small_config(**{field: value})


def test_tracks_without_separation_are_one():
    with pytest.raises(InvalidValueError, match=r"SpatialAudioGenConfig\.num_tracks: got 5; expected 1"):
        small_config(separation="none")


def test_wrong_inputs_are_named():
    model, inputs = small_model(encoders=("audio", "video")), chunks()
    with pytest.raises(InvalidValueError, match=r"flow_values: got a tensor; expected None, as .*\['audio', 'video'\]"):
        model(**inputs)
    flow = inputs.pop("flow_values")
    with pytest.raises(InvalidValueError, match=r"pixel_values_videos: got nothing; expected a tensor"):
        model(inputs["input_values"])
    with pytest.raises(InvalidValueError, match=r"input_values: got shape \(2, 1, 400\); expected \(batch, 1, 519\)"):
        model(inputs["input_values"][..., :400], inputs["pixel_values_videos"])
    with pytest.raises(InvalidValueError, match=r"pixel_values_videos: got shape \(2, 1, 3, 32, 60\)"):
        model(inputs["input_values"], flow[..., :60])
