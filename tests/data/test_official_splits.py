"""UCF-101, HMDB-51, ESC-50 and ESC-10 in the forms of their official lists."""

from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from avssl_hub.data.datasets import build
from avssl_hub.data.manifest import Manifest, ManifestError
from avssl_hub.errors import UnknownNameError

ESC50 = """filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
1-17367-A-10.wav,1,10,rain,False,17367,A
5-9032-A-0.wav,5,0,dog,True,9032,A
"""


@pytest.fixture
def ucf(tmp_path):
    """Return the folder of a small copy with its lists, ended as the official ones are."""
    lists = {
        "classInd": ["1 Archery", "2 HandstandPushups"],
        "trainlist01": ["Archery/v_Archery_g01_c01.avi 1", "HandstandPushups/v_HandStandPushups_g03_c02.avi 2"],
        "testlist01": ["Archery/v_Archery_g02_c01.avi"],
        "trainlist02": ["Archery/v_Archery_g02_c01.avi 1"],
        "testlist02": ["Archery/v_Archery_g01_c01.avi", "HandstandPushups/v_HandStandPushups_g03_c02.avi"],
        "trainlist03": [],
        "testlist03": [],
    }
    for name, lines in lists.items():
        (tmp_path / f"{name}.txt").write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    for name in ("Archery/v_Archery_g01_c01", "HandstandPushups/v_HandStandPushups_g03_c02"):
        path = tmp_path / "UCF-101" / f"{name}.avi"
        path.parent.mkdir(parents=True)
        path.touch()
    return tmp_path


def empty_copies(names, folder):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_ucf101_takes_the_class_from_the_folder_and_the_scene_from_the_name(ucf):
    found = build("ucf101", ucf, ucf)
    assert found.manifest.table.drop_columns("path").to_pylist() == [
        {"label": label, "group": group, "split1": "train", "split2": "test"}
        for label, group in (("Archery", "v_Archery_g01"), ("HandstandPushups", "v_HandStandPushups_g03"))
    ]
    assert found.missing == ["v_Archery_g02_c01"]
    assert [item.split for item in build("ucf101", ucf, ucf, "2").manifest] == ["test", "test"]
    with pytest.raises(UnknownNameError, match="unknown official split: got '4'; expected one of '1', '2', '3'"):
        build("ucf101", ucf, ucf, "4")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("testlist01", "Archerry/v_A_g01_c01.avi", r"line 2: got 'Archerry'; .*Did you mean 'Archery'"),
        (
            "testlist01",
            "Archery/v_Archery_g01_c01.avi",
            r"line 2: got 'v_Archery_g01_c01' .* in test; expected .* in train, as .*trainlist01.txt, line 1",
        ),
        ("trainlist01", "Archery/v_Archery_g09_c01.avi 2", r"line 3: got class number 2; expected 1, that of Archery"),
        ("trainlist01", "Archery/v_Archery_g09_c01.avi", r"line 3: got .*; expected a video and its class number"),
        ("classInd", "3 Archery", r"line 3: got 3 Archery; expected each number and class once"),
        ("classInd", "3 Bowling", r"classInd.txt, line 3: got class 'Bowling' without a video in any list"),
        ("testlist02", "Archery/v_Archery_g09_c01.avi 1", r"testlist02.txt, line 3: got .*; expected a video"),
    ],
)
def test_a_bad_line_of_ucf101_is_named(ucf, name, line, message):
    path = ucf / f"{name}.txt"
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises((ManifestError, UnknownNameError), match=message):
        build("ucf101", ucf, ucf)


def test_a_missing_list_is_named(ucf):
    (ucf / "testlist03.txt").unlink()
    with pytest.raises(ManifestError, match=r"reading list .*testlist03.txt: got No such file"):
        build("ucf101", ucf, ucf)


def test_lists_of_another_data_set_or_a_level_off_are_told_apart(ucf, tmp_path):
    (tmp_path / "hmdb").mkdir()
    (tmp_path / "hmdb" / "golf_test_split1.txt").touch()
    with pytest.raises(ManifestError, match=rf"reading lists in .*: got no classInd.txt; .*Did you mean {ucf}\?"):
        build("ucf101", ucf, tmp_path / "UCF-101")
    with pytest.raises(ManifestError, match=rf"got no \*_test_split\?.txt; .*Did you mean {tmp_path / 'hmdb'}\?"):
        build("hmdb51", ucf, ucf)
    (tmp_path / "far" / "off").mkdir(parents=True)
    with pytest.raises(ManifestError, match="Is this the folder of the official lists of this data set"):
        build("ucf101", ucf, tmp_path / "far" / "off")


