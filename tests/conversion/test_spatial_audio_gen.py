"""The SpatialAudioGen converter on archives as the authors' are, of small networks in TensorFlow's format."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from avssl_hub import SpatialAudioGenConfig, SpatialAudioGenModel, load, load_processor
from avssl_hub._cards import ModelCard
from avssl_hub.errors import AvsslError, CheckpointError, InvalidValueError
from conversion import _spatial_audio_gen_names
from conversion._spatial_audio_gen_names import to_state_dict
from conversion._tensorflow.errors import NotACheckpointError, UnsafePathError
from conversion.registry import convert

from ..parity._spatial_audio_gen import original_layout, original_name, tensorflow_weight
from ._tensorflow_files import write

STREET = "spatial_audio_gen.rec_street"
SMALL = {
    "num_tracks": 3,
    "audio_hidden_sizes": (2, 3, 4, 5, 6),
    "video_hidden_sizes": (3, 4, 5, 6),
    "fusion_audio_size": 8,
    "fusion_visual_size": 7,
    "fusion_reduced_size": 2,
    "localization_hidden_sizes": (9, 10),
    "separation_condition_size": 5,
}
NO_SEPARATION = {"separation": "none", "num_tracks": 1}


def variables(config: SpatialAudioGenConfig) -> dict[str, np.ndarray]:
    """A network's variables by the weight rule, by the authors' names."""
    with torch.device("meta"):
        model = SpatialAudioGenModel(config)
    shapes = {original_name(n): tuple(original_layout(value).shape) for n, value in model.state_dict().items()}
    return {name: tensorflow_weight(name, shape) for name, shape in shapes.items()}


def with_training_state(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    trained = {name: value for name, value in arrays.items() if "moving_" not in name}
    slots = {f"{name}/{slot}": np.zeros_like(v) for name, v in trained.items() for slot in ("Adam", "Adam_1")}
    powers = {name: np.array(0.5, np.float32) for name in ("beta1_power", "beta2_power")}
    return {**arrays, **slots, **powers, "step": np.array(150000, np.int32)}


def settings_of(config: SpatialAudioGenConfig, **changes) -> str:
    """The text of settings, as a training in Python 2 writes it."""
    settings = {
        "model_dir": "models/REC-Street: first",
        "subset_fn": "meta/subsets/REC-Street.train.1.lst",
        "encoders": config.encoders,
        "separation": config.separation,
        "num_sep_tracks": 32 if config.separation == "none" else config.num_tracks,
        "ambi_order": 1,
        "audio_rate": 48000,
        "video_rate": 10,
        "context": 1.0,
        "sample_dur": 0.1,
        "fft_window": 0.025,
        "loc_units": config.localization_hidden_sizes,
        "lr": 0.0001,
        "resume": False,
    } | changes
    return "".join(f"{name}: {value}\n" for name, value in settings.items() if value is not None)


def archive_of(
    folder: Path, arrays: dict[str, np.ndarray], text: str, root: str = "REC-Street/", more: tuple = ()
) -> Path:
    """Pack a checkpoint with its settings and the files that TensorFlow writes too; ``more`` are further members."""
    written = write(folder / "unpacked" / "model.ckpt", arrays, per_block=20).parent
    (written / "train-params.txt").write_text(text)
    (written / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt"')
    (written / "model.ckpt.meta").write_text("a graph")
    (written / "._model.ckpt.index").write_text("a file of another system's")
    path = folder / "REC-Street.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(written.iterdir()):
            member = archive.gettarinfo(file)
            member.name = root + file.name
            archive.addfile(member, io.BytesIO(file.read_bytes()))
        for member, content in more:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(autouse=True)
def folder_to_write(tmp_path):
    (tmp_path / "unpacked").mkdir()


CONFIGS = {
    "all": {},
    "audio and video": {"encoders": ("audio", "video")},
    "audio": {"encoders": ("audio",)},
    "no separation": {"encoders": ("audio", "video"), **NO_SEPARATION},
}
# Nothing in the file says how wide a part would be that is not there.
ABSENT = {
    "audio": ("video_hidden_sizes", "fusion_visual_size", "fusion_reduced_size"),
    "no separation": ("separation_condition_size",),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_kind_of_network_converts_and_loads(tmp_path, kind):
    config = SpatialAudioGenConfig(**{**SMALL, **CONFIGS[kind]})
    arrays = variables(config)
    archive = archive_of(tmp_path, with_training_state(arrays), settings_of(config))
    report = convert(STREET, archive, tmp_path / "out")

    expected = to_state_dict(arrays, "a test")
    state = load_file(tmp_path / "out" / "model.safetensors")
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)
    trained = sum("moving_" not in name for name in arrays)
    assert report.training == {"step": 150000, "optimizer_variables": 2 * trained + 2}
    assert (report.renamed, report.extra_keys) == (len(arrays), [])
    assert report.settings["subset_fn"] == "meta/subsets/REC-Street.train.1.lst"
    assert report.settings["encoders"] == config.encoders

    made, usual = load(tmp_path / "out").config, SpatialAudioGenConfig()
    for field in ("encoders", "separation", *SMALL):
        value = getattr(made, field)
        assert value == getattr(config, field) or (value == getattr(usual, field) and field in ABSENT.get(kind, ())), (
            field
        )
    assert load_processor(tmp_path / "out").encoders == config.encoders
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "config.json",
        "golden.safetensors",
        "model.safetensors",
        "parity_report.json",
        "preprocessor_config.json",
    ]


@pytest.fixture
def small():
    config = SpatialAudioGenConfig(encoders=("audio",), **SMALL)
    return config, variables(config)


@pytest.fixture
def seeing():
    config = SpatialAudioGenConfig(encoders=("audio", "video"), **SMALL)
    return config, variables(config)


def test_report_and_card_tell_what_was_done(tmp_path, seeing):
    config, arrays = seeing
    archive = archive_of(tmp_path, arrays, settings_of(config))
    report = convert(STREET, archive, tmp_path / "out")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    written = json.loads((tmp_path / "out" / "parity_report.json").read_text())
    assert written["source_sha256"] == {"REC-Street.tar.gz": digest}
    assert written["settings"]["lr"] == 0.0001
    # Sound: five layers. Picture: the first layer and eight blocks. Fusion two, placing three, separation one and five;
    # masks, tracks and ambisonics. All twice: by both kinds of
    # statistics.
    assert len(written["errors"]) == 2 * (5 + 9 + 2 + 3 + 6 + 3)
    assert 0 < written["max_error"] <= 1e-9
    card = ModelCard.read(tmp_path / "out" / "README.md")
    assert (card.original.sha256, card.parity.max_abs_error) == (digest, report.max_abs_error)


@pytest.mark.parametrize("given", ["unpacked", "unpacked/model.ckpt.index", "unpacked/train-params.txt"])
def test_unpacked_files_convert_too(tmp_path, small, given):
    config, arrays = small
    archive_of(tmp_path, arrays, settings_of(config))
    (tmp_path / "unpacked" / "._model.ckpt.index").unlink()
    report = convert(STREET, tmp_path / given, tmp_path / "out")
    names = ("train-params.txt", "model.ckpt.index", "model.ckpt.data-00000-of-00001")
    digests = {name: hashlib.sha256((tmp_path / "unpacked" / name).read_bytes()).hexdigest() for name in names}
    assert report.source_sha256 == digests
    assert not report.is_whole


def test_settings_of_old_are_completed(tmp_path, small):
    config, arrays = small
    text = settings_of(config, num_sep_tracks=None, fft_window=None, loc_units=None, context=None)
    convert(STREET, archive_of(tmp_path, arrays, text), tmp_path / "out")
    assert load(tmp_path / "out").config.num_tracks == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_sep_tracks": 64}, r"num_sep_tracks in train-params\.txt of .*: got 64; expected 3, as the variables"),
        ({"loc_units": [512, 512]}, r"loc_units .* got \[512, 512\]; expected \[9, 10\]"),
        ({"encoders": ["video", "audio"]}, r"encoders .* got \['video', 'audio'\]; expected \['audio'\]"),
        ({"separation": "none"}, r"separation .* got 'none'; expected 'unet_mask'"),
        ({"ambi_order": 2}, r"ambi_order .* got 2; expected 1"),
        ({"audio_rate": -1}, r"audio_rate .* got -1; expected a positive number"),
        ({"fft_window": "__import__('os').abort()"}, r"fft_window .* got .*; expected a positive number"),
        ({"fft_window": 0.05}, r"SpatialAudioGenConfig\.context_samples: got 48000; expected enough"),
    ],
)
def test_settings_that_contradict_the_variables_are_refused(tmp_path, small, changes, expected):
    config, arrays = small
    with pytest.raises((CheckpointError, InvalidValueError), match=expected):
        convert(STREET, archive_of(tmp_path, arrays, settings_of(config, **changes)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["no colon", "x" * 70000], ids=["no colon", "too long"])
def test_other_text_in_the_place_of_settings_is_refused(tmp_path, small, text):
    with pytest.raises(CheckpointError, match=r"train-params\.txt: got .*; expected lines 'name: value'"):
        convert(STREET, archive_of(tmp_path, small[1], text), tmp_path / "out")


def test_names_of_no_network_are_listed(tmp_path, small):
    config, arrays = small
    more = {"localization/context/weights": np.ones((2, 2), np.float32), "learning_rate": np.array(0.1, np.float32)}
    report = convert(STREET, archive_of(tmp_path, arrays | more, settings_of(config)), tmp_path / "out")
    assert report.extra_keys == ["learning_rate", "localization/context/weights"]
    assert "not needed from the file: learning_rate" in report.summary()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda arrays: arrays.pop("localization/fc1/weights"), "expected a variable localization/fc1/weights"),
        (lambda arrays: arrays.pop("separation/deconv3/biases"), r"separation\.layers\.2\.bias is missing"),
        (lambda arrays: arrays.update({"localization/fc1/biases": np.zeros(9)}), "got float64; expected float32"),
    ],
    ids=["size", "part", "type"],
)
def test_damaged_networks_are_refused(tmp_path, small, change, expected):
    config, arrays = small
    change(arrays)
    with pytest.raises(CheckpointError, match=expected):
        convert(STREET, archive_of(tmp_path, arrays, settings_of(config)), tmp_path / "out")


@pytest.mark.parametrize(
    ("first", "second", "where"), [("gamma", "moving_mean", ""), ("moving_mean", "moving_variance", " by running .*")]
)
def test_a_wrong_name_table_is_caught_by_the_restatement(tmp_path, monkeypatch, seeing, first, second, where):
    names = _spatial_audio_gen_names.TENSORS
    one, other = names[first], names[second]
    monkeypatch.setitem(names, first, other)
    monkeypatch.setitem(names, second, one)
    config, arrays = seeing
    with pytest.raises(AvsslError, match=rf"parity of {STREET} at video_encoder/conv1/conv{where}: got"):
        convert(STREET, archive_of(tmp_path, arrays, settings_of(config)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def link_to(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    ("root", "more", "error", "expected"),
    [
        ("../", (), UnsafePathError, r"got '\.\./model\.ckpt.*'; expected a path below"),
        ("/tmp/", (), UnsafePathError, "expected a path below the archive's own folder"),
        (
            "a/",
            ((link_to("a/model.ckpt.data-00001-of-00002", "/etc/passwd"), b""),),
            UnsafePathError,
            "a link or device 'a/model.ckpt.data-00001-of-00002'",
        ),
        (
            "a/",
            ((tarfile.TarInfo("b/other.index"), b"1"),),
            NotACheckpointError,
            "got checkpoints a/model.ckpt, b/other",
        ),
        ("a/", ((tarfile.TarInfo("a/./train-params.txt"), b"1"),), CheckpointError, "got 2 files a/train-params.txt"),
    ],
    ids=["above", "absolute", "link", "two checkpoints", "two texts"],
)
def test_archives_that_are_not_as_they_should_be_are_refused(tmp_path, small, root, more, error, expected):
    config, arrays = small
    archive = archive_of(tmp_path, arrays, settings_of(config), root=root, more=more)
    with pytest.raises(error, match=expected):
        convert(STREET, archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_archives_too_large_or_damaged_are_refused(tmp_path, monkeypatch, small):
    config, arrays = small
    archive = archive_of(tmp_path, arrays, settings_of(config))
    monkeypatch.setattr("conversion.spatial_audio_gen.MOST_BYTES", 1000)
    with pytest.raises(CheckpointError, match="bytes of a checkpoint; expected at most 1,000"):
        convert(STREET, archive, tmp_path / "out")
    archive.write_bytes(archive.read_bytes()[:-500])
    with pytest.raises(CheckpointError, match="expected a whole tar archive"):
        convert(STREET, archive, tmp_path / "out")
    archive.write_bytes(b"<html>not found</html>")
    with pytest.raises(CheckpointError, match="expected a whole tar archive"):
        convert(STREET, archive, tmp_path / "out")


def test_memory_banks_are_refused(tmp_path, small):
    config, arrays = small
    with pytest.raises(InvalidValueError, match=r"memory banks: got spatial_audio_gen\.rec_street"):
        convert(STREET, archive_of(tmp_path, arrays, settings_of(config)), tmp_path / "out", banks=True)
