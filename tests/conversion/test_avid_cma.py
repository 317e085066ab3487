"""The AVID converter on layout checkpoints, on full-size rule-made ones, and on files that are not right."""

import hashlib
import json
import pickle
import re
import zlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub import AvidProcessor, load, load_processor, verify
from avssl_hub._cards import ModelCard
from avssl_hub.errors import AvsslError, CheckpointError, HashMismatchError, UnknownNameError
from conversion import _tower_names
from conversion.__main__ import main
from conversion.registry import convert

from ..conftest import ROOT
from ..parity._rules import OWN_FIXTURES, gaussian, rule_weight

LAYOUTS = OWN_FIXTURES / "avid_cma"
AVID_LAYOUT, CMA_LAYOUT = LAYOUTS / "checkpoint_avid_layout.pth.tar", LAYOUTS / "checkpoint_avid_cma_layout.pth.tar"


@pytest.fixture(scope="module")
def original_shapes() -> dict[str, tuple[int, ...]]:
    model = torch.load(AVID_LAYOUT, weights_only=True)["model"]
    return {key.removeprefix("module."): tuple(value.shape) for key, value in model.items()}


@pytest.fixture(scope="module")
def full_size(original_shapes) -> dict[str, torch.Tensor]:
    return {name: rule_weight(name, shape) for name, shape in original_shapes.items()}