def test_official_ucf101_lists_have_the_counts_of_the_paper(shared_data, tmp_path):
    lists = shared_data("action-splits/ucf101")
    text = "".join((lists / f"{part}list01.txt").read_text() for part in ("train", "test"))
    names = [line.split()[0] for line in text.splitlines()]
    empty_copies(names, tmp_path)
    found = build("ucf101", tmp_path, lists)
    assert (found.listed, found.missing, len(found.manifest.classes)) == (13320, [], 101)
    for column, train, test in (("split1", 9537, 3783), ("split2", 9586, 3734), ("split3", 9624, 3696)):
        assert Counter(found.manifest.column(column).to_pylist()) == {"train": train, "test": test}
    assert {item.label for item in found.manifest} == {PurePosixPath(name).parent.name for name in names}
    assert len(set(found.manifest.column("group").to_pylist())) == 101 * 25


def test_official_hmdb51_lists_have_the_counts_of_the_paper(shared_data, tmp_path):
    lists = shared_data("action-splits/hmdb51")
    videos = [
        f"{path.name.removesuffix('_test_split1.txt')}/{line.split()[0]}"
        for path in lists.glob("*_test_split1.txt")
        for line in path.read_text().splitlines()
    ]
    empty_copies(videos, tmp_path)
    found = build("hmdb51", tmp_path, lists)
    assert (found.listed, found.missing, len(found.manifest.classes)) == (6766, [], 51)
    for column in ("split1", "split2", "split3"):
        assert Counter(found.manifest.column(column).to_pylist()) == {"train": 3570, "test": 1530, None: 1666}
    assert all(item.path.parent.name == item.label for item in found.manifest)


def test_real_hmdb51_videos_are_found_by_their_odd_names(shared_data, tmp_path):
    sample, lists = shared_data("hmdb51-sample"), shared_data("action-splits/hmdb51")
    found = build("hmdb51", sample, lists)
    (tmp_path / "there.csv").write_text((sample / "labels.csv").read_text().replace("filename", "path", 1))
    expected = {item["path"]: item for item in Manifest.read(tmp_path / "there.csv").table.to_pylist()}
    rows = found.manifest.table.to_pylist()
    assert (len(rows), len(found.extra)) == (5, 0)
    for row in rows:
        known = expected[PurePosixPath(row["path"]).name]
        assert [row[name] for name in ("label", "split1", "split2", "split3")] == [
            known[name] for name in ("category", "split1", "split2", "split3")
        ]


def test_hmdb51_refuses_codes_and_folders_it_does_not_know(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(ManifestError, match=r"reading lists in .*: got no .*; expected <class>_test_split1.txt to"):
        build("hmdb51", tmp_path / "videos", tmp_path)
    for number in "123":
        (tmp_path / f"golf_test_split{number}.txt").write_text("a_golf_f_0.avi 3 \n")
    with pytest.raises(ManifestError, match=r"golf_test_split1\.txt, line 1: got code '3'; expected a video and 0"):
        build("hmdb51", tmp_path / "videos", tmp_path)
    (tmp_path / "golf_test_split1.txt").write_text("a_golf_f_0.avi 1 \nb_golf_f_0.avi 2 \na_golf_f_0.avi 2 \n")
    with pytest.raises(ManifestError, match=r"split1\.txt, line 3: got 'a_golf_f_0' .* in test; .*split1.txt, line 1"):
        build("hmdb51", tmp_path / "videos", tmp_path)
    (tmp_path / "golf_test_split1.txt").write_text("\n")
    with pytest.raises(ManifestError, match=r"split1\.txt: got no line; expected the videos of class 'golf'"):
        build("hmdb51", tmp_path / "videos", tmp_path)


def test_esc50_and_the_esc10_in_it(tmp_path):
    listing = tmp_path / "esc50.csv"
    listing.write_text(ESC50)
    empty_copies([f"audio/{Path(line.split(',')[0])}" for line in ESC50.splitlines()[1:]], tmp_path)
    found = build("esc50", tmp_path, listing)
    assert [(item.label, item.fold) for item in found.manifest] == [("dog", "1"), ("rain", "1"), ("dog", "5")]
    assert found.manifest.column("group").to_pylist() == ["100032", "17367", "9032"]
    assert [item.path.stem for item in build("esc10", tmp_path, listing).manifest] == ["1-100032-A-0", "5-9032-A-0"]
    assert [item.label for item in build("esc50", tmp_path, listing, "5").manifest] == ["dog"]
    with pytest.raises(UnknownNameError, match="unknown fold of the list: got '6'"):
        build("esc50", tmp_path, listing, "6")


def test_shared_esc10_is_not_taken_for_esc50(shared_data):
    root = shared_data("esc10")
    found = build("esc10", root, root / "labels.csv")
    assert (len(found.manifest), len(found.manifest.classes), found.missing) == (281, 10, [])
    assert Counter(item.fold for item in found.manifest) == {"1": 80, "2": 80, "3": 80, "4": 41}
    with pytest.raises(ManifestError, match="expected a column 'esc10'"):
        build("esc50", root, root / "labels.csv")
