"""Scores of spatial sound on AVWorld of networks whose answers are known: the truth, silence, and a fixed direction."""

import json
import math

import pytest
import torch

from avssl_hub.audio.ambisonics import spherical_harmonics
from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.evaluation.avworld_spatial import (
    held_out_chunks,
    main,
    score_spatialization,
    score_turned_pictures,
)
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel, SpatialAudioGenOutput
from avssl_hub.training import load_recipe, train

from ..training.spatial.conftest import LOOP, SMALL, WORLD

CHUNKS = 6
CONFIG = SpatialAudioGenConfig(
    encoders=["audio", "video"],
    sampling_rate=8000,
    context_samples=3000,
    chunk_samples=300,
    fft_size=64,
    image_size=[16, 32],
    num_tracks=2,
    audio_hidden_sizes=[2] * 5,
    audio_kernel_sizes=[[7, 8], [3, 3], [3, 3], [3, 2], [3, 2]],
    audio_strides=[[4, 4], [2, 2], [2, 2], [1, 1], [1, 1]],
    video_hidden_sizes=[2] * 4,
)
SPHERE = AVWorld360(AVWorld360Config(height=16, sampling_rate=8000, duration=1.0, diffuse_db=-90.0, camera_noise=0.0))


class Knows(SpatialAudioGenModel):
    """Stands for a network that was told the answers to the chunks it will hear."""

    def __init__(self):
        super().__init__(CONFIG)
        self.answers = {
            sound[0].sum().item(): sound[1:, 1500:1800]
            for batch in held_out_chunks(CONFIG, SPHERE, chunks=CHUNKS)
            for sound in batch.ambisonics
        }

    def forward(self, input_values, pixel_values_videos):
        return SpatialAudioGenOutput(ambisonics=torch.stack([self.answers[w.sum().item()] for w in input_values]))


class HearsBrightest(SpatialAudioGenModel):
    """Places all sound on the horizon where the picture is brightest."""

    def forward(self, input_values, pixel_values_videos):
        column = pixel_values_videos.mean((1, 2, 3)).argmax(-1)
        azimuth = math.pi - (column + 0.5) * math.tau / 32
        steering = spherical_harmonics(azimuth, torch.zeros_like(azimuth), 1)[:, 1:].float()
        return SpatialAudioGenOutput(ambisonics=steering[..., None] * input_values[:, :, 1500:1800])


def test_the_truth_is_at_no_distance_and_comes_from_what_sounds():
    rated = score_spatialization(Knows(), SPHERE, CHUNKS)
    for name in ("stft", "env", "emd"):
        assert getattr(rated["model"], name).abs().max() < 1e-9
        assert getattr(rated["mono"], name).mean() > 1e-4
    # Objects move by a degree or two while a chunk lasts.
    assert rated["model"].degrees.max() < 3


def test_mono_s_distances_are_those_of_silence():
    rated = score_spatialization(Knows(), SPHERE, CHUNKS)
    (batch,) = held_out_chunks(CONFIG, SPHERE, chunks=CHUNKS)
    target = batch.ambisonics[:, 1:, 1500:1800].double()
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(128, dtype=torch.float64) / 128)
    spectra = torch.fft.fft(target[..., :-1].unfold(-1, 128, 64) * hann)
    torch.testing.assert_close(rated["mono"].stft, spectra.abs().square().mean((1, 2, 3)), rtol=1e-5, atol=0)
    energy, along = target[:, 0].new_zeros(()), target.new_zeros(3)
    for train_batch in held_out_chunks(CONFIG, SPHERE, "train", CHUNKS):
        sound = train_batch.ambisonics[..., 1500:1800].double()
        energy = energy + sound[:, 0].square().sum()
        along = along + (sound[:, 1:] * sound[:, :1]).sum((0, 2))
    prior = (along / energy)[:, None] * batch.ambisonics[:, :1, 1500:1800].double()
    spectra = torch.fft.fft((target - prior)[..., :-1].unfold(-1, 128, 64) * hann)
    torch.testing.assert_close(rated["prior"].stft, spectra.abs().square().mean((1, 2, 3)), rtol=1e-4, atol=0)


def test_sound_that_is_placed_by_sight_turns_with_the_picture_and_other_sound_does_not():
    assert score_turned_pictures(HearsBrightest(CONFIG), SPHERE, CHUNKS).max() < 0.1
    stays = score_turned_pictures(Knows(), SPHERE, CHUNKS)
    torch.testing.assert_close(stays, torch.full_like(stays, 90), rtol=0, atol=1e-3)


def test_directions_are_known_where_one_object_sounds():
    world = AVWorld360(AVWorld360Config(height=16, sampling_rate=8000, duration=1.0, max_sources=2))
    (batch,) = held_out_chunks(CONFIG, world, chunks=20)
    sounding = world.render("test", range(20)).scenes.sounding.sum(1)
    assert torch.equal(batch.directions.isnan().any(1), sounding > 1)
    assert batch.directions[sounding == 1].norm(dim=1) == pytest.approx(1)


def test_a_finished_run_is_scored(tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text(SMALL + WORLD + LOOP)
    folder = train(load_recipe(tmp_path / "recipe.yaml", ["loop.steps=1"]), tmp_path / "run")
    main([str(folder), "--chunks", "4"])
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"trained", "random"}
    assert told["random"] != told["trained"]
    told = told["trained"]
    assert told["chunks"] == 4
    for which in ("model", "mono", "prior"):
        for name in ("stft", "env", "emd"):
            figure = told[which][name]
            assert 0 < figure["low"] <= figure["mean"] <= figure["high"]
    assert 0 <= told["model"]["follows_median_degrees"] <= 180
