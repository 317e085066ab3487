"""Scores of separation on AVWorld of networks whose answers are known: the truth, its reverse, and no answer at all."""

import json

import pytest
import torch
from torch import nn

from avssl_hub.data.avworld import AVWorld, AVWorldConfig
from avssl_hub.evaluation.avworld_separation import main, score_separation
from avssl_hub.models.multisensory import MultisensoryConfig, MultisensoryProcessor, SpectrogramUNetForSeparation
from avssl_hub.models.multisensory.separation_multisensory import MultisensorySeparationOutput
from avssl_hub.training import load_recipe, train

WORLD = AVWorld(AVWorldConfig(height=32, width=32, sampling_rate=8000))
PROCESSOR = MultisensoryProcessor(
    num_frames=12, fps=12.0, resize_size=32, crop_size=32, sampling_rate=8000, num_channels=1
)
CONFIG = MultisensoryConfig.blind_separation(
    audio_num_channels=1,
    fft_size=256,
    frame_length=256,
    hop_length=64,
    unet_hidden_sizes=[4, 4, 4, 4, 4],
    unet_time_strides=[1, 2, 2, 2, 1],
    unet_video_layers=[1, 2, 3],
)
MIXTURES = 4


def true_sources():
    """The sounds of the first test scenes, found in the mixtures' own seconds: scene i is mixed with scene i + 4."""
    windows = torch.Generator().manual_seed(0)
    starts = [torch.randint(4 * 12 - 12 + 1, (), generator=windows).item() / 12 for _ in range(2 * MIXTURES)]
    played = WORLD.render("test", range(2 * MIXTURES), starts, 1.0).samples
    played = 0.1 * played / played.square().mean(1, keepdim=True).sqrt()
    return torch.stack([played[:MIXTURES], played[MIXTURES:]], 1)


class Knows(nn.Module):
    """Stands for a network that sees, and was told the answer."""

    def __init__(self, sources):
        super().__init__()
        self.unet = SpectrogramUNetForSeparation(CONFIG)
        self.config, self.spectrogram, self.sources = CONFIG, self.unet.spectrogram, sources

    def forward(self, input_values, pixel_values_videos):
        assert pixel_values_videos.shape == (MIXTURES, 12, 3, 32, 32)
        torch.testing.assert_close(input_values[:, 0], true_sources().sum(1), rtol=0, atol=1e-5)
        return MultisensorySeparationOutput(waveforms=3 * self.sources, levels=self.spectrogram(self.sources)[0])


class KnowsBlindly(SpectrogramUNetForSeparation):
    def forward(self, input_values):
        sources = true_sources().flip(1)
        return MultisensorySeparationOutput(waveforms=sources, levels=self.spectrogram(sources)[0])


def figures_of(model):
    found = score_separation(model, PROCESSOR, WORLD, MIXTURES)
    assert found.clips == MIXTURES
    return {name: figure.mean for name, figure in found.figures.items()}


def test_the_truth_is_right_at_any_loudness_and_its_reverse_is_wrong():
    right, wrong = (figures_of(Knows(sources)) for sources in (true_sources(), true_sources().flip(1)))
    assert right["right_tracks"] == 1
    assert right["si_sdr"] > 60
    assert right["level_error"] < 0.1
    assert wrong["right_tracks"] == 0
    assert wrong["si_sdr_improvement"] < 0
    assert wrong["level_error"] > 5


def test_the_mixture_itself_is_no_improvement():
    mixture = true_sources().sum(1, keepdim=True).expand(-1, 2, -1)
    found = figures_of(Knows(mixture))
    assert found["si_sdr_improvement"] == pytest.approx(0, abs=1e-4)
    assert found["right_tracks"] == 0.5


def test_a_blind_network_is_forgiven_the_order_and_never_told_to_know_it():
    found = figures_of(KnowsBlindly(CONFIG))
    assert found["si_sdr"] > 60
    assert found["right_tracks"] == 0


def test_a_finished_run_is_scored_beside_a_random_copy(tmp_path, capsys):
    (tmp_path / "small.yaml").write_text(
        """
name: unet_small.avworld
task: separation
blind: true
model: {audio_num_channels: 1, fft_size: 256, frame_length: 256, hop_length: 64, unet_hidden_sizes: [4, 4, 4, 4, 4],
  unet_time_strides: [1, 2, 2, 2, 1], unet_video_layers: [1, 2, 3]}
processor: {num_frames: 12, fps: 12, crop_size: 32, resize_size: 32, sampling_rate: 8000, num_channels: 1}
data: {items: 12, world: {height: 32, width: 32, sampling_rate: 8000}}
loop: {steps: 2, batch_size: 4, trackers: []}
"""
    )
    folder = train(load_recipe(tmp_path / "small.yaml"), tmp_path / "run")
    main([str(folder), "--mixtures", "2"])
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"trained", "random"}
    for scores in told.values():
        assert scores["clips"] == 2
        low, high = scores["si_sdr_improvement"]["interval"]
        assert low <= scores["si_sdr_improvement"]["mean"] <= high
