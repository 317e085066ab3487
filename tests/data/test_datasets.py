"""Copies of data sets matched with lists in the forms their authors publish them in."""

import pytest

from avssl_hub.data.datasets import DATASETS, build
from avssl_hub.data.datasets.kinetics_sounds import build as build_sounds
from avssl_hub.data.manifest import Manifest, ManifestError
from avssl_hub.data.media_files import NoMediaError
from avssl_hub.errors import UnknownNameError

KINETICS = """label,youtube_id,time_start,time_end,split,is_cc
"playing, well",-_a-b_c_1_2,7,17,train,0
bowling,0abcdefghij,120,130,train,0
bowling,zzzzzzzzzzz,1,11,validate,0
bowling,0abcdefghij,120,130,train,0
"""
AUDIOSET = """# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=3, num_segs=3, num_unique_labels=527, num_positive_labels=52882
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"
_a_1_2_bcde, 0.000, 6.135, "/m/03p19w"
zzzzzzzzzzz, 420.000, 430.000, "/m/0k4j,/m/012f08"
"""


@pytest.fixture
def make(tmp_path):
    """Return ``make(names, text)``: a folder that holds empty files of those names, and a list with that text."""

    def make(names, text=""):
        for name in names:
            path = tmp_path / "clips" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (tmp_path / "list.csv").write_bytes(text.encode())
        return tmp_path / "clips", tmp_path / "list.csv"

    return make


def rows(found):
    return [(item.path.name, item.label, item.split) for item in found.manifest]


def test_kinetics_in_any_class_folders(make):
    names = (
        "train/playing well/-_a-b_c_1_2_000007_000017.mp4",
        "bowling_alley/0abcdefghij_000120_000130.mkv",
        "0abcdefghij_000121_000131.mp4",
        "also/0abcdefghij_000121_000131.mp4",
        "readme.txt",
    )
    found = build("kinetics", *make(names, KINETICS))
    assert rows(found) == [
        ("-_a-b_c_1_2_000007_000017.mp4", "playing, well", "train"),
        ("0abcdefghij_000120_000130.mkv", "bowling", "train"),
    ]
    assert (found.listed, found.missing) == (3, ["zzzzzzzzzzz_000001_000011"])
    assert (found.repeated, len(found.extra)) == (1, 2)
    assert all(item.path.is_file() for item in found.manifest)


def test_kinetics_by_split_and_without_labels(make):
    found = build("kinetics", *make(["zzzzzzzzzzz_000001_000011.mp4", "other.mp4"], KINETICS), "validate")
    assert rows(found) == [("zzzzzzzzzzz_000001_000011.mp4", "bowling", "validate")]
    assert (found.listed, len(found.extra)) == (1, 1)
    held_back = "youtube_id,time_start,time_end\r\nzzzzzzzzzzz,1,11"
    assert rows(build("kinetics", *make([], held_back))) == [("zzzzzzzzzzz_000001_000011.mp4", None, None)]


def test_kinetics_sounds_keeps_its_classes(make):
    root, listing = make(["0abcdefghij_000120_000130.mp4", "-_a-b_c_1_2_000007_000017.mp4"], KINETICS)
    assert [item.label for item in build("kinetics_sounds", root, listing).manifest] == ["bowling"]
    assert [item.label for item in build_sounds(root, listing, classes=["playing, well"]).manifest] == ["playing, well"]


def test_audioset_segments(make):
    names = ("00/--PJHxphWEs_30000_40000.mp4", "_a_1_2_bcde_0_6135.mp4", "zzzzzzzzzzz_420000_420001.mp4")
    found = build("audioset", *make(names, AUDIOSET.replace("\n", "\r\n")))
    assert rows(found) == [
        ("--PJHxphWEs_30000_40000.mp4", "/m/09x0r,/t/dd00088", None),
        ("_a_1_2_bcde_0_6135.mp4", "/m/03p19w", None),
    ]
    assert (found.listed, found.missing, len(found.extra)) == (3, ["zzzzzzzzzzz_420000_430000"], 1)


