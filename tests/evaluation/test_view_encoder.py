"""Models of views on ordinary video and on sound from one microphone."""

import json
from pathlib import Path

import pytest
import torch

import avssl_hub
from avssl_hub.evaluation.trained.pixels import PixelInput
from avssl_hub.evaluation.view_encoder import ViewEncoder, load_encoder
from avssl_hub.evaluation.zoo_encoder import ZooEncoder
from avssl_hub.models.avid import AvidProcessor
from tests.pipelines.conftest import avsa_folder  # noqa: F401


@pytest.fixture(scope="module")
def encoder(avsa_folder):  # noqa: F811
    return load_encoder(str(avsa_folder))


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_kind_of_model_decides(encoder):
    assert type(encoder) is ViewEncoder
    assert type(load_encoder("avid_tiny.avworld")) is ZooEncoder


def test_an_ordinary_picture_is_one_view_cut_as_avids(encoder):
    frames = (noise(4, 60, 90, 3) * 255).to(torch.uint8)
    inputs = encoder.prepare([frames], "video")
    expected = AvidProcessor(num_frames=4, fps=8.0, crop_size=32, resize_size=36)(videos=[frames])
    assert list(inputs) == ["pixel_values_videos"]
    assert torch.equal(inputs["pixel_values_videos"], expected["pixel_values_videos"])
    with torch.inference_mode():
        encoded = encoder.encode(inputs, "video")
        direct = avssl_hub.AvsaModel.forward(encoder.model, **inputs, output_hidden_states=True)
    torch.testing.assert_close(encoded.pooled, direct.video_embeds)
    assert [tuple(found.shape) for found in encoded.maps] == [tuple(m.shape) for m in direct.video_hidden_states]
    assert encoded.embeds is None


def test_sound_of_one_microphone_is_w_and_the_rest_is_silent(encoder):
    sound = noise(6000) - 0.5
    features = encoder.prepare([sound, sound / 10], "audio")["input_features"]
    assert features.shape == (2, 4, 25, 20)
    views = encoder.processor.views
    scale = 10.0 + 1e-5
    torch.testing.assert_close(features[0, 0], (views.decibels(sound) + 40) / scale)
    # A tenth of the amplitude is 10 dB less, since the decibels are those of magnitudes.
    torch.testing.assert_close(features[1, 0], features[0, 0] - 10 / scale, rtol=0, atol=1e-4)
    # The least that there is, 1e-10.
    torch.testing.assert_close(features[:, 1:], torch.full((2, 3, 25, 20), (-100 + 40) / scale))
    with torch.inference_mode():
        assert encoder.encode({"input_features": features}, "audio").pooled.shape == (2, 16)


def test_clips_of_another_form(encoder):
    other = encoder.with_clips(frames=8, fps=16, size=40, keep_aspect_ratio=False)
    assert (other.num_frames, other.fps, other.video_duration) == (8, 16, 0.5)
    assert other.blank("video")["pixel_values_videos"].shape == (1, 8, 3, 40, 40)
    rules = PixelInput.of(other)
    assert (rules.name, rules.frames, rules.crop_size, rules.resize_size) == ("pixel_values_videos", 8, 40, 45)
    assert rules.image_mean == (0.485, 0.456, 0.406)
    assert other.fingerprint() != encoder.fingerprint()
    assert encoder.num_frames == 4


def test_real_actions_are_fine_tuned_on(avsa_folder, shared_data, tmp_path):  # noqa: F811
    pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
    from benchmarks.__main__ import main

    videos: Path = shared_data("ucf101-mini/videos")
    lines = ["path,label,split"]
    for label in ("Archery", "Bowling"):
        for number, file in enumerate(sorted(videos.glob(f"v_{label}_*.mp4"))[:3]):
            lines.append(f"{file},{label},{'test' if number == 2 else 'train'}")
    manifest = tmp_path / "own.csv"
    manifest.write_text("\n".join(lines) + "\n")
    small = ["clip.size=32", "data.workers=1", "loop.batch_size=4", "loop.epochs=0", "loop.steps=2"]
    small.append("test={dense_clips: 2, random_clips: 2}")
    given = ["--model", str(avsa_folder), "--data", str(manifest), "--cache", str(tmp_path / "cache")]
    given += ["--protocol", "finetune", "--recipe", "avsa_ucf", "--modality", "video", "--set", *small]
    assert main(["run", "--task", "own", "--out", str(tmp_path / "out"), *given]) == 0
    (file,) = (tmp_path / "out").rglob("*.json")
    result = json.loads(file.read_text())
    assert result["input"]["shape"] == [8, 3, 32, 32]
    assert result["layers"]["network"]["splits"][0]["notes"]["network"]["steps"] == 2
    assert result["layers"]["network"]["clip_accuracy"] is not None
