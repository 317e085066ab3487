"""Tables of labels under columns of their own."""

import pytest

from avssl_hub.data.labelled import column_choices, present, read_labelled
from avssl_hub.data.manifest import ManifestError
from avssl_hub.errors import InvalidValueError, UnknownNameError

TABLE = "filename, category,scene,take\na.wav,dog,08,1\nb.wav,cat,08,\nb.wav,cat,09,2\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "labels.csv").write_text(TABLE)
    return tmp_path / "labels.csv"


def test_columns_are_taken_and_joined(table, tmp_path):
    columns = {"path": ["scene", "filename"], "label": ["category"], "group": ["category", "scene"]}
    manifest = read_labelled(table, columns)
    assert manifest.columns == ["path", "label", "group"]
    assert [item.path for item in manifest] == [tmp_path / name for name in ("08/a.wav", "08/b.wav", "09/b.wav")]
    assert manifest.column("group").to_pylist() == ["dog/08", "cat/08", "cat/09"]
    # What is put together of nothing is nothing.
    assert read_labelled(table, {**columns, "group": ["scene", "take"]}).column("group").to_pylist()[1] is None


def test_mistakes_are_named(table):
    with pytest.raises(UnknownNameError, match=r"column of .*labels.csv: got 'categry'.*Did you mean 'category'"):
        read_labelled(table, {"path": ["filename"], "label": ["categry"]})
    with pytest.raises(ManifestError, match=r"labels.csv, line 3, column 'path': got 'b.wav' there and in line 4"):
        read_labelled(table, {"path": ["filename"]})
    with pytest.raises(ManifestError, match="Did you mean 'filename'"):
        read_labelled(table)
    for words in (["label"], ["label="], ["=category"], ["label=a", "label=b"]):
        with pytest.raises(InvalidValueError, match=r"--column: got .*; expected NAME=COLUMN"):
            column_choices(words)
    assert column_choices(["label=category", "group=a,b"]) == {"label": ["category"], "group": ["a", "b"]}
    assert column_choices([]) is None


def test_files_that_are_not_here_are_told_apart(table, tmp_path):
    manifest = read_labelled(table, {"path": ["scene", "filename"]})
    assert present(manifest) == (None, [item.name for item in manifest])
    (tmp_path / "09").mkdir()
    (tmp_path / "09" / "b.wav").touch()
    here, missing = present(manifest)
    assert [item.name for item in here] == [str(tmp_path / "09" / "b.wav")]
    assert missing == [str(tmp_path / "08" / "a.wav"), str(tmp_path / "08" / "b.wav")]


def test_a_prepared_video_is_here_as_a_folder(tmp_path):
    (tmp_path / "list.csv").write_text("path\nvideo\nother\n")
    (tmp_path / "video").mkdir()
    here, missing = present(read_labelled(tmp_path / "list.csv"))
    assert [item.path.name for item in here] == ["video"]
    assert missing == [str(tmp_path / "other")]