def test_lists_of_avid_without_a_last_newline(make):
    text = "--PJHxphWEs_30000_40000.mp4\n_a_1_2_bcde_0_6135.mp4\nzzzzzzzzzzz_1_2.mp4"
    found = build("audioset", *make(["x/zzzzzzzzzzz_1_2.mp4", "_a_1_2_bcde_0_6135.mp4"], text))
    assert rows(found) == [("_a_1_2_bcde_0_6135.mp4", None, None), ("zzzzzzzzzzz_1_2.mp4", None, None)]
    assert found.missing == ["--PJHxphWEs_30000_40000"]


def test_vggsound(make):
    text = '---g-f_I2yQ,1,people marching,test\n_0_a_b_c_d_,120,"dog barking, loud",train\n'
    found = build("vggsound", *make(["---g-f_I2yQ_000001.mp4", "_0_a_b_c_d__000120.mp4"], text))
    assert rows(found) == [
        ("---g-f_I2yQ_000001.mp4", "people marching", "test"),
        ("_0_a_b_c_d__000120.mp4", "dog barking, loud", "train"),
    ]
    assert rows(build("vggsound", *make([], text), "train")) == rows(found)[1:]


def test_folder_is_sorted_with_its_folders_as_labels(make):
    root, _ = make(["b/2.mp4", "b/deep/1.mp4", "a/9.wav", "z.mp4", "a/note.txt", ".hidden/x.mp4"])
    found = build("folder", root)
    assert [(item.path.relative_to(root).as_posix(), item.label) for item in found.manifest] == [
        ("z.mp4", None),
        ("a/9.wav", "a"),
        ("b/2.mp4", "b"),
        ("b/deep/1.mp4", "deep"),
    ]
    assert (found.listed, found.missing, len(found.extra)) == (4, [], 0)


def test_nothing_found_still_tells_what_is_missing(make):
    found = build("kinetics", *make(["other.mp4"], KINETICS))
    assert (found.manifest, len(found.missing), len(found.extra)) == (None, 3, 1)


def test_kinetics_by_a_folder_of_lists(make, tmp_path):
    root, _ = make(["0abcdefghij_000120_000130.mp4", "zzzzzzzzzzz_000001_000011.mp4"], KINETICS)
    lists = tmp_path / "annotations"
    lists.mkdir()
    (lists / "train.csv").write_text("label,youtube_id,time_start,time_end\nbowling,0abcdefghij,120,130\n")
    with pytest.raises(ManifestError, match=r"reading list .*annotations/validate\.csv: got No such file"):
        build("kinetics", root, lists)
    (lists / "val.csv").write_text("label,youtube_id,time_start,time_end\nbowling,zzzzzzzzzzz,1,11\n")
    assert [item.split for item in build("kinetics", root, lists).manifest] == ["train", "val"]
    assert [item.path.name for item in build("kinetics_sounds", root, lists, "val").manifest] == [
        "zzzzzzzzzzz_000001_000011.mp4"
    ]
    with pytest.raises(UnknownNameError, match=r"split of the lists in .*: got 'validate'; .*'val'"):
        build("kinetics", root, lists, "validate")
    (lists / "train.csv").write_text("label,youtube_id,time_start,time_end,split\nbowling,0abcdefghij,120,130,test\n")
    with pytest.raises(ManifestError, match=r"train.csv, line 2, split: got 'test'; expected 'train', as the list"):
        build("kinetics", root, lists)


