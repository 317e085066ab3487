"""Data sets of the ``datasets`` library: what they list, and that media are read where they lie."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avssl_hub.data.dataset_tables import is_dataset, read_dataset
from avssl_hub.data.datasets import build
from avssl_hub.data.labelled import read_labelled
from avssl_hub.data.manifest import ManifestError
from avssl_hub.errors import InvalidValueError
from tests.conftest import ROOT
from tests.hub_server import HubServer

datasets = pytest.importorskip("datasets")

# The columns of ashraq/esc50, a copy of ESC-50 on the Hub.
NAMES = ["1-100032-A-0.wav", "1-17367-A-10.wav", "5-9032-A-0.wav"]
ESC50 = {
    "filename": NAMES,
    "fold": [1, 1, 5],
    "target": [0, 10, 0],
    "category": ["dog", "rain", "dog"],
    "esc10": [True, False, True],
}
CONTENTS = [b"first", bytes(range(200)), b"third sound"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def table(columns, contents, paths=None):
    media = [{"bytes": content, "path": path} for content, path in zip(contents, paths or [None] * len(contents))]
    return datasets.Dataset.from_dict({**columns, "audio": media}).cast_column("audio", datasets.Audio())


def contents_of(manifest):
    contents = []
    for item in manifest:
        with item.open() as file:
            contents.append(file.read())
    return contents


def test_saved_sets_are_read_in_place(tmp_path):
    parts = {"train": table({"label": ["a", "b"]}, CONTENTS[:2]), "test": table({"label": ["b"]}, CONTENTS[2:])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "saved", num_shards={"train": 2, "test": 1})
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    manifest = read_dataset(tmp_path / "saved")
    assert contents_of(manifest) == CONTENTS
    assert [(item.label, item.split, item.member) for item in manifest] == [
        ("a", "train", "train/0"),
        ("b", "train", "train/0"),
        ("b", "test", "test/0"),
    ]
    assert manifest.column("path").to_pylist()[2] == "test/data-00000-of-00001.arrow"
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_tables_are_loaded_with_names_of_classes_and_without_what_no_manifest_holds(tmp_path):
    columns = {"label": [1, 0, 1], "vector": [[0.5], [1.0], [2.0]]}
    data = table(columns, CONTENTS, ["x/a.wav", "b.wav", "c.wav"])
    data = data.cast_column("label", datasets.ClassLabel(names=["cat", "dog"]))
    (tmp_path / "tables").mkdir()
    data.to_parquet(tmp_path / "tables" / "validation-00000-of-00001.parquet")
    assert is_dataset(tmp_path / "tables")
    manifest = read_dataset(tmp_path / "tables")
    assert manifest.columns == ["path", "label", "split", "member", "offset", "size"]
    assert [(item.label, item.split, item.member) for item in manifest] == [
        ("dog", "validation", "a.wav"),
        ("cat", "validation", "b.wav"),
        ("dog", "validation", "c.wav"),
    ]
    assert contents_of(manifest) == CONTENTS


def test_media_that_lie_beside_the_table_keep_their_paths(tmp_path):
    (tmp_path / "far.wav").write_bytes(b"far")
    media = [{"bytes": None, "path": str(tmp_path / "far.wav")}, {"bytes": b"near", "path": None}]
    (tmp_path / "tables").mkdir()
    pq.write_table(pa.table({"video": media}), tmp_path / "tables" / "train.parquet")
    manifest = read_dataset(tmp_path / "tables")
    assert contents_of(manifest) == [b"far", b"near"]
    assert manifest[0].path == tmp_path / "far.wav"


def test_a_copy_of_esc50_is_its_own_list(tmp_path):
    table(ESC50, CONTENTS).save_to_disk(tmp_path / "saved")
    found = build("esc50", tmp_path / "saved")
    assert [(item.label, item.fold, item.member) for item in found.manifest] == [
        ("dog", "1", NAMES[0]),
        ("rain", "1", NAMES[1]),
        ("dog", "5", NAMES[2]),
    ]
    assert found.manifest.column("group").to_pylist() == ["100032", "17367", "9032"]
    assert (found.listed, found.missing, len(found.extra)) == (3, [], 0)
    assert contents_of(build("esc10", tmp_path / "saved").manifest) == [CONTENTS[0], CONTENTS[2]]
    # The official list counts where it is given, whatever the columns say.
    (tmp_path / "esc50.csv").write_text(
        "filename,fold,category,esc10,src_file\n5-9032-A-0.wav,5,cat,True,9032\n2-1-A-0.wav,2,dog,True,1\n"
    )
    found = build("esc50", tmp_path / "saved", tmp_path / "esc50.csv")
    assert [(item.label, item.member) for item in found.manifest] == [("cat", NAMES[2])]
    assert contents_of(found.manifest) == CONTENTS[2:]
    assert (found.missing, len(found.extra)) == (["2-1-A-0"], 2)


def test_lists_of_videos_are_matched_with_what_a_table_holds(tmp_path):
    lists = {"classInd": "1 Archery\n", "trainlist01": "Archery/v_Archery_g01_c01.avi 1\n"}
    for name in ("classInd", *(f"{part}list0{number}" for part in ("train", "test") for number in "123")):
        (tmp_path / f"{name}.txt").write_text(lists.get(name, ""))
    table({}, CONTENTS[:1], ["v_Archery_g01_c01.avi"]).save_to_disk(tmp_path / "saved")
    found = build("ucf101", tmp_path / "saved", tmp_path)
    assert found.manifest.column("split1").to_pylist() == ["train"]
    assert contents_of(found.manifest) == CONTENTS[:1]
    with pytest.raises(ManifestError, match="manifest of ucf101: got no list"):
        build("ucf101", tmp_path / "saved")


def test_scenes_of_a_table_by_its_splits(tmp_path):
    parts = {"train": table({}, CONTENTS[:1], ["bus01.wav"]), "test": table({}, CONTENTS[1:2], ["tubestation01.wav"])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    found = build("dcase2013", tmp_path / "saved")
    assert [(item.label, item.split) for item in found.manifest] == [("bus", "train"), ("tubestation", "test")]
    assert contents_of(found.manifest) == CONTENTS[:2]


def test_columns_of_a_table_are_renamed_beside_its_media(tmp_path):
    table(ESC50, CONTENTS).save_to_disk(tmp_path / "saved")
    manifest = read_labelled(tmp_path / "saved", {"label": ["category"], "fold": ["fold"]})
    assert manifest.columns == ["path", "label", "fold", "member", "offset", "size"]
    manifest.write(tmp_path / "list.csv")
    assert contents_of(read_labelled(tmp_path / "list.csv")) == CONTENTS
    with pytest.raises(InvalidValueError, match=r"root of data set .*saved: got .*; expected none"):
        read_labelled(tmp_path / "saved", root=tmp_path)


def test_tables_that_hold_no_media_or_too_many_are_refused(tmp_path):
    text = datasets.Dataset.from_dict({"text": ["a"]})
    text.save_to_disk(tmp_path / "text")
    with pytest.raises(ManifestError, match=r"columns of sounds or videos in data set .*text: got none among text"):
        read_dataset(tmp_path / "text")
    two = table({"other": [{"bytes": b"x", "path": None}]}, CONTENTS[:1])
    two.save_to_disk(tmp_path / "two")
    with pytest.raises(ManifestError, match="got other, audio; expected one"):
        read_dataset(tmp_path / "two")
    (tmp_path / "empty").mkdir()
    media = [{"bytes": b"x", "path": None}, {"bytes": None, "path": None}]
    pq.write_table(pa.table({"audio": media}), tmp_path / "empty" / "train.parquet")
    with pytest.raises(ManifestError, match="row 2: got an empty medium; expected one in every row"):
        read_dataset(tmp_path / "empty")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{}")
    with pytest.raises(ManifestError, match=r"reading data set .*broken: got"):
        read_dataset(tmp_path / "broken")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "train.parquet").write_bytes(b"no table")
    with pytest.raises(InvalidValueError, match=r"data set '.*bad': got .*; expected one that datasets.load_dataset"):
        read_dataset(tmp_path / "bad")
    for address in ("hf://esc50", "hf://a/b/c/d"):
        with pytest.raises(InvalidValueError, match=r"address of a data set: got .*; expected hf://owner/name, "):
            read_dataset(address)


def test_folders_of_media_files_are_no_tables(tmp_path):
    (tmp_path / "a.wav").touch()
    assert not is_dataset(tmp_path)
    (tmp_path / "list.parquet").touch()
    assert not is_dataset(tmp_path)
    assert not is_dataset(tmp_path / "list.csv")


def test_a_repository_is_loaded_from_the_hub_once_and_then_from_the_cache(tmp_path):
    table(ESC50, CONTENTS).to_parquet(tmp_path / "train.parquet")
    commit = "a" * 40
    files = {"data/train-00000-of-00001.parquet": (tmp_path / "train.parquet").read_bytes()}
    code = (
        "import json, sys; from avssl_hub.data.datasets import build; from avssl_hub.errors import AvsslError\n"
        "try: print(json.dumps([item.open().read().hex() for item in build('esc10', sys.argv[1]).manifest]))\n"
        "except AvsslError as error: print(json.dumps(str(error)))"
    )

    def load(address, **more):
        environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), **more}
        done = subprocess.run(
            [sys.executable, "-c", code, address], env=environment, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with HubServer(repositories={"ashraq/esc50": {commit: files}}) as hub:
        hub.branches["ashraq/esc50", "main"] = commit
        online = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        expected = [CONTENTS[0].hex(), CONTENTS[2].hex()]
        assert load("hf://ashraq/esc50", **online) == expected
        assert len(hub.requests(".parquet")) == 1
        assert "data set 'ashraq/esc5'" in load("hf://ashraq/esc5", **online)
    assert load("hf://ashraq/esc50", HF_HUB_OFFLINE="1") == expected
    assert "offline mode and no complete copy in the cache" in load("hf://ashraq/other", HF_HUB_OFFLINE="1")


def test_a_real_sound_in_a_table_is_the_file(shared_data, tmp_path):
    from avssl_hub.media import MediaReader

    source = shared_data("esc10/audio/1-100032-A.ogg")
    table({}, [source.read_bytes()], [source.name]).save_to_disk(tmp_path / "saved")
    (item,) = read_dataset(tmp_path / "saved")
    with item.open() as inside, MediaReader(inside) as one, MediaReader(source) as other:
        assert one.read_audio(0, 5, 24000).samples.equal(other.read_audio(0, 5, 24000).samples)
    assert item.name == f"{Path(tmp_path, 'saved', 'data-00000-of-00001.arrow')}/{source.name}"
