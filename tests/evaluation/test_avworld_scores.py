"""Scores on AVWorld: through the processor, on the right scenes, beside a random copy."""

import json

import pytest
import torch

from avssl_hub.data.avworld import AVWorld
from avssl_hub.evaluation import avworld
from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor

SIZES = {"video_hidden_sizes": (4, 4, 8, 8), "audio_hidden_sizes": (4, 4, 8, 8), "projection_sizes": 8}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return AvidModel(AvidConfig(video_depth=10, **SIZES)).eval()


@pytest.fixture(scope="module")
def processor():
    return AvidProcessor(fps=16.0, crop_size=32, resize_size=32, audio_duration=1.0, fft_size=512, hop_length=480)


def test_embeddings_are_those_of_the_middle_of_each_scene(model, processor):
    world = AVWorld()
    features = avworld.embed_scenes(model, processor, world, "test", range(5, 9), batch_size=3)
    whole = world.render("test", [7])
    # 4 s of scene: sound from 1.5 to 2.5 s, eight pictures at 16 a second from 1.75 to 2.25 s.
    inputs = processor([whole.frames[0, 28:36]], [whole.samples[0, 36000:60000]], 24000)
    with torch.inference_mode():
        alone = model(**inputs)
    torch.testing.assert_close(features.video_embeds[2:3], alone.video_embeds, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features.audio_pooled[2:3], alone.audio_pooled, rtol=1e-4, atol=1e-4)
    assert features.labels.tolist() == world.render("test", range(5, 9), duration=0.1).scenes.classes[:, 0].tolist()


def test_a_random_copy_has_fresh_weights_and_leaves_the_generator_alone(model):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (avworld.random_copy(model, seed) for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    name = "video_encoder.stem.conv.weight"
    assert torch.equal(first.state_dict()[name], again.state_dict()[name])
    assert not torch.equal(first.state_dict()[name], other.state_dict()[name])
    assert not torch.equal(first.state_dict()[name], model.state_dict()[name])


def test_the_command_prints_the_scores_of_both(model, processor, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(avworld, "TEST_CLIPS", 20)
    monkeypatch.setattr(avworld, "PROBE_TRAINING_CLIPS", 120)
    monkeypatch.setattr(avworld, "GALLERY_SIZE", 10)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    avworld.main([str(tmp_path), "--seed", "3"])
    scores = json.loads(capsys.readouterr().out)
    assert scores["trained"] == avworld.score(model, processor)
    assert scores["random"] == avworld.score(avworld.random_copy(model, 3), processor)
    # Twenty queries each: every score is a multiple of 5 percent.
    assert all(value % 5 == pytest.approx(0, abs=1e-9) or value % 5 > 4.999 for value in scores["trained"].values())