@pytest.fixture(scope="module")
def converted(full_size, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("full_size")
    bank = torch.nn.functional.normalize(gaussian(1, (300, 128)))
    criterion = {"nce_average.view1_mem": bank, "nce_average.view2_mem": bank.flip(0)}
    criterion["criterion.avg_exp_score"] = torch.tensor([2.5])
    saved = {"epoch": 40, "model": full_size, "optimizer": {}, "train_criterion": criterion, "note": "kept"}
    torch.save(saved, folder / "source.pth.tar")
    convert("avid.audioset", folder / "source.pth.tar", folder / "out", banks=True)
    return folder / "out"


def test_full_size_weights_keep_every_value(converted, full_size):
    state = load_file(converted / "model.safetensors")
    assert len(state) == len(full_size) == 267
    pairs = {
        "video_encoder.stem.conv.weight": "video_model.conv1.0.weight",
        "video_encoder.stages.2.0.shortcut.weight": "video_model.conv4x.0.res_conv.weight",
        "video_encoder.stages.3.1.norm.running_var": "video_model.conv5x.1.out_bn.running_var",
        "audio_encoder.blocks.3.norm2.bias": "audio_model.block4.bn2.bias",
        "audio_projection.layers.2.weight": "audio_proj.projection.4.weight",
    }
    for ours, theirs in pairs.items():
        assert torch.equal(state[ours], full_size[theirs])
    # Nothing is lost or doubled: the multisets of values agree.
    total = sum(value.double().sum().item() for value in full_size.values())
    assert sum(value.double().sum().item() for value in state.values()) == pytest.approx(total, rel=1e-12)


def test_converted_model_loads_and_reproduces_the_recorded_embedding(converted):
    # First values of video_emb in the fixture model_d18, made by the authors' code on the same rule.
    import numpy as np

    with np.load(LAYOUTS / "model_d18.npz") as fixture:
        expected = torch.from_numpy(fixture["video112__video_emb"])
        seed = json.loads(str(fixture["meta_json"]))["inputs"]["video112"]
    model = load(converted)
    with torch.no_grad():
        actual = model(gaussian(seed["seed"], seed["shape"]).transpose(1, 2)).video_embeds
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


def test_a_conversion_can_be_verified_with_its_source_and_converter(converted):
    certificate = verify(converted)
    report = json.loads((converted / "parity_report.json").read_text())
    assert certificate.problems == []
    assert certificate.original.sha256 == report["source_sha256"]["source.pth.tar"]
    assert certificate.parity.max_abs_error == report["max_abs_error"]
    assert certificate.recording.converter_commit == report["converter_commit"]
    if (ROOT / ".git").exists():
        assert re.match(r"[0-9a-f]{40}( with changes)?$", report["converter_commit"])


def test_processor_card_and_report_are_written(converted):
    assert load_processor(converted).to_dict() == AvidProcessor().to_dict()
    card = ModelCard.read(converted / "README.md")
    assert card.original.sha256 == hashlib.sha256((converted.parent / "source.pth.tar").read_bytes()).hexdigest()
    assert card.parity.tolerance == 1e-5
    assert {"config.json", "golden.safetensors", "model.safetensors", "preprocessor_config.json"} <= set(card.files)
    report = json.loads((converted / "parity_report.json").read_text())
    assert report["extra_keys"] == ["note"]
    assert report["training"] == {"epoch": 40, "partition_constant": 2.5, "training_videos": 300}
    assert set(report["errors"]) >= {"video.conv1", "video.embedding", "audio.block4", "audio.embedding"}
    assert report["max_error"] <= report["tolerance"] == 1e-5
    assert report["dtype"] == "float32"
    assert report["source_sha256"] == {"source.pth.tar": card.original.sha256}


def test_a_wrong_name_table_is_caught_by_the_restatement(full_size, tmp_path, monkeypatch):
    path = saved_as(tmp_path, {"model": full_size})
    monkeypatch.setitem(_tower_names.VIDEO_PARTS, "spt_bn1", "temporal_norm1")
    monkeypatch.setitem(_tower_names.VIDEO_PARTS, "tmp_bn1", "spatial_norm1")
    with pytest.raises(AvsslError, match=r"parity of avid\.audioset at video\.conv2x: got .*; expected at most 1e-05"):
        convert("avid.audioset", path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_memory_banks_are_exported_on_request(converted):
    banks = load_file(converted / "memory_banks.safetensors")
    bank = torch.nn.functional.normalize(gaussian(1, (300, 128)))
    assert torch.equal(banks["video_bank"], bank)
    assert torch.equal(banks["audio_bank"], bank.flip(0))
    assert banks["partition_constant"].shape == ()


@pytest.mark.parametrize(("layout", "name"), [(AVID_LAYOUT, "avid.kinetics"), (CMA_LAYOUT, "avid_cma.audioset")])
def test_layout_checkpoints_convert(layout, name, tmp_path):
    report = convert(name, layout, tmp_path / "out", banks=True)
    assert report.extra_keys == []
    assert report.training["partition_constant"] == 2.0
    assert report.training["training_videos"] == 512
    state = load_file(tmp_path / "out" / "model.safetensors")
    constant = (zlib.crc32(b"video_model.conv3x.1.spt_bn2.weight") % 1000) / 1000
    assert state["video_encoder.stages.1.1.spatial_norm2.weight"].unique().tolist() == pytest.approx([constant])
    banks = load_file(tmp_path / "out" / "memory_banks.safetensors")
    assert ("positive_set" in banks) is (layout is CMA_LAYOUT)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_prefix_and_pickle_form_make_no_difference(full_size, tmp_path, prefix, legacy):
    saved = {"model": {prefix + key: value for key, value in full_size.items()}}
    torch.save(saved, tmp_path / "source.pth.tar", _use_new_zipfile_serialization=not legacy)
    convert("avid_cma.kinetics", tmp_path / "source.pth.tar", tmp_path / "out")
    state = load_file(tmp_path / "out" / "model.safetensors")
    key = "video_projection.layers.1.weight"
    assert torch.equal(state[key], full_size["video_proj.projection.2.weight"])


def saved_as(folder: Path, content) -> Path:
    torch.save(content, folder / "source.pth.tar")
    return folder / "source.pth.tar"


@pytest.mark.parametrize("share", [0.2, 0.7, 0.999])
@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_checkpoint_is_named(tmp_path, legacy, share):
    path = tmp_path / "cut.pth.tar"
    torch.save({"model": {"a": torch.zeros(5000)}}, path, _use_new_zipfile_serialization=not legacy)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CheckpointError, match=r"reading .*cut\.pth\.tar: got .*; expected .*[Dd]ownload it again"):
        convert("avid.audioset", path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_in_a_pickle_is_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    with open(tmp_path / "evil.pth.tar", "wb") as file:
        pickle.dump({"model": Payload()}, file)
    torch.save({"model": Payload()}, tmp_path / "evil.zip.pth.tar")
    for name in ("evil.pth.tar", "evil.zip.pth.tar"):
        with pytest.raises(CheckpointError, match="reading"):
            convert("avid.audioset", tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "ran").exists()


def test_other_familys_checkpoint_is_refused_with_its_keys(tmp_path):
    path = saved_as(tmp_path, {"model": {"backbone.layer1.weight": torch.zeros(3)}})
    with pytest.raises(CheckpointError, match=r"no rule covers backbone\.layer1\.weight.*another family"):
        convert("avid.audioset", path, tmp_path / "out")


def test_checkpoint_without_a_model_lists_what_it_holds(tmp_path):
    path = saved_as(tmp_path, {"weights": {}, "step": 3})
    with pytest.raises(CheckpointError, match=r"entries 'weights', 'step'; expected an entry 'model'"):
        convert("avid.audioset", path, tmp_path / "out")


def test_missing_misshapen_and_extra_weights_are_listed(full_size, tmp_path):
    state = dict(full_size)
    del state["audio_proj.projection.2.bias"]
    state["video_proj.projection.4.bias"] = torch.zeros(64)
    path = saved_as(tmp_path, {"model": state})
    with pytest.raises(CheckpointError) as error:
        convert("avid.audioset", path, tmp_path / "out")
    assert "audio_projection.layers.1.bias is missing" in str(error.value)
    assert "video_projection.layers.2.bias has shape (64,), not (128,)" in str(error.value)


def test_existing_folder_is_kept_unless_forced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(AvsslError, match=r"existing .*out.*--force"):
        convert("avid.kinetics", AVID_LAYOUT, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"
    convert("avid.kinetics", AVID_LAYOUT, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_file_that_is_not_the_cards_is_refused(tmp_path, monkeypatch):
    import dataclasses

    from conversion import registry

    card = registry.zoo.card("avid.kinetics")
    pinned = dataclasses.replace(card, original=dataclasses.replace(card.original, sha256="0" * 64))
    monkeypatch.setattr(registry.zoo, "card", lambda name: pinned)
    with pytest.raises(HashMismatchError, match=r"sha256 of .*avid_layout.*expected 0{64}.*download it again"):
        convert("avid.kinetics", AVID_LAYOUT, tmp_path / "out")


def test_unknown_name_offers_close_ones(capsys):
    with pytest.raises(UnknownNameError, match=r"'avid_cma.audoset'.*Did you mean 'avid_cma.audioset'"):
        convert("avid_cma.audoset", AVID_LAYOUT)
    assert main(["avid_cma.audoset", "--checkpoint", str(AVID_LAYOUT)]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_command_line_says_what_was_done(tmp_path, capsys):
    assert main(["avid.kinetics", "--checkpoint", str(AVID_LAYOUT), "--out", str(tmp_path / "out")]) == 0
    assert "267 tensors" in capsys.readouterr().out
