"""Lists of what to look at: what is read, what is refused and where, and that nothing is lost on the way."""

import csv
import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avssl_hub.data.manifest import Manifest, ManifestError, ManifestItem
from avssl_hub.errors import UnknownNameError
from avssl_hub.media import MediaOpenError

ROWS = [
    {"path": "a, b.mp4", "start": 0.1, "end": 1 / 3, "label": "dog, barking", "split": "train", "fold": "1"},
    {"path": "кино é.mp4", "start": None, "end": 2.0, "label": None, "split": "test", "fold": "01"},
    {"path": "/far/c.mp4", "start": 5.0, "end": None, "label": 'the "cat"', "split": "train", "fold": "2"},
]


def write(folder, text, name="list.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_windows_csv_with_mark_quotes_and_no_last_newline(tmp_path):
    text = '\ufeffpath,start,label,note\r\n"a, b.mp4",1.5,"dog ""Rex""",07\r\n\r\nкино.mp4,,,'
    manifest = Manifest.read(write(tmp_path, text))
    assert list(manifest) == [
        ManifestItem(tmp_path / "a, b.mp4", 1.5, label='dog "Rex"'),
        ManifestItem(tmp_path / "кино.mp4"),
    ]
    assert manifest.column("note").to_pylist() == ["07", None]
    assert manifest.columns == ["path", "start", "label", "note"]


def test_tabs_and_spaces_around_numbers_and_names(tmp_path):
    manifest = Manifest.read(write(tmp_path, "path\t start\tend \na,b.mp4\t 1 \t2e0\n", "list.tsv"))
    assert manifest[0] == ManifestItem(tmp_path / "a,b.mp4", 1.0, 2.0)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_written_lists_read_back_equal(tmp_path, suffix):
    manifest = Manifest(pa.Table.from_pylist(ROWS), tmp_path)
    manifest.write(tmp_path / f"list.{suffix}")
    back = Manifest.read(tmp_path / f"list.{suffix}")
    assert list(back) == list(manifest)
    assert back.fingerprint() == manifest.fingerprint()
    assert [path.name for path in tmp_path.iterdir()] == [f"list.{suffix}"]


def test_a_list_written_elsewhere_still_finds_its_files(tmp_path):
    manifest = Manifest(pa.table({"path": ["sub/a.mp4", "/far/b.mp4"]}), tmp_path / "media")
    (tmp_path / "other").mkdir()
    for place, written in ((tmp_path, "media/sub/a.mp4"), (tmp_path / "other", f"{tmp_path}/media/sub/a.mp4")):
        manifest.write(place / "list.csv")
        assert (place / "list.csv").read_text().splitlines() == ["path", written, "/far/b.mp4"]
        assert [item.path for item in Manifest.read(place / "list.csv")] == [item.path for item in manifest]


def test_root_replaces_the_folder_of_the_list(tmp_path):
    manifest = Manifest.read(write(tmp_path, "path\na.mp4\n/b.mp4\n"), root="/media")
    assert [item.path for item in manifest] == [Path("/media/a.mp4"), Path("/b.mp4")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "filename,label\na,b\n",
            r"list.csv, column 'path': got columns .*Did you mean 'filename'",
        ),
        ("paht\na\n", r"Did you mean 'paht'\? Rename it to 'path'"),
        ("path,Start\na,1\n", r"column 'Start': got 'Start'; expected lower case, 'start'"),
        ("path,path\na,b\n", r"column 'path': got it twice"),
        ("path,start\n", r"list.csv: got no rows"),
        ("path,start\na,1\n\n,2\n", r"list.csv, line 4, column 'path': got nothing; expected a path"),
        ("path,start\na,1\nb,two\n", r"line 3, column 'start': got 'two'; expected seconds, such as 12"),
        ("path,start\na,1\nb,-0.5\n", r"line 3, column 'start': got -0.5; expected seconds from 0 on"),
        ("path,start\na,nan\n", r"line 2, column 'start': got nan"),
        ("path,start,end\na,1,2\nb,3,3\n", r"line 3, column 'end': got 3.0; expected a time after the start"),
        ("path,end\na,0\n", r"line 2, column 'end': got 0.0"),
        ('path,note\na,"x\ny"\nb,2\na,"z"\n', r"line 3, column 'path': got 'a' there and in line 5"),
        ('path,label\na,"dog\nb,cat\n', r"line 3, column 'label': got 'dog\\nb,cat\\n'; expected one line; is a quot"),
        (
            f'path,label\na,1\nb,"dog\n{"c,2" * 50000}\nd,e"\n',
            r"line 3, column 'label': got 'dog\\nc,2.{,250}; expected one",
        ),
        (f"path,{'x' * 200000}\n", r"reading manifest .*list.csv: got field larger than field limit \(131072\); exp"),
        ("path,label\na,1\n\nb,dog, barking\n", r"line 4: got 3 values in 'b,dog, barking'; expected 2"),
        ("path,offset\na,1\n", r"column 'offset': got only one of 'offset' and 'size'"),
        ("path,offset,size\na,1,\n", r"line 2, column 'offset': got 1; expected both"),
        ("path,offset,size\na,1,0\n", r"line 2, column 'size': got 0; expected at least 1 byte"),
        ("", r"reading manifest .*list.csv: got Empty CSV file; expected a readable CSV file in UTF-8"),
        (b"path\n\xe9t\xe9.mp4\n", r"reading manifest .*list.csv: got .*expected a readable CSV file in UTF-8"),
    ],
)
def test_mistakes_are_named_by_file_line_column_and_value(tmp_path, text, message):
    with pytest.raises(ManifestError, match=message):
        Manifest.read(write(tmp_path, text))


