"""A folder of videos re-encoded, cut, and gone on with."""

import json

import av
import pytest

from avssl_hub.data.media_files import find_media
from avssl_hub.media import MediaOpenError, probe
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines import prepare
from avssl_hub.pipelines._resumed import MANIFEST
from avssl_hub.pipelines.prepare import prepare_files

from .readable import film


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    (folder / "sub").mkdir(parents=True)
    film(folder / "a.mkv", seed=1)
    film(folder / "sub" / "b.mp4", seed=2)
    return folder


def keyframes(path):
    with av.open(str(path)) as container:
        return [packet.is_keyframe for packet in container.demux(video=0) if packet.size]


def test_the_folder_is_mirrored_with_short_gops(sources, tmp_path):
    report = prepare_files(find_media([sources]), tmp_path / "out", gop=5)
    assert (report.written, report.reused, report.failed) == (2, 0, {})
    for name in ("a.mp4", "sub/b.mp4"):
        found = keyframes(tmp_path / "out" / name)
        assert len(found) == 40
        assert all(found[::5])
        assert probe(tmp_path / "out" / name).has_audio


def test_a_second_run_goes_on(sources, tmp_path, monkeypatch):
    made = []
    encode = prepare.prepare_media

    def interrupted(source, target, **settings):
        if made:
            raise KeyboardInterrupt
        made.append(target)
        return encode(source, target, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(prepare, "prepare_media", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare_files(find_media([sources]), tmp_path / "out")
    before = (tmp_path / "out" / "a.mp4").stat().st_mtime_ns
    moved = sources.rename(tmp_path / "moved")
    report = prepare_files(find_media([moved]), tmp_path / "out")
    assert (report.written, report.reused) == (1, 1)
    assert (tmp_path / "out" / "a.mp4").stat().st_mtime_ns == before
    assert (tmp_path / "out" / "sub" / "b.mp4").exists()


def test_files_of_others_are_never_replaced(sources, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.mp4").write_text("precious")
    with pytest.raises(OutputError, match=r"a\.mp4: got a file that this command did not make.*--force"):
        prepare_files(find_media([sources]), out)
    assert (out / "a.mp4").read_text() == "precious"
    assert prepare_files(find_media([sources]), out, force=True).written == 2
    assert probe(out / "a.mp4").has_video


def test_other_content_or_settings_are_refused(sources, tmp_path):
    out = tmp_path / "out"
    prepare_files(find_media([sources]), out)
    with pytest.raises(OutputError, match="got one made with other gop, crf; expected a new name"):
        prepare_files(find_media([sources]), out, gop=5, crf=30)
    film(sources / "a.mkv", seed=7)
    with pytest.raises(OutputError, match="got one made from other content"):
        prepare_files(find_media([sources]), out)


def test_two_sources_of_one_name_are_refused(sources, tmp_path):
    film(sources / "a.avi.mp4").rename(sources / "a.mp4")
    with pytest.raises(OutputError, match=r"a\.mkv and .*a\.mp4, which would both become .*a\.mp4"):
        prepare_files(find_media([sources]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("force", [False, True])
def test_sources_are_never_overwritten(sources, force):
    before = (sources / "sub" / "b.mp4").read_bytes()
    with pytest.raises(OutputError, match=r"which is one of the sources; expected another folder"):
        prepare_files(find_media([sources / "sub"]), sources / "sub" / ".." / "sub", force=force)
    assert (sources / "sub" / "b.mp4").read_bytes() == before


def test_a_place_that_is_no_folder_is_named(sources, tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match=r"making the folder .*taken"):
        prepare_files(find_media([sources]), tmp_path / "taken")


def test_bad_files_are_passed_over_when_told(sources, tmp_path):
    bad = sources / "a0.mp4"
    bad.write_text("not a film")
    with pytest.raises(MediaOpenError, match=r"a0\.mp4"):
        prepare_files(find_media([sources]), tmp_path / "out")
    report = prepare_files(find_media([sources]), tmp_path / "out", keep_going=True)
    assert list(report.failed) == [bad]
    assert (report.written, report.reused) == (1, 1)


def test_the_manifest_knows_every_source(sources, tmp_path):
    prepare_files(find_media([sources]), tmp_path / "out", short_side=32)
    lines = (tmp_path / "out" / MANIFEST).read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(entry["file"], entry["source"]) for entry in entries] == [
        ("a.mp4", str(sources / "a.mkv")),
        ("sub/b.mp4", str(sources / "sub" / "b.mp4")),
    ]
    assert {entry["short_side"] for entry in entries} == {32}
    # 64 x 48 pixels scaled to 32 on the shorter side: 42.67 wide, the even number below.
    assert (probe(tmp_path / "out" / "a.mp4").video[0].width, probe(tmp_path / "out" / "a.mp4").video[0].height) == (
        42,
        32,
    )
