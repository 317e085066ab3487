"""Models of other libraries, small and random, scored through their adapters."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    VideoMAEConfig,
    VideoMAEForVideoClassification,
    VideoMAEVideoProcessor,
)

from benchmarks.__main__ import main
from benchmarks.adapters.ast import AstEncoder
from benchmarks.adapters.videomae import VideoMaeEncoder
from tests.media.corpus import Sound, make, noise, picture

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")

SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "num_labels": 5}


def unlike_new(model):
    """Draw also the biases, which start as zeros, so that one that is lost shows."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


@pytest.fixture(scope="module")
def videomae(tmp_path_factory):
    """Return a saved classifier of 16 pictures of 32 pixels, and the classifier."""
    folder = tmp_path_factory.mktemp("models") / "small_videomae"
    torch.manual_seed(0)
    model = unlike_new(VideoMAEForVideoClassification(VideoMAEConfig(image_size=32, patch_size=8, **SMALL)))
    model.save_pretrained(folder)
    processor = VideoMAEVideoProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    return folder, model


@pytest.fixture(scope="module")
def ast(tmp_path_factory):
    """Return a saved classifier of 1.28 s of sound, and the classifier."""
    folder = tmp_path_factory.mktemp("models") / "small_ast"
    torch.manual_seed(0)
    model = unlike_new(ASTForAudioClassification(ASTConfig(max_length=128, **SMALL)))
    model.save_pretrained(folder)
    ASTFeatureExtractor(max_length=128).save_pretrained(folder)
    return folder, model


def multiply_adds(tokens, values_per_token):
    """Count those of two layers of width 24 over ``tokens`` tokens, and of the embedding of patches."""
    linear = 4 * 24 * 24 + 2 * 24 * 48
    return 2 * tokens * (linear + 2 * tokens * 24), values_per_token * 24


def test_the_classifier_of_videomae_reads_what_the_adapter_gives(videomae):
    folder, classifier = videomae
    encoder = VideoMaeEncoder(str(folder))
    inputs = encoder.prepare(list(torch.randint(256, (2, 16, 40, 60, 3), dtype=torch.uint8)), "video")
    with torch.no_grad():
        pooled = encoder.encode(inputs, "video").pooled
        logits = classifier.classifier(classifier.fc_norm(pooled))
        torch.testing.assert_close(logits, classifier(**inputs).logits)


def test_a_short_film_is_completed_with_its_own_pictures(videomae):
    encoder = VideoMaeEncoder(str(videomae[0]))
    levels = torch.arange(6, dtype=torch.uint8) * 50
    clip = levels[:, None, None, None].expand(6, 32, 32, 3)
    pixels = encoder.prepare([clip], "video")["pixel_values"]
    assert pixels.shape == (1, 16, 3, 32, 32)
    # From 0 to 255 becomes from -1 to 1.
    expected = (levels[torch.arange(16) % 6, None] / 127.5 - 1).expand(16, 3)
    torch.testing.assert_close(pixels[0, :, :, 16, 16], expected, atol=1e-5, rtol=0)


def test_the_cost_of_videomae_counts_its_attention(videomae):
    told = VideoMaeEncoder(str(videomae[0])).describe_input("video")
    tokens = 8 * 4 * 4
    layers, patch = multiply_adds(tokens, 3 * 2 * 8 * 8)
    assert told["gmacs"] == pytest.approx((layers + tokens * patch) / 1e9)
    assert told | {"gmacs": 0} == {"seconds": 16 / 7.5, "frames": 16, "fps": 7.5, "shape": [16, 3, 32, 32], "gmacs": 0}


def test_the_classifier_of_ast_reads_what_the_adapter_gives(ast):
    folder, classifier = ast
    encoder = AstEncoder(str(folder))
    inputs = encoder.prepare([0.1 * torch.randn(20480), 0.1 * torch.randn(9000)], "audio")
    with torch.no_grad():
        logits = classifier.classifier(encoder.encode(inputs, "audio").pooled)
        torch.testing.assert_close(logits, classifier(**inputs).logits)