def test_the_same_file_at_other_times_is_no_duplicate(tmp_path):
    assert len(Manifest.read(write(tmp_path, "path,start\na,1\na,2\na,\n"))) == 3


def test_missing_file_and_unknown_suffix(tmp_path):
    with pytest.raises(ManifestError, match=r"nowhere\.csv: got No such file"):
        Manifest.read(tmp_path / "nowhere.csv")
    with pytest.raises(UnknownNameError, match=r"got '\.cvs'.*Did you mean '\.csv'"):
        Manifest.read(tmp_path / "list.cvs")
    with pytest.raises(ManifestError, match=r"broken\.parquet: got .*; expected a readable PARQUET file\."):
        Manifest.read(write(tmp_path, "path\n", "broken.parquet"))


def test_parquet_types(tmp_path):
    table = pa.table(
        {
            "path": pa.array(["a", "b"]).dictionary_encode(),
            "start": pa.array([0, 1], pa.int8()),
            "fold": pa.array([3, None], pa.int64()),
            "score": pa.array([0.5, 1.5]),
        }
    )
    folder = tmp_path / "split=train"
    folder.mkdir()
    pq.write_table(table, folder / "list.parquet")
    manifest = Manifest.read(folder / "list.parquet")
    assert manifest[0] == ManifestItem(folder / "a", 0.0, fold="3")
    assert manifest.column("score").to_pylist() == [0.5, 1.5]
    for wrong, message in (
        ({"path": [1.5]}, "column 'path': got type double; expected text"),
        ({"path": ["a"], "start": [True]}, "column 'start': got type bool; expected numbers"),
        ({"path": ["a"], "image": [b"x"]}, "column 'image': got type binary; expected plain values"),
        ({"path": ["a", "b", "a"]}, "row 1, column 'path': got 'a' there and in row 3"),
    ):
        with pytest.raises(ManifestError, match=message):
            Manifest(pa.table(wrong))


