"""Models of transformers' own classes: which files are accepted."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

from avssl_hub.errors import CheckpointError, WeightsNotFoundError
from benchmarks.adapters.ast import AstEncoder
from benchmarks.adapters.videomae import VideoMaeEncoder


@pytest.fixture
def folder(tmp_path):
    config = ASTConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48, max_length=128)
    ASTModel(config).save_pretrained(tmp_path)
    ASTFeatureExtractor(max_length=128).save_pretrained(tmp_path)
    return tmp_path


def test_a_lost_tensor_is_named_and_never_drawn_anew(folder):
    weights = load_file(folder / "model.safetensors")
    save_file(
        {key: value for key, value in weights.items() if "layernorm.bias" not in key}, folder / "model.safetensors"
    )
    with pytest.raises(CheckpointError, match=r"1 missing keys \(layernorm.bias\)"):
        AstEncoder(str(folder))


def test_pickled_weights_are_not_read(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsNotFoundError, match=r"pytorch_model.bin; expected config.json and model\*.safetensors"):
        AstEncoder(str(folder))


def test_random_weights_need_no_file_and_follow_the_seed(folder):
    stored = AstEncoder(str(folder)).fingerprint()["weights_sha256"]
    (folder / "model.safetensors").unlink()
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(AstEncoder(str(folder), random_weights=True).fingerprint()["weights_sha256"])
    assert drawn[0] == drawn[1]
    assert len({stored, *drawn}) == 3


def test_a_model_of_another_kind_is_refused(folder):
    with pytest.raises(CheckpointError, match="got 'audio-spectrogram-transformer'; expected 'videomae'"):
        VideoMaeEncoder(str(folder))


@pytest.mark.parametrize("random_weights", [False, True])
def test_code_that_comes_with_a_model_is_not_run(folder, random_weights):
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"from pathlib import Path\nPath({str(folder / 'ran')!r}).touch()\n")
    assert type(AstEncoder(str(folder), random_weights).model) is ASTModel
    assert not (folder / "ran").exists()
