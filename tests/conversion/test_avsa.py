"""The AVSA converter on the layout checkpoint, on a full-size rule-made one, and on files that are not right."""

import json
import zlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub import AvsaForSpatialAlignment, AvsaModel, AvsaProcessor, load, load_processor
from avssl_hub.errors import AvsslError, CheckpointError
from conversion import avsa
from conversion.registry import convert

from ..parity._avsa import original_name
from ..parity._rules import OWN_FIXTURES, gaussian, rule_weight

LAYOUT = OWN_FIXTURES / "avsa" / "checkpoint_cur_loc4_transfd2_layout.pth.tar"
NAME = "avsa.yt360"


@pytest.fixture(scope="module")
def full_size() -> dict:
    saved = torch.load(LAYOUT, weights_only=True)
    return {
        "epoch": 50,
        "model": {key: rule_weight(key.removeprefix("module."), x.shape) for key, x in saved["model"].items()},
        "train_criterion": {key: rule_weight(key, x.shape) for key, x in saved["train_criterion"].items()},
        "note": "kept",
    }


@pytest.fixture(scope="module")
def converted(full_size, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("full_size")
    torch.save(full_size, folder / "source.pth.tar")
    convert(NAME, folder / "source.pth.tar", folder / "out")
    return folder / "out"


def test_every_tensor_finds_its_place(converted, full_size):
    state = load_file(converted / "model.safetensors")
    original = {key.removeprefix("module."): x for key, x in full_size["model"].items()} | full_size["train_criterion"]
    assert len(state) == len(original) == 327
    config = load(converted).config
    for name, value in state.items():
        assert torch.equal(value, original[original_name(name, config)]), name


def test_converted_model_reproduces_the_recorded_embedding(converted):
    import numpy as np

    with np.load(OWN_FIXTURES / "avsa" / "model.npz") as fixture:
        expected = torch.from_numpy(fixture["wrapper__audio_emb"])
        seed, shape = json.loads(str(fixture["meta_json"]))["audio"]
    # Heads are not the model's own, and loading it leaves them out.
    model = AvsaModel.from_pretrained(converted).eval()
    with torch.no_grad():
        actual = model(input_features=gaussian(seed, shape)).audio_embeds
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


def test_heads_for_the_binary_tasks_start_from_it(converted):
    model = AvsaForSpatialAlignment.from_pretrained(converted, matching_translation=True)
    weight = load_file(converted / "model.safetensors")["video_to_audio.layers.1.mixing.value.weight"]
    assert torch.equal(model.video_to_audio.layers[1].mixing.value.weight, weight)


def test_report_and_processor_are_written(converted):
    report = json.loads((converted / "parity_report.json").read_text())
    assert report["extra_keys"] == ["note"]
    assert report["training"] == {"epoch": 50}
    assert {"video.conv1", "audio.block4", "v2a.1", "a2v.0", "audio_pred_head"} <= set(report["errors"])
    assert report["max_error"] <= report["tolerance"] == 1e-5
    assert load_processor(converted).to_dict() == AvsaProcessor().to_dict()


def test_layout_checkpoint_converts(tmp_path):
    report = convert(NAME, LAYOUT, tmp_path / "out")
    assert (report.extra_keys, report.renamed) == ([], 327)
    constant = (zlib.crc32(b"losses.0.a2v_transformer.transformer.1.dense.2.bias") % 1000) / 1000
    state = load_file(tmp_path / "out" / "model.safetensors")
    assert state["audio_to_video.layers.1.feed_forward.outer.bias"].unique().tolist() == pytest.approx([constant])


@pytest.mark.parametrize(
    ("table", "one", "other", "place"),
    [
        (avsa.LAYER_PARTS, "attention.query", "attention.value", r"v2a\.0"),
        (avsa.HEADS, "video_head", "audio_head", "video_head"),
    ],
)
def test_a_wrong_name_table_is_caught_by_the_restatement(full_size, tmp_path, monkeypatch, table, one, other, place):
    torch.save(full_size, tmp_path / "source.pth.tar")
    ours = table[one], table[other]
    monkeypatch.setitem(table, one, ours[1])
    monkeypatch.setitem(table, other, ours[0])
    with pytest.raises(AvsslError, match=rf"parity of avsa\.yt360 at {place}: got .*; expected at most 1e-05"):
        convert(NAME, tmp_path / "source.pth.tar", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_checkpoint_of_the_first_phase_is_refused(full_size, tmp_path):
    criterion = {
        f"losses.0.{modality}_projection.projection.0.{part}": torch.zeros(128, *[512] * (part == "weight"))
        for modality in ("video", "audio")
        for part in ("weight", "bias")
    }
    torch.save({**full_size, "train_criterion": criterion}, tmp_path / "source.pth.tar")
    with pytest.raises(CheckpointError, match=r"no rule covers losses\.0\.video_projection"):
        convert(NAME, tmp_path / "source.pth.tar", tmp_path / "out")