def test_dcase_takes_class_and_part_from_the_places(tmp_path):
    names = [f"{part}/tubestation{number:02d}.wav" for part in ("a/scenes_stereo",) for number in range(1, 11)]
    names += ["a/scenes_stereo/tube02.wav", "b/scenes_stereo_testset/bus15.wav", "a/scenes_stereo/beach01.wav", "x.wav"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = build("dcase2013", tmp_path)
    assert rows(found)[0] == ("tube02.wav", "tube", "train")
    assert rows(found)[1:11] == [(f"tubestation{number:02d}.wav", "tubestation", "train") for number in range(1, 11)]
    assert rows(found)[11:] == [("bus15.wav", "bus", "test")]
    assert (found.listed, len(found.missing), len(found.extra)) == (200, 188, 2)
    assert found.missing[0] == "scenes_stereo/bus01"
    # Of tube 02 is there; of bus in the test set 15 is, so nine of 01 to 10 are named.
    assert [name for name in found.missing if "/tube0" in name][:2] == ["scenes_stereo/tube01", "scenes_stereo/tube03"]
    assert [name[-2:] for name in found.missing if "testset/bus" in name and "busy" not in name] == [
        f"{number:02d}" for number in range(1, 10)
    ]
    (tmp_path / "a/scenes_stereo/tube02.flac").touch()
    with pytest.raises(ManifestError, match=r"got both a/scenes_stereo/tube02.flac and a/scenes_stereo/tube02.wav"):
        build("dcase2013", tmp_path)
    (tmp_path / "b" / "scenes_stereo_testset").rename(tmp_path / "b" / "test")
    with pytest.raises(ManifestError, match=r"got none \(media files: 1\); .*Pass the folder that holds both"):
        build("dcase2013", tmp_path / "b")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            "kinetics",
            "label,youtube,time_start\n",
            r"header of list .*: got label, .*'youtube_id'.*Did you mean 'youtube'",
        ),
        (
            "kinetics",
            KINETICS.replace("120,130", "120,soon", 1),
            r"line 3, time_end: got 'soon'; expected whole seconds",
        ),
        ("kinetics", KINETICS + "bowling,a,1\n", r"line 6: got 3 values \(bowling, a, 1\); expected 6"),
        ("kinetics", "", r"got no rows of that kind"),
        (
            "kinetics",
            KINETICS + "singing,0abcdefghij,120,130,train,0\n",
            r"line 6: got '0abcdefghij_000120_000130' with label 'singing', split 'train'; "
            r"expected label 'bowling', split 'train', as list .*list.csv, line 3 says",
        ),
        ("vggsound", "a,1,x,train\n,1,x,train\n", r"line 2, id: got ''; expected some text"),
        ("audioset", AUDIOSET + "b, nan, 10.000, x\n", r"line 7, start_seconds: got 'nan'; expected seconds"),
        ("audioset", "a_1_2.mp4\nb_1.mp4\n", r"line 2, name: got 'b_1\.mp4'; expected <id>_<start ms>_<end ms>\.mp4"),
    ],
)
def test_bad_lists_are_named_by_line(make, kind, text, message):
    with pytest.raises(ManifestError, match=message):
        build(kind, *make(["x.mp4"], text))


def test_bad_arguments(make, tmp_path):
    root, listing = make(["a/zzzzzzzzzzz_000001_000011.mp4", "b/zzzzzzzzzzz_000001_000011.mkv"], KINETICS)
    with pytest.raises(UnknownNameError, match=r"unknown data set: got 'kinetcs'.*Did you mean 'kinetics'"):
        build("kinetcs", root, listing)
    with pytest.raises(UnknownNameError, match=r"split of the list: got 'val'.*Did you mean 'validate'"):
        build("kinetics", root, listing, "val")
    with pytest.raises(ManifestError, match=r"got both a/z.*mp4 and b/z.*mkv; expected one of each name"):
        build("kinetics", root, listing)
    with pytest.raises(ManifestError, match=r"got no list.*Pass it with --list"):
        build("vggsound", root)
    with pytest.raises(ManifestError, match=r"Drop --split"):
        build("folder", root, split="train")
    with pytest.raises(ManifestError, match=r"split of a list of AudioSet: got 'train'"):
        build("audioset", root, listing, "train")
    with pytest.raises(NoMediaError, match="no such folder"):
        build("folder", tmp_path / "nowhere")
    with pytest.raises(ManifestError, match=r"reading list .*nowhere\.csv: got No such file"):
        build("audioset", root / "b", tmp_path / "nowhere.csv")
    assert {"folder", "shards", "kinetics", "ucf101", "hmdb51", "esc50", "esc10"} <= DATASETS.keys()


def test_real_windows_list_as_a_manifest(shared_data, tmp_path):
    # "class/name number" a line, with Windows' line ends: one replacement makes a list of two columns of it.
    official = shared_data("action-splits/ucf101/trainlist01.txt").read_bytes()
    assert official.count(b"\r\n") == 9537
    (tmp_path / "list.csv").write_bytes(b"path,label\r\n" + official.replace(b" ", b","))
    manifest = Manifest.read(tmp_path / "list.csv", root="/videos")
    assert len(manifest) == 9537
    assert manifest.classes == sorted(map(str, range(1, 102)))
    assert str(manifest[0].path) == "/videos/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi"


def test_real_folder(shared_data):
    found = build("folder", shared_data("av-clips-misc"))
    assert found.listed == len(found.manifest) == 21
    assert found.manifest.classes == ["videos"]