@pytest.mark.parametrize("samples", [8000, 10])
def test_the_spectrogram_of_a_short_sound_is_completed(ast, samples):
    encoder = AstEncoder(str(ast[0]))
    values = encoder.prepare([0.1 * torch.randn(samples)], "audio")["input_values"]
    assert values.shape == (1, 128, 128)
    frames = 1 + max(0, samples - 400) // 160
    # Zeros, normalised by mean -4.2677393 and twice the spread of 4.5689974; silence would be far lower.
    torch.testing.assert_close(values[0, frames:], torch.full((128 - frames, 128), 4.2677393 / 9.1379948))
    assert (values[0, :frames] - 4.2677393 / 9.1379948).abs().min() > 0


def test_the_cost_of_ast_counts_its_attention(ast):
    told = AstEncoder(str(ast[0])).describe_input("audio")
    patches = 12 * 12
    layers, _ = multiply_adds(patches + 2, 0)
    assert told["gmacs"] == pytest.approx((layers + patches * 16 * 16 * 24) / 1e9)
    assert told | {"gmacs": 0} == {"seconds": 1.28, "sampling_rate": 16000, "shape": [128, 128], "gmacs": 0}


def shaded(level, number):
    return picture(number) // 8 + np.uint8(level)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return the manifest of eight films of half a second: loud noise over bright pictures, a hum over dark ones."""
    folder = tmp_path_factory.mktemp("own")
    lines = ["path,label,fold"]
    for number in range(8):
        label, level = (("noise", 200), ("hum", 20))[number % 2]
        sound = noise(0.5, 16000, seed=number)
        if label == "hum":
            sound = sound.cumsum(-1) * 0.02
        frames = {"times": [frame / 20 for frame in range(10)], "pictures": partial(shaded, level)}
        make(folder / f"{number}.mp4", sounds=(Sound(sound, 16000),), fps=20, **frames)
        lines.append(f"{number}.mp4,{label},{number // 4}")
    (folder / "own.csv").write_text("\n".join(lines) + "\n")
    return folder / "own.csv"


@pytest.mark.parametrize(("modality", "adapter"), [("video", "videomae:VideoMaeEncoder"), ("audio", "ast:AstEncoder")])
def test_runs_score_the_model_and_its_random_twin(modality, adapter, own, tmp_path, request):
    folder, model = request.getfixturevalue(adapter.split(":")[0])
    given = ["--task", "own", "--modality", modality, "--data", str(own), "--out", str(tmp_path / "out")]
    given += ["--adapter", f"benchmarks.adapters.{adapter}", "--model", str(folder), "--cache", str(tmp_path / "cache")]
    assert main(["run", *given]) == 0
    assert main(["run", *given, "--control", "random-weights", "--seed", "1"]) == 0
    twin, result = (json.loads(path.read_text()) for path in sorted(tmp_path.glob("out/*/*/*.json"), reverse=True))
    assert (result["model"]["name"], twin["model"]["revision"]) == (folder.name, "random-seed1")
    assert result["model"]["weights_sha256"] != twin["model"]["weights_sha256"]
    assert result["model"]["parameters"] == model.base_model.num_parameters()
    assert result["score"]["accuracy"] == 1.0
    assert min(result["cost"]["gmacs"], twin["cost"]["gmacs"]) > 0
    assert main(["validate", str(tmp_path / "out")]) == 0


def test_what_a_model_does_not_look_at_is_refused(ast, own, tmp_path, capsys):
    given = ["--task", "own", "--modality", "video", "--data", str(own), "--out", str(tmp_path)]
    given += ["--adapter", "benchmarks.adapters.ast:AstEncoder", "--model", str(ast[0])]
    assert main(["run", *given]) == 2
    assert "modality for model small_ast: got video; expected audio." in capsys.readouterr().err
