"""The multisensory converter on archives as the authors' are, of small networks in TensorFlow's format."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from avssl_hub import load, load_processor
from avssl_hub._cards import ModelCard
from avssl_hub.errors import AvsslError, CheckpointError, HashMismatchError, InvalidValueError
from conversion import _multisensory_names, registry
from conversion.__main__ import main
from conversion._multisensory_names import to_state_dict
from conversion._tensorflow.errors import NotACheckpointError, TruncatedError
from conversion.multisensory import NETWORKS
from conversion.registry import convert

from ..parity._multisensory import original_name, original_shape, tensorflow_weight
from ._tensorflow_files import write

SMALL = {
    "video_hidden_sizes": (4, 8, 12, 16),
    "audio_hidden_sizes": (4, 8, 8, 12, 8),
    "fusion_hidden_size": 12,
    "unet_hidden_sizes": (2, 4, 4, 6, 6, 6, 6, 6, 6),
}
SHIFT, FULL, BLIND = "multisensory.audioset", "multisensory_separation.voxceleb", "unet_pit.voxceleb"
CAM = "multisensory_localization.audioset"


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    """Networks of few channels in the places of the released ones."""
    for name, network in NETWORKS.items():
        config = type(network.config).from_dict({**network.config.to_dict(), **SMALL})
        monkeypatch.setitem(NETWORKS, name, replace(network, config=config))


def variables(name: str) -> dict[str, np.ndarray]:
    """The network's variables by the weight rule, by the authors' names."""
    with torch.device("meta"):
        model = NETWORKS[name].model_class(NETWORKS[name].config)
    shapes = {original_name(key): original_shape(tuple(value.shape)) for key, value in model.state_dict().items()}
    return {key: tensorflow_weight(key, shape) for key, shape in shapes.items()}


def with_training_state(arrays: dict[str, np.ndarray], slots: Iterable[str], step: int) -> dict[str, np.ndarray]:
    trained = {key: value for key, value in arrays.items() if key.endswith(("weights", "biases", "beta", "gamma"))}
    state = {f"{key}/{slot}": np.zeros_like(value) for key, value in trained.items() for slot in slots}
    return {**arrays, **state, "beta1_power": np.array(0.5, np.float32), "global_step": np.array(step, np.int64)}


def zipped(folder: Path, networks: dict[str, dict[str, np.ndarray]], root: str = "") -> Path:
    """Pack networks by their prefixes, each beside the files that TensorFlow writes too."""
    path = folder / "multisensory-nets.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, (prefix, arrays) in enumerate(networks.items()):
            (folder / str(index)).mkdir()
            written = write(folder / str(index) / Path(prefix).name, arrays, per_block=20)
            for file in sorted(written.parent.iterdir()):
                archive.write(file, f"{root}{Path(prefix).parent}/{file.name}")
            archive.writestr(f"{root}{prefix}.meta", "a graph")
            archive.writestr(f"{root}{Path(prefix).parent}/checkpoint", f'model_checkpoint_path: "/elsewhere/{prefix}"')
    return path


def archive_of(folder: Path, name: str, arrays: dict[str, np.ndarray] | None = None, **options) -> Path:
    return zipped(folder, {NETWORKS[name].prefix: variables(name) if arrays is None else arrays}, **options)


@pytest.fixture
def release(tmp_path):
    """An archive with all four networks and their training state."""
    slots = {SHIFT: ("Momentum",), CAM: ("Momentum",), FULL: ("Adam", "Adam_1"), BLIND: ("Adam", "Adam_1")}
    contents = {
        NETWORKS[name].prefix: with_training_state(variables(name), kinds, step)
        for step, (name, kinds) in enumerate(slots.items())
    }
    (tmp_path / "release").mkdir()
    return zipped(tmp_path / "release", contents)


@pytest.mark.parametrize(("step", "name"), list(enumerate([SHIFT, CAM, FULL, BLIND])))
def test_every_network_of_the_archive_converts_and_loads(release, tmp_path, step, name):
    report = convert(name, release, tmp_path / "out")
    expected = to_state_dict(variables(name), "a test")
    state = load_file(tmp_path / "out" / "model.safetensors")
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[key], expected[key]) for key in state)
    assert report.renamed == len(expected)
    assert report.training["global_step"] == step
    assert (report.extra_keys, report.set_to_one) == ([], [])

    model = load(tmp_path / "out")
    assert type(model) is NETWORKS[name].model_class
    assert model.config.to_diff_dict() == {
        **NETWORKS[name].config.to_diff_dict(),
        "architectures": [type(model).__name__],
        "dtype": "float32",
    }
    assert load_processor(tmp_path / "out").to_dict() == NETWORKS[name].processor.to_dict()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "config.json",
        "golden.safetensors",
        "model.safetensors",
        "parity_report.json",
        "preprocessor_config.json",
    ]


def test_report_and_card_tell_what_was_done(release, tmp_path):
    report = convert(FULL, release, tmp_path / "out")
    digest = hashlib.sha256(release.read_bytes()).hexdigest()
    written = json.loads((tmp_path / "out" / "parity_report.json").read_text())
    assert written["source_sha256"] == {"multisensory-nets.zip": digest}
    assert written["is_whole"] is True
    # Two slots for each trained variable, and the power of a momentum.
    trained = [key for key in variables(FULL) if key.endswith(("weights", "biases", "beta", "gamma"))]
    assert written["training"]["optimizer_variables"] == 2 * len(trained) + 1
    # Sound: the stem, three blocks, the last layer. Picture: the stem, two blocks, fusion and its first layer, six
    # blocks, map and logit. U-net: nine and eight layers, two outputs, each with levels and phases.
    assert len(written["errors"]) == (1 + 3 + 1) + (1 + 2 + 2 + 6 + 2) + (9 + 8 + 2 * 3)
    assert 0 < written["max_error"] <= written["tolerance"] == 1e-5
    card = ModelCard.read(tmp_path / "out" / "README.md")
    assert (card.original.sha256, card.parity.max_abs_error) == (digest, report.max_abs_error)
    assert f"sha256 of multisensory-nets.zip {digest}" in report.summary()


@pytest.mark.parametrize("given", ["nets", "nets/shift", "nets/shift/net.tf-650000", "nets/shift/net.tf-650000.index"])
@pytest.mark.parametrize("root", ["", "results"])
def test_unpacked_files_convert_too(release, tmp_path, root, given):
    with zipfile.ZipFile(release) as archive:
        archive.extractall(tmp_path / root)
    given = tmp_path / root if given == "nets" else tmp_path / root / given
    report = convert(SHIFT, given, tmp_path / "out")
    names = {path.name: path for path in (tmp_path / root / "nets" / "shift").glob("net.tf-650000.*")}
    del names["net.tf-650000.meta"]
    assert report.source_sha256 == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in names.items()}
    assert not report.is_whole
    assert "cannot be checked against the archive's hash" in report.summary()
    # What was unpacked says nothing of the archive's hash.
    assert ModelCard.read(tmp_path / "out" / "README.md").original.sha256 == "unverified"


def test_folder_of_another_network_is_refused(release, tmp_path):
    with zipfile.ZipFile(release) as archive:
        archive.extractall(tmp_path)
    expected = r"got checkpoints net\.tf-675000; expected nets/shift/net\.tf-650000.*give its \.index file"
    with pytest.raises(NotACheckpointError, match=expected):
        convert(SHIFT, tmp_path / "nets" / "cam", tmp_path / "out")
    with pytest.raises(NotACheckpointError, match="got no TensorFlow checkpoint"):
        convert(SHIFT, tmp_path / "nets" / "sep", tmp_path / "out")


def test_names_of_no_network_are_listed_and_others_of_the_family_left(tmp_path):
    arrays = variables(SHIFT) | {
        "joint/old_logits/weights": np.ones((2, 2), np.float32),
        "lb/logits/weights": np.ones((1, 1, 1, 16, 3), np.float32),
        "learning_rate": np.array(0.1, np.float64),
        "beta1_power_1": np.array(0.1, np.float32),
    }
    report = convert(SHIFT, archive_of(tmp_path, SHIFT, arrays), tmp_path / "out")
    assert report.extra_keys == ["joint/old_logits/weights", "lb/logits/weights", "learning_rate"]
    assert report.training == {"optimizer_variables": 1}
    assert "not needed from the file: joint/old_logits/weights" in report.summary()


def test_separation_takes_a_network_without_scales(tmp_path):
    arrays = variables(FULL)
    scales = {key for key in arrays if key.endswith("gamma") and not key.startswith("gen/")}
    report = convert(
        FULL, archive_of(tmp_path, FULL, {k: v for k, v in arrays.items() if k not in scales}), tmp_path / "out"
    )
    state = load_file(tmp_path / "out" / "model.safetensors")
    # Of sound: two layers, three blocks of two and two shortcuts. Of picture and fusion: two layers, the fusion's end,
    # eight blocks of two and two shortcuts.
    assert len(report.set_to_one) == len(scales) == 31
    assert all(bool((state[key] == 1).all()) for key in report.set_to_one)
    assert "set to one: 31 scales" in report.summary()


def test_a_network_with_some_scales_is_damaged(tmp_path):
    arrays = variables(FULL)
    del arrays["im/conv4_1_bn/gamma"]
    with pytest.raises(CheckpointError, match=r"got multisensory\.blocks\.2\.norm\.weight is missing; exp"):
        convert(FULL, archive_of(tmp_path, FULL, arrays), tmp_path / "out")


def test_separation_is_no_alignment_network(tmp_path):
    # Its scales would be lost.
    with pytest.raises(CheckpointError, match=r"norm\.weight is left over; .* MultisensoryForAlignment"):
        convert(SHIFT, archive_of(tmp_path, SHIFT, variables(FULL)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "table", "first", "second", "where"),
    [
        (SHIFT, "TENSORS", "moving_mean", "beta", "im/conv1"),
        (CAM, "VIDEO_BLOCKS", "4_2", "3_2", None),
        (FULL, "VIDEO_BLOCKS", "3_1", "3_2", "im/conv3_1"),
        (BLIND, "HEADS", "gen/fg", "gen/bg", "gen/fg"),
    ],
)
def test_a_wrong_name_table_is_caught_by_the_restatement(tmp_path, monkeypatch, name, table, first, second, where):
    names = getattr(_multisensory_names, table)
    one, other = names[first], names[second]
    monkeypatch.setitem(names, first, other)
    monkeypatch.setitem(names, second, one)
    expected = rf"parity of {name} at {where}: got .*; expected at most 1e-05" if where else "has shape"
    with pytest.raises(AvsslError, match=expected):
        convert(name, archive_of(tmp_path, name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_types_of_numbers_are_refused(tmp_path):
    arrays = variables(SHIFT)
    arrays["im/conv1/weights"] = arrays["im/conv1/weights"].astype(np.float16)
    with pytest.raises(CheckpointError, match=r"variable im/conv1/weights of .*: got float16; expected float32"):
        convert(SHIFT, archive_of(tmp_path, SHIFT, arrays), tmp_path / "out")


def test_hash_of_the_archive_is_checked_before_it_is_opened(tmp_path, monkeypatch):
    path = tmp_path / "multisensory-nets.zip"
    path.write_bytes(b"PK\x03\x04 and no archive")
    card = registry.zoo.card(SHIFT)
    pinned = replace(card, original=replace(card.original, sha256="0" * 64))
    monkeypatch.setattr(registry.zoo, "card", lambda name: pinned)
    with pytest.raises(HashMismatchError, match=r"multisensory-nets\.zip.*expected 0{64}"):
        convert(SHIFT, path, tmp_path / "out")


def test_data_that_is_cut_is_named(tmp_path):
    write(tmp_path / "net.tf-650000", variables(SHIFT))
    data = tmp_path / "net.tf-650000.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-10])
    with pytest.raises(TruncatedError, match=r"net\.tf-650000\.data-00000-of-00001"):
        convert(SHIFT, tmp_path, tmp_path / "out")


def test_memory_banks_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match=r"memory banks: got multisensory\.audioset"):
        convert(SHIFT, archive_of(tmp_path, SHIFT), tmp_path / "out", banks=True)


def test_command_line_says_what_was_done(release, tmp_path, capsys):
    assert main([BLIND, "--checkpoint", str(release), "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "unet_pit.voxceleb: 157 tensors written to" in out
    assert "training state: global_step 3, optimizer_variables" in out
    assert main([SHIFT, "--checkpoint", str(tmp_path / "nowhere"), "--out", str(tmp_path / "other")]) == 2
    assert "nowhere, where nothing is" in capsys.readouterr().err
