"""The lists of YT-360, as the authors published them and in small, and the labels of its pixels."""

import pytest
import torch
from torchvision.io import encode_png

from avssl_hub.data.datasets import build
from avssl_hub.data.manifest import ManifestError
from avssl_hub.data.segmentation360 import CLASSES, kept_classes, read_labels
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import DecodeError, MissingStreamError

LISTS = "video-lists/yt360"


@pytest.fixture
def lists(tmp_path):
    """Two videos to train on and one to test, of which one has no clips, and a fourth that is in neither list."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "train.txt").write_text("-one_456789\nnone_456789\n")
    (folder / "test.txt").write_text("two_4567-89")
    (folder / "segments.txt").write_text("-one_456789 0,12,120\ntwo_4567-89 7\nfour_456789 1,20")
    return folder


def here(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_published_lists_have_the_counted_numbers(shared_data, tmp_path):
    lists = shared_data(LISTS)
    first, starts = (lists / "segments.txt").read_text().split("\n")[0].split()
    found = build("yt360", here(tmp_path, f"{first}.mp4"), lists)
    assert (found.listed, len(found.manifest)) == (73_635 + 15_119, starts.count(",") + 1)
    assert found.notes[0] == "2422 clips of 217 videos in neither split are left out"
    assert found.notes[1].startswith(f"train: {len(found.manifest)} of 73635 clips are here, of 1 of 4506 videos")
    assert found.notes[2] == "test: 0 of 15119 clips are here, of 0 of 1000 videos, 0.0 of 42.0 hours"


def test_clips_as_the_authors_keep_them(lists, tmp_path):
    stems = ("-one_456789-0", "-one_456789-120", "two_4567-89-7")
    files = [f"{kind}/{stem}.{suffix}" for stem in stems for kind, suffix in (("video", "mp4"), ("audio", "m4a"))]
    root = here(tmp_path / "yt360", *files, "video/-one_456789-12.mp4", "audio/other-3.m4a")
    found = build("yt360", root, lists)
    assert found.manifest.table.to_pylist() == [
        {"path": "video/-one_456789-0.mp4", "split": "train", "video": "-one_456789", "segment_start": "0"},
        {"path": "video/-one_456789-120.mp4", "split": "train", "video": "-one_456789", "segment_start": "120"},
        {"path": "video/two_4567-89-7.mp4", "split": "test", "video": "two_4567-89", "segment_start": "7"},
    ]
    assert (found.listed, found.missing) == (4, ["-one_456789-12"])
    assert found.notes == (
        "2 clips of 1 videos in neither split are left out",
        "films without their .m4a do not count: 1, such as video/-one_456789-12.mp4",
        ".m4a without their film do not count: 1, such as audio/other-3.m4a",
        "train: 2 of 3 clips are here, of 1 of 1 videos, 0.0 of 0.0 hours",
        "test: 1 of 1 clips are here, of 1 of 1 videos, 0.0 of 0.0 hours",
    )
    assert build("yt360", root, lists, "test").manifest.column("path").to_pylist() == ["video/two_4567-89-7.mp4"]


def test_sounds_alone_are_no_clips(lists, tmp_path):
    found = build("yt360", here(tmp_path / "films", "audio/two_4567-89-7.m4a"), lists)
    assert (found.manifest, found.listed, len(found.missing), len(found.absent)) == (None, 4, 4, 4)
    assert ".m4a without their film do not count: 1, such as audio/two_4567-89-7.m4a" in found.notes


def test_clips_with_sound_of_their_own_and_parts_of_whole_videos(lists, tmp_path):
    root = here(tmp_path / "films", "a/two_4567-89-7.mp4", "-one_456789.webm", "more.mp4")
    found = build("yt360", root, lists)
    spans = [(item.path.name, item.start, item.end, item.split) for item in found.manifest]
    assert spans == [
        ("two_4567-89-7.mp4", None, None, "test"),
        ("-one_456789.webm", 0.0, 10.0, "train"),
        ("-one_456789.webm", 12.0, 22.0, "train"),
        ("-one_456789.webm", 120.0, 130.0, "train"),
    ]
    assert (found.missing, found.extra) == ([], ["more.mp4"])


def test_bad_lists_and_splits_are_named(lists, tmp_path):
    root = here(tmp_path / "films", "two_4567-89.mp4")
    with pytest.raises(UnknownNameError, match="unknown split of YT-360: got 'val'"):
        build("yt360", root, lists, "val")
    for bad in ("two_4567-89 7,7", "two_4567-89 7,,9", "two_4567-89 -7", "two_4567-89"):
        (lists / "segments.txt").write_text(f"-one_456789 0\n{bad}")
        with pytest.raises(ManifestError, match=r"segments.txt, line 2: got .*seconds that rise"):
            build("yt360", root, lists)
    (lists / "test.txt").write_text("-one_456789")
    with pytest.raises(ManifestError, match=r"test.txt, line 1: got -one_456789 in test; expected not in train"):
        build("yt360", root, lists)


def test_maps_of_labels_are_merged():
    names = list(CLASSES)
    assert (len(names), names[0], names[16], names[31]) == (32, "person", "sky", "window")
    # A person, a bicycle (not kept), sky (40 of stuff), no stuff, a banner (not kept).
    things, stuff = torch.tensor([[0, 1, 80, 80, 80]]), torch.tensor([[40, 40, 40, 54, 1]])
    assert kept_classes(things.byte(), stuff.byte()).tolist() == [[0, 255, 16, 255, 255]]
    assert sorted(kept_classes(torch.arange(80).byte(), torch.zeros(80).byte()).unique().tolist()) == [*range(16), 255]
    kept = kept_classes(torch.full((55,), 80).byte(), torch.arange(55).byte())
    assert sorted(kept.unique().tolist()) == [*range(16, 32), 255]
    with pytest.raises(InvalidValueError, match="labels of stuff: got 55; expected 0 to 54"):
        kept_classes(torch.tensor([80]).byte(), torch.tensor([55]).byte())


def test_labels_are_those_of_the_pictures_end_or_before(tmp_path):
    for number, label in ((0, 2), (1, 0), (3, 4)):
        for kind, value in (("things", label), ("stuff", 54)):
            picture = torch.full((1, 2, 4), value, dtype=torch.uint8)
            (tmp_path / f"{kind}-{number:04d}.png").write_bytes(encode_png(picture).numpy().tobytes())
    # At 4 a second, (0.25 + 0.5) s is number 3, 0.2 s comes to 2, which is not there, and number 0 does not count.
    assert read_labels(tmp_path, 0.25).tolist() == [[list(CLASSES).index("airplane")] * 4] * 2
    assert read_labels(tmp_path, 9.0).unique().item() == list(CLASSES).index("airplane")
    assert read_labels(tmp_path, 0.2).unique().item() == list(CLASSES).index("person")
    with pytest.raises(MissingStreamError, match="a time before the first map"):
        read_labels(tmp_path, -0.4)
    (tmp_path / "things-0003.png").write_bytes(encode_png(torch.zeros(3, 2, 4).byte()).numpy().tobytes())
    with pytest.raises(DecodeError, match="got 3 channels of uint8; expected one channel"):
        read_labels(tmp_path, 0.25)