def test_data_sets_library(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(path=datasets.Value("string"), label=datasets.ClassLabel(names=["cat", "dog"]))
    data = datasets.Dataset.from_dict({"path": ["a", "b", "c"], "label": [1, 0, 1]}, features=features)
    manifest = Manifest.read(data.select([2, 1]), root=tmp_path)
    assert list(manifest) == [ManifestItem(tmp_path / "c", label="dog"), ManifestItem(tmp_path / "b", label="cat")]
    with pytest.raises(ManifestError, match=r"got dict; expected the path of a file .* or a datasets\.Dataset"):
        Manifest.read({"path": ["a"]})


def test_where_keeps_rows_in_order(tmp_path):
    manifest = Manifest(pa.Table.from_pylist(ROWS), tmp_path)
    assert [item.path.name for item in manifest.where(split="train")] == ["a, b.mp4", "c.mp4"]
    assert [item.path.name for item in manifest.where(split="train", fold=2)] == ["c.mp4"]
    assert manifest.classes == ["dog, barking", 'the "cat"']
    with pytest.raises(UnknownNameError, match=r"value of column 'split': got 'trian'.*Did you mean 'train'"):
        manifest.where(split="trian")
    with pytest.raises(UnknownNameError, match=r"column of a manifest: got 'spilt'.*Did you mean 'split'"):
        manifest.where(spilt="train")
    with pytest.raises(ManifestError, match="none with split='test' and fold=2"):
        manifest.where(split="test", fold=2)


def test_fingerprint_tells_lists_apart_but_not_their_places():
    def fingerprint(rows, root="/a"):
        return Manifest(pa.Table.from_pylist(rows), root).fingerprint()

    base = fingerprint(ROWS)
    assert fingerprint(ROWS, "/b") == base
    assert fingerprint([{**row, "note": "x", "member": None} for row in ROWS]) == base
    others = [
        ROWS[::-1],
        ROWS[:2],
        [{**ROWS[0], "start": None}, *ROWS[1:]],
        [{**ROWS[0], "start": 0.0}, *ROWS[1:]],
        [{**ROWS[0], "label": None}, {**ROWS[1], "label": "dog, barking"}, ROWS[2]],
        [{**ROWS[0], "path": "a, b.mp4к"}, {**ROWS[1], "path": "ино é.mp4"}, ROWS[2]],
    ]
    assert len({base, *map(fingerprint, others)}) == 1 + len(others)


def test_parts_of_a_list_have_the_fingerprint_of_the_same_rows():
    manifest = Manifest(pa.Table.from_pylist(ROWS))
    rows = [ROWS[0], ROWS[2]]
    assert manifest.where(split="train").fingerprint() == Manifest(pa.Table.from_pylist(rows)).fingerprint()


def test_items_open_files_and_spans_of_bytes(tmp_path):
    (tmp_path / "shard.tar").write_bytes(bytes(range(100)))
    table = pa.table({"path": ["shard.tar"] * 2, "member": ["a.mp4", None], "offset": [10, 90], "size": [5, 11]})
    inside, beyond = Manifest(table, tmp_path)
    with inside.open() as file:
        assert (file.name, file.read()) == (f"{tmp_path}/shard.tar/a.mp4", bytes(range(10, 15)))
        assert file.seek(-2, 2) == 3
        assert (file.read(1), file.tell(), file.read(), file.read(1)) == (b"\x0d", 4, b"\x0e", b"")
        assert file.seek(50) == 50
        assert file.read(3) == b""
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)
    with pytest.raises(MediaOpenError, match=r"shard\.tar at byte 90'.*got 100 bytes, of which 90 to 101 are wanted"):
        beyond.open()
    with ManifestItem(tmp_path / "shard.tar").open() as file:
        assert file.read() == bytes(range(100))
    for place in ({}, {"offset": 0, "size": 1}):
        with pytest.raises(MediaOpenError, match=r"nowhere.*No such file"):
            ManifestItem(tmp_path / "nowhere", **place).open()


def test_indexing_and_pickling():
    manifest = Manifest(pa.Table.from_pylist(ROWS), "/a")
    assert manifest[-1] == manifest[2]
    with pytest.raises(IndexError):
        manifest[3]
    assert list(pickle.loads(pickle.dumps(manifest))) == list(manifest)


def test_manifests_need_no_torch():
    code = "import sys, avssl_hub.data.manifest; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_real_list(shared_data):
    labels = shared_data("ucf101-mini/labels.csv")
    with pytest.raises(ManifestError, match="Did you mean 'filename'"):
        Manifest.read(labels)
    with open(labels, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["path"], columns["label"] = columns.pop("filename"), columns.pop("category")
    manifest = Manifest(pa.table(columns), labels.parent / "videos")
    assert (len(manifest), len(manifest.classes)) == (141, 20)
    assert all(item.path.is_file() for item in manifest)
    assert len(manifest.where(group="08")) == sum(row["group"] == "08" for row in rows)
