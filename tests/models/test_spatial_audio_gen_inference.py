"""SpatialAudioGen's form for inference, and chunks that lie side by side, against the network on single windows."""

import copy

import pytest
import torch
from torch.nn import functional as F

from avssl_hub import SpatialAudioGenConfig
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.spatial_audio_gen.consecutive_spatial_audio_gen import distinct, grid_starts
from avssl_hub.models.spatial_audio_gen.cropped_unet_spatial_audio_gen import by_places
from avssl_hub.models.spatial_audio_gen.separation_spatial_audio_gen import masked_slice, masked_tracks

from .test_spatial_audio_gen import chunks, noise, small_model


def lively_model(**options):
    """A network whose parameters and statistics are far from where they begin."""
    model = small_model(**options)
    generator = torch.Generator().manual_seed(1)
    for value in (*model.parameters(), *model.buffers()):
        value.data += 0.1 * torch.rand(value.shape, generator=generator)
    return model


def assert_same(actual, expected):
    """Equal but for rounding, by the largest value: sums of what is large and small have its errors."""
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


def without_inputs(encoders):
    names = {"video": "pixel_values_videos", "flow": "flow_values"}
    return {name: None for encoder, name in names.items() if encoder not in encoders}


KINDS = {
    "running statistics": {"use_running_stats": True},
    "statistics of the batch": {},
    "sound alone": {"encoders": ("audio",)},
    "no separation": {"separation": "none", "num_tracks": None, "use_running_stats": True},
    "one layer": {
        "encoders": ("audio",),
        "audio_hidden_sizes": (8,),
        "audio_kernel_sizes": ((15, 4),),
        "audio_strides": ((4, 3),),
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_form_for_inference_gives_the_same_ambisonics(kind):
    model = lively_model(**KINDS[kind])
    inputs = chunks(3, **without_inputs(model.config.encoders))
    expected = model(**inputs)
    fast = copy.deepcopy(model).optimize_for_inference()
    actual = fast(**inputs)
    assert_same(actual.ambisonics, expected.ambisonics)
    torch.testing.assert_close(actual.weights, expected.weights)
    separates = model.config.separation != "none"
    assert (actual.tracks is None, actual.masks is None) == (separates, True)
    if separates:
        # All that is known of the tracks, mixed by the weights of each step.
        begin = model.config.encoded_frames.start * model.config.hop_length
        spectrum = model.spectrum(inputs["input_values"][:, 0, begin:])[:, masked_slice(model.config)]
        mixtures = torch.einsum("bcks,bkn->bcsn", expected.weights, masked_tracks(spectrum, expected.masks))
        assert_same(actual.mixtures, mixtures)


def test_folded_statistics_cannot_be_taken_back(tmp_path):
    fast = lively_model(use_running_stats=True).optimize_for_inference()
    with pytest.raises(InvalidValueError, match="got statistics of the batch; expected running statistics, which"):
        fast(**chunks(), use_running_stats=False)
    with pytest.raises(InvalidValueError, match="optimize_for_inference"):
        fast.save_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("kernel", "stride"), [((7, 16), (4, 8)), ((3, 5), (2, 2)), ((3, 4), (3, 2)), ((2, 3), (1, 1))]
)
def test_transposed_convolution_by_places(kernel, stride):
    torch.manual_seed(0)
    layer = torch.nn.ConvTranspose2d(3, 5, kernel, stride, bias=False)
    inputs = torch.randn(2, 3, 6, 4)
    weight = by_places(layer)
    before = [taps - 1 for taps in weight.shape[2:]]
    places = F.conv2d(F.pad(inputs, (before[1], before[1], before[0], before[0])), weight)
    whole = places.unflatten(1, (*stride, 5)).permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)
    expected = layer(inputs)
    torch.testing.assert_close(whole[:, :, : expected.shape[2], : expected.shape[3]], expected)


def recording(model, count, equal=()):
    """Sound around ``count`` chunks and their frames, of which those named equal the one before."""
    config = model.config
    sound = 0.1 * noise(config.window_samples + (count - 1) * config.chunk_samples, seed=3)
    frames = [0.3 * noise(count, 3, 32, 64, seed=seed) for seed in (4, 5)]
    for index in equal:
        for values in frames:
            values[index] = values[index - 1]
    return sound, *frames


def windows(model, sound, pixels, flow):
    config = model.config
    cut = sound.unfold(0, config.window_samples, config.chunk_samples)[:, None]
    return {"input_values": cut, "pixel_values_videos": pixels[:, None], "flow_values": flow[:, None]}


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("statistics", [{"use_running_stats": True}, {"statistics_group": 1}])
def test_consecutive_chunks_are_those_of_single_windows(statistics, fast):
    model = lively_model(use_running_stats="use_running_stats" in statistics)
    inputs = recording(model, 7, equal=(1, 2, 5))
    cut = windows(model, *inputs)
    # One after the other, as by a loop over chunks.
    single = [model(**{name: values[index : index + 1] for name, values in cut.items()}) for index in range(7)]
    expected = torch.cat([output.ambisonics[0] for output in single], -1)
    model = model.optimize_for_inference() if fast else model
    frames = []
    for encoder in model.visual_encoders.values():
        encoder.register_forward_pre_hook(lambda module, given: frames.append(len(given[0])))
    actual = model.predict_consecutive(*inputs, batch_size=4, **statistics)
    assert_same(actual, expected)
    # Of the first four two are different, and of the last three two.
    assert frames == [2, 2, 2, 2]


def test_consecutive_chunks_keep_their_groups():
    model = lively_model()
    inputs = recording(model, 6, equal=(1,))
    cut = windows(model, *inputs)
    expected = model(**cut, statistics_group=2).ambisonics.transpose(0, 1).flatten(1)
    actual = model.predict_consecutive(*inputs, batch_size=4, statistics_group=2)
    assert_same(actual, expected)


def test_grids_of_frames_come_back_after_four_chunks():
    starts = list(grid_starts(SpatialAudioGenConfig()))
    assert starts == [46 * 256 + 4800 * index for index in range(4)]
    assert [start % 256 for start in starts] == [0, 192, 128, 64]


def test_equal_neighbours_are_found():
    frames = torch.tensor([[1.0, 2], [1, 2], [1, 3], [1, 2], [1, 2]])
    some, places = distinct(frames)
    assert some.tolist() == [[1, 2], [1, 3], [1, 2]]
    assert places.tolist() == [0, 0, 1, 2, 2]
    assert torch.equal(some[places], frames)


def test_wrong_recordings_are_named():
    model = small_model()
    sound, pixels, flow = recording(model, 3)
    with pytest.raises(InvalidValueError, match=r"frames of video: got 2; expected 3, one for each chunk"):
        model.predict_consecutive(sound, pixels[:2], flow)
    with pytest.raises(InvalidValueError, match=r"sound: got shape \(400,\); expected \(samples,\), at least 519"):
        model.predict_consecutive(sound[:400], pixels, flow)
    with pytest.raises(InvalidValueError, match=r"flow_values: got nothing"):
        model.predict_consecutive(sound, pixels)
