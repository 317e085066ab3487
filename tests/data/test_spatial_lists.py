"""The lists of SpatialAudioGen's four sets, as the authors published them and in small."""

import pytest

from avssl_hub.data.datasets import build
from avssl_hub.data.manifest import ManifestError
from avssl_hub.errors import UnknownNameError

LISTS = "video-lists/spatialaudiogen"
# Videos; train and test of the three splits; layouts WXYZ and WXY.
COUNTS = {
    "rec_street": (43, ((33, 10), (32, 11), (32, 11)), (43, 0)),
    "yt_clean": (496, ((372, 124),) * 3, (270, 226)),
    "yt_music": (397, ((298, 99),) * 3, (294, 103)),
    "yt_all": (1146, ((860, 286), (859, 287), (860, 286)), (657, 489)),
}


def prepared(root, names):
    for name in names:
        for part in ("ambix", "video"):
            (root / name / part).mkdir(parents=True)
    return root


def count(manifest, column, value):
    return manifest.column(column).to_pylist().count(value)


@pytest.mark.parametrize(("kind", "name"), [("rec_street", "REC-Street"), ("yt_all", "YT-All")])
def test_published_lists_have_the_published_numbers(shared_data, tmp_path, kind, name):
    lists = shared_data(LISTS)
    videos, splits, layouts = COUNTS[kind]
    names = (lists / "subsets" / f"{name}.lst").read_text().split()
    found = build(kind, prepared(tmp_path, names), lists)
    assert (found.listed, len(found.manifest), found.missing, found.extra) == (videos, videos, [], [])
    for number, (train, test) in enumerate(splits, 1):
        assert count(found.manifest, f"split{number}", "train") == train
        assert count(found.manifest, f"split{number}", "test") == test
    assert (count(found.manifest, "layout", "WXYZ"), count(found.manifest, "layout", "WXY")) == layouts


@pytest.mark.parametrize("kind", ["yt_clean", "yt_music"])
def test_what_is_missing_of_published_lists_is_told(shared_data, tmp_path, kind):
    lists = shared_data(LISTS)
    videos, splits, _ = COUNTS[kind]
    first = build(kind, prepared(tmp_path, ["nothing"]), lists, "2")
    assert (first.manifest, first.listed, len(first.missing)) == (None, videos, videos)
    found = build(kind, prepared(tmp_path, first.missing[::2]), lists, "2")
    assert sorted(found.missing + first.missing[::2]) == sorted(first.missing)
    assert found.extra == ["nothing"]
    assert len(found.manifest.where(split="train")) <= splits[1][0]


@pytest.fixture
def lists(tmp_path):
    """Two videos, of which the splits test one each."""
    folder = tmp_path / "meta"
    (folder / "subsets").mkdir(parents=True)
    for number in "123":
        train, test = ("-one", "two_") if number == "1" else ("two_", "-one")
        (folder / "subsets" / f"YT-Clean.train.{number}.lst").write_text(train)
        (folder / "subsets" / f"YT-Clean.test.{number}.lst").write_text(test)
    (folder / "audio_layouts.txt").write_text("-one WXYZ\ntwo_ WXY\ntwo_ WXY\nother WXYZ\n")
    tags = ["\tindoor/outdoor\tsource\tcomments\tdifficulty\tdisqualified", "-one\tindoor\tband\t\teasy\t"]
    (folder / "tags.tsv").write_text("\n".join([*tags, "-one\tindoor\tcrowd, talk\t\t\t"]))
    return folder


def test_rows_tell_split_layout_and_notes(lists, tmp_path):
    found = build("yt_clean", prepared(tmp_path / "here", ["-one", "two_", "three"]), lists)
    assert found.manifest.table.to_pylist() == [
        {
            "path": "-one",
            "split1": "train",
            "split2": "test",
            "split3": "test",
            "layout": "WXYZ",
            "place": "indoor",
            "source": "band; crowd, talk",
            "difficulty": "easy",
        },
        {
            "path": "two_",
            "split1": "test",
            "split2": "train",
            "split3": "train",
            "layout": "WXY",
            "place": None,
            "source": None,
            "difficulty": None,
        },
    ]
    assert found.extra == ["three"]
    assert found.manifest[0].path == tmp_path / "here" / "-one"


def test_media_files_are_found_where_nothing_is_prepared(lists, tmp_path):
    (tmp_path / "here" / "clean").mkdir(parents=True)
    (tmp_path / "here" / "clean" / "two_.mp4").touch()
    found = build("yt_clean", tmp_path / "here", lists, "1")
    assert found.manifest.column("path").to_pylist() == ["clean/two_.mp4"]
    assert found.manifest[0].split == "test"
    assert found.missing == ["-one"]


def test_bad_lists_are_named(lists, tmp_path):
    here = prepared(tmp_path / "here", ["-one"])
    with pytest.raises(ManifestError, match=r"no YT-Music\.\*\.lst"):
        build("yt_music", here, lists)
    with pytest.raises(UnknownNameError, match="unknown official split: got '4'"):
        build("yt_clean", here, lists, "4")
    (lists / "audio_layouts.txt").write_text("-one WXYZ\n-one WXY\n")
    with pytest.raises(ManifestError, match="line 2: got -one with WXY; expected WXYZ"):
        build("yt_clean", here, lists)
    (lists / "audio_layouts.txt").write_text("-one WXYZ\n")
    with pytest.raises(ManifestError, match=r"got two_, which audio_layouts.txt does not have"):
        build("yt_clean", here, lists)
    (lists / "audio_layouts.txt").unlink()
    with pytest.raises(ManifestError, match=r"audio_layouts.txt"):
        build("yt_clean", here, lists)
