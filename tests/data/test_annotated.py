"""Copies whose lists are annotations with boxes, and folders of speakers: small files of the documented forms."""

import json

import pytest

from avssl_hub.data.datasets import build
from avssl_hub.data.manifest import ManifestError

ENTRIES = [
    {"file": "abcdefghijk_000010", "class": "dog barking", "bbox": [[0.1, 0.2, 0.5, 0.75], [0.4, 0, 1.01, 1]]},
    {"file": "-_cdefghijk_000000", "class": "playing harp", "bbox": [[0, 0, 1, 1]]},
]
XML = """<annotation><source/>{}</annotation>"""
MARKED = "<xmin>10</xmin><ymin>20</ymin><xmax>128</xmax><ymax>256</ymax>"
ANNOTATOR = f"<annotator><bbox><id>{{}}</id>{MARKED}</bbox></annotator>"


@pytest.fixture
def vggss(tmp_path):
    """Return ``vggss(entries)``: the path of a list beside a video, and a sound with its still."""
    for name in ("clips/abcdefghijk_000010.mp4", "audio/-_cdefghijk_000000.wav", "frames/-_cdefghijk_000000.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def write(entries):
        (tmp_path / "vggss.json").write_text(json.dumps(entries))
        return tmp_path / "vggss.json"

    return write


def test_vggss_boxes_and_stills_come_with_the_clips(vggss, tmp_path):
    found = build("vggss", tmp_path, vggss([*ENTRIES, {**ENTRIES[1], "file": "not_here"}]))
    assert (found.listed, found.missing) == (3, ["not_here"])
    assert found.manifest.classes == ["dog barking", "playing harp"]
    boxes = [json.loads(text) for text in found.manifest.column("boxes").to_pylist()]
    assert boxes == [entry["bbox"] for entry in ENTRIES]
    assert found.manifest.column("still").to_pylist() == [None, "frames/-_cdefghijk_000000.jpg"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"file": "a"}, "got dict; expected a list of annotations"),
        (["a"], "entry 1: got 'a'"),
        ([{"class": "x", "bbox": [[0, 0, 1, 1]]}], "entry 1, file: got None"),
        ([{**ENTRIES[0], "class": 3}], "entry 1, class: got 3"),
        ([{**ENTRIES[0], "bbox": []}], r"entry 1, boxes: got \[\]; expected a list of at least one"),
        ([ENTRIES[1], {**ENTRIES[0], "bbox": [[0, 0, 1]]}], r"entry 2, box: got \[0, 0, 1\]"),
        ([{**ENTRIES[0], "bbox": [[0, 0, "1", 1]]}], "box: got"),
        ([{**ENTRIES[0], "bbox": [[0.5, 0, 0.2, 1]]}], "right of and below the first"),
        ([{**ENTRIES[0], "bbox": [[10, 20, 100, 200]]}], "within 0 to 1"),
        ([{**ENTRIES[0], "bbox": [[0, 0, float("nan"), 1]]}], "box: got"),
    ],
)
def test_a_wrong_annotation_of_vggss_is_named(vggss, tmp_path, entries, message):
    with pytest.raises(ManifestError, match=message):
        build("vggss", tmp_path, vggss(entries))


def test_a_list_that_is_no_json_is_refused(vggss, tmp_path):
    listing = vggss([])
    listing.write_text("[{")
    with pytest.raises(ManifestError, match="reading list"):
        build("vggss", tmp_path, listing)


def test_two_stills_of_one_name_are_refused(vggss, tmp_path):
    (tmp_path / "-_cdefghijk_000000.png").touch()
    with pytest.raises(ManifestError, match=r"both .*expected one of each name"):
        build("vggss", tmp_path, vggss(ENTRIES))


@pytest.fixture
def flickr(tmp_path):
    for name in ("12", "34"):
        (tmp_path / f"{name}.wav").touch()
        (tmp_path / f"{name}.jpg").touch()
    folder = tmp_path / "Annotations"
    folder.mkdir()
    (folder / "12.xml").write_text(XML.format("".join(map(ANNOTATOR.format, (1, 2, 3)))))
    (folder / "34.xml").write_text(XML.format(ANNOTATOR.format(1)))
    return folder


def test_flickr_annotators_mark_sounds_and_stills(flickr, tmp_path):
    manifest = build("flickr_soundnet", tmp_path, flickr).manifest
    boxes = [json.loads(text) for text in manifest.column("boxes").to_pylist()]
    assert boxes == [[[10, 20, 128, 256]] * 3, [[10, 20, 128, 256]]]
    assert manifest.column("path").to_pylist() == ["12.wav", "34.wav"]
    assert manifest.column("still").to_pylist() == ["12.jpg", "34.jpg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<a><b>", "reading annotation .*34.xml"),
        (XML.format(""), r"34.xml, boxes: got \[\]"),
        (XML.format(ANNOTATOR.format(1).replace("128", "wide")), "reading annotation .*wide"),
        (XML.format(ANNOTATOR.format(1).replace("<ymax>256</ymax>", "")), r"34.xml, box: got \[10.0, 20.0, 128.0\]"),
        (XML.format(ANNOTATOR.format(1).replace("256", "600")), "within 0 to 256"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>', "document type"),
    ],
)
def test_a_wrong_annotation_of_flickr_is_named(flickr, tmp_path, text, message):
    (flickr / "34.xml").write_text(text)
    with pytest.raises(ManifestError, match=message):
        build("flickr_soundnet", tmp_path, flickr)


def test_no_annotations_and_splits_that_are_not_there_are_refused(flickr, vggss, tmp_path):
    with pytest.raises(ManifestError, match=r"no \.xml file"):
        build("flickr_soundnet", tmp_path, tmp_path)
    with pytest.raises(ManifestError, match="split of flickr_soundnet"):
        build("flickr_soundnet", tmp_path, flickr, "test")
    with pytest.raises(ManifestError, match="split of vggss"):
        build("vggss", tmp_path, vggss(ENTRIES), "test")


def test_a_speaker_is_the_first_folder_however_deep_clips_lie(tmp_path):
    for name in ("id1/video/1.mp4", "id1/video/2.mp4", "s2/1.mpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    manifest = build("speakers", tmp_path).manifest
    assert manifest.column("label").to_pylist() == ["id1", "id1", "s2"]
    (tmp_path / "stray.mp4").touch()
    with pytest.raises(ManifestError, match=r"stray\.mp4 beside their folders"):
        build("speakers", tmp_path)
