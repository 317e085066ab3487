"""Models as modules of HEAR: the shapes, times and clips its tools count on, and its own validator where it is."""

import csv
import importlib

import pytest
import torch
from torch.nn import functional as F

from avssl_hub.audio.spectrogram import fit_length
from avssl_hub.bridges import hear
from avssl_hub.bridges.hear_package import write_hear_package
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.encoder import Encoded, Encoder
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.zoo_encoder import ZooEncoder
from avssl_hub.media import MediaReader
from benchmarks.__main__ import main

MODEL = "avid_tiny.avworld"
RATE = 16_000


class MeanLevel(Encoder):
    """Embeds a second of sound by its mean and its length in samples, and remembers how many came at once."""

    modalities = ("audio",)
    sampling_rate = RATE
    audio_duration = 1.0

    def __init__(self):
        super().__init__(torch.nn.Linear(1, 1), batch_size=7)
        self.together = []

    def prepare(self, clips, modality):
        self.together.append(len(clips))
        lengths = torch.tensor([[float(len(clip))] for clip in clips])
        return {"sounds": torch.stack([fit_length(clip, RATE) for clip in clips]), "lengths": lengths}

    def encode(self, inputs, modality):
        return Encoded(torch.cat([inputs["sounds"].mean(1, keepdim=True), inputs["lengths"]], 1))


@pytest.fixture(scope="module")
def tiny():
    return hear.load_model(MODEL)


def ramp(seconds):
    """Return a sound whose value is its time in seconds."""
    return torch.arange(round(seconds * RATE)) / RATE


def test_timestamps_stand_in_the_middle_of_their_clips():
    model = hear.HearModel(MeanLevel())
    embeddings, times = hear.get_timestamp_embeddings(torch.stack([ramp(2.0), -ramp(2.0)]), model)
    assert (embeddings.shape, embeddings.dtype, times.shape) == ((2, 40, 2), torch.float32, (2, 40))
    assert times[1].tolist() == [50.0 * k for k in range(40)]
    # The mean of a ramp over a second is its value in the middle, half a sample early; 0.5 s to 1.5 s lie inside.
    middle = times[0, 10:31] / 1000 - 0.5 / RATE
    torch.testing.assert_close(embeddings[0, 10:31, 0], middle)
    torch.testing.assert_close(embeddings[1, 10:31, 0], -middle)
    # At 0 the first half second of the clip is silent.
    assert embeddings[0, 0, 0] == pytest.approx(0.5 * 0.25, abs=1e-4)
    assert max(model.encoder.together) == 7


def test_scenes_are_the_mean_over_clips_that_cover_them():
    # Three clips cover 2.5 s: from 0, 0.75 and 1.5 s.
    (scene,) = hear.get_scene_embeddings(ramp(2.5)[None].square(), hear.HearModel(MeanLevel()))
    expected = sum(((start + 1) ** 3 - start**3) / 3 for start in (0, 0.75, 1.5)) / 3
    assert scene[0] == pytest.approx(expected, abs=2e-4)


def test_a_short_sound_reaches_the_model_as_it_is():
    (scene,) = hear.get_scene_embeddings(torch.ones(1, 4000), hear.HearModel(MeanLevel()))
    assert scene.tolist() == [0.25, 4000]


def test_a_rate_that_hear_does_not_offer_becomes_its_highest(tiny):
    assert (tiny.encoder.sampling_rate, tiny.sample_rate) == (24_000, 48_000)
    assert hear.HearModel(MeanLevel()).sample_rate == RATE
    assert (tiny.scene_embedding_size, tiny.timestamp_embedding_size) == (128, 128)


def test_real_sounds_are_embedded_as_the_benchmarks_do(shared_data, tiny):
    with open(shared_data("esc10") / "labels.csv", newline="") as file:
        names = [row["filename"] for row in csv.DictReader(file)][:3]
    given, expected, encoder = [], [], ZooEncoder(MODEL)
    for name in names:
        with MediaReader(shared_data(f"esc10/audio/{name}")) as reader:
            given.append(reader.read_audio(0.0, 3.0, 48_000).samples[0])
            clips = [reader.read_audio(start, 1.0, 24_000).samples[0] for start in (0.0, 1.0, 2.0)]
        with torch.no_grad():
            expected.append(encoder.encode(encoder.prepare(clips, "audio"), "audio").pooled.mean(0))
    scenes = hear.get_scene_embeddings(torch.stack(given), tiny)
    # FFmpeg's resampler there, torchaudio's here.
    assert F.cosine_similarity(scenes, torch.stack(expected)).min() > 0.999
    torch.testing.assert_close(hear.get_scene_embeddings(given[1][None], tiny)[0], scenes[1], atol=1e-4, rtol=1e-4)


def test_what_is_no_batch_of_sounds_is_refused(tiny):
    for wrong in (torch.zeros(100), torch.zeros(2, 0), torch.zeros(2, 100, dtype=torch.int16)):
        with pytest.raises(InvalidValueError, match=r"sounds for HEAR: got .*; expected float \(n_sounds, n_samples\)"):
            hear.get_scene_embeddings(wrong, tiny)
    with pytest.raises(InvalidValueError, match="model for HEAR: got LogMelStatistics, which does not"):
        hear.HearModel(LogMelStatistics())
    with pytest.raises(InvalidValueError, match="model for HEAR: got no name; expected a name of the zoo or a folder"):
        hear.load_model()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "package"
    assert main(["export", "hear", "--model", MODEL, "--out", str(out)]) == 0
    return out


def test_an_exported_package_holds_the_model(package, monkeypatch, tiny):
    monkeypatch.syspath_prepend(package)
    module = importlib.import_module("avssl_avid_tiny_avworld")
    model = module.load_model()
    audio = torch.rand(2, 60_000) - 0.5
    expected = hear.get_scene_embeddings(audio, tiny)
    torch.testing.assert_close(module.get_scene_embeddings(audio, model), expected)
    embeddings, times = module.get_timestamp_embeddings(audio, module.load_model(f"{package}/{module.__name__}/model"))
    assert embeddings.shape[:2] == times.shape == (2, 25)


def test_a_package_is_not_replaced_unasked(package, capsys):
    assert main(["export", "hear", "--model", MODEL, "--out", str(package)]) == 2
    assert "pyproject.toml: got one that exists already" in capsys.readouterr().err
    assert write_hear_package(MODEL, package, force=True) == "avssl_avid_tiny_avworld"


def test_the_validator_of_hear_accepts_the_package(package, monkeypatch, capsys):
    validate = pytest.importorskip("hearvalidator.validate", reason="pip install hearvalidator tensorflow")
    monkeypatch.syspath_prepend(package)
    validate.ValidateModel("avssl_avid_tiny_avworld", "", "cpu")()
    assert "Received embedding of shape: torch.Size([16, 40, 128])" in capsys.readouterr().out
