"""Where weights change and chunks join: against sums written out, without gains or losses at any border."""

import pytest
import torch

from avssl_hub.models.spatial_audio_gen import SpatialAudioGenOutput
from avssl_hub.pipelines._placing import FadedSteps, HeldSteps

from .spatializing import CHUNK, network, noise

CHUNKS = 4


def _said(weights, biases, masks=None):
    """What a network says of the chunks: ``weights (CHUNKS, 3, K, steps)``, ``biases (CHUNKS, 3, steps)``."""
    return SpatialAudioGenOutput(weights=weights, biases=biases, masks=masks)


def _windows(sound, config):
    padded = torch.nn.functional.pad(sound, (config.chunk_start, config.window_samples))
    return torch.stack([padded[k * CHUNK : k * CHUNK + config.window_samples] for k in range(CHUNKS)])[:, None]


def _joined(rule, model, said, sound):
    pieces = rule.place(model, said, _windows(sound, model.config))
    return torch.cat(list(rule.join(zip(sound.split(CHUNK), pieces))), 1)


@pytest.mark.parametrize("separation", ["none", "unet_mask"])
def test_weights_that_do_not_change_are_a_gain(separation):
    model = network(separation=separation, encoders=("audio",), num_tracks=None if separation == "none" else 5)
    config, tracks = model.config, model.config.num_tracks
    sound = noise(1, 1)[0, : CHUNKS * CHUNK - 37]
    weights = torch.randn(1, 3, tracks, 1).expand(CHUNKS, -1, -1, config.num_steps)
    biases = torch.randn(1, 3, 1).expand(CHUNKS, -1, config.num_steps)
    # A mask of ones gives half of the sound (four windows that add up to two, divided by four).
    masks = None if separation == "none" else torch.ones(CHUNKS, tracks, len(config.masked_frames), config.fft_size)
    gain = weights[0, :, :, 0].sum(1) * (1.0 if separation == "none" else 0.5)
    found = _joined(FadedSteps(config), model, _said(weights, biases, masks), sound)
    assert torch.equal(found[0], sound)
    assert torch.allclose(found[1:], gain[:, None] * sound + biases[0, :, :1], atol=1e-4)


def test_steps_fade_into_each_other_and_are_held_elsewhere():
    model = network(separation="none", encoders=("audio",), num_tracks=None)
    config = model.config
    faded, held = FadedSteps(config), HeldSteps(config)
    length = CHUNK // config.num_steps
    assert faded.margin == length // 2
    sound = torch.ones(CHUNKS * CHUNK)
    levels = torch.randn(CHUNKS, 3, 1, config.num_steps)
    said = _said(levels, torch.zeros(CHUNKS, 3, config.num_steps))
    flat = levels[:, :, 0].transpose(0, 1).flatten(1)
    found = _joined(faded, model, said, sound)[1:]
    # In the middle of each step the weights are its own; the first and the last half step are held.
    middle = found.unflatten(1, (-1, length))[:, :, length // 2 - 1 : length // 2 + 1]
    assert torch.allclose(middle.mean(-1), flat, atol=1e-2)
    assert torch.allclose(found[:, : length // 2], flat[:, :1].expand(-1, length // 2), atol=1e-4)
    # Between two it is their mean at the border, and a raised sine has no slope steeper than this.
    borders = torch.arange(length, CHUNKS * CHUNK, length)
    between = (found[:, borders - 1] + found[:, borders]) / 2
    assert torch.allclose(between, (flat[:, 1:] + flat[:, :-1]) / 2, atol=1e-4)
    steepest = (flat.diff(dim=1).abs().max() * torch.pi / 4 / faded.margin).item()
    assert found.diff(dim=1).abs().max() <= 1.01 * steepest
    said.ambisonics = levels[:, :, 0].repeat_interleave(length, -1)
    clicking = _joined(held, model, said, sound)[1:]
    assert clicking.diff(dim=1).abs().max() > 10 * steepest


def test_the_fade_of_the_paper_s_network_reaches_as_far_as_its_tracks_are_known():
    from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig

    # 28 frames of 1024 at 256 overlap fully over 6400 samples, from 23552 on; the chunk is 24000 to 28800.
    assert FadedSteps(SpatialAudioGenConfig()).margin == 448
