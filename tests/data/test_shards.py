"""Tars written and read: each file byte for byte where the list says, and nothing trusted that a tar claims."""

import io
import json
import tarfile

import pyarrow as pa
import pytest

from avssl_hub.data.datasets import build
from avssl_hub.data.manifest import Manifest, ManifestError
from avssl_hub.data.media_files import NoMediaError
from avssl_hub.data.shards import write_shards
from avssl_hub.data.tar_index import read_shards
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MediaOpenError, MediaReader
from avssl_hub.outputs import OutputError
from tests.pipelines.readable import film

SIZES = (700, 200, 100, 5000, 300)  # with 1000 bytes a tar: three files, one, one


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "clips").mkdir()
    names = [f"é {number}.x.MP4" for number in range(len(SIZES))]
    for number, (name, size) in enumerate(zip(names, SIZES)):
        (tmp_path / "clips" / name).write_bytes(bytes([number]) * size)
    rows = {"path": names, "label": ["a, b", None, "c", "d", "e"], "start": [None, 0.5, None, None, 1.0], "n": range(5)}
    return Manifest(pa.table({name: pa.array(values) for name, values in rows.items()}), tmp_path / "clips")


def tar(path, *entries, mode="w"):
    """Write a tar of (name or TarInfo, content) pairs."""
    with tarfile.open(path, mode) as file:
        for info, content in entries:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def test_rows_are_found_again_in_order(manifest, tmp_path):
    seen = []
    report = write_shards(manifest, tmp_path / "out", size=1000, progress=lambda *done: seen.append(done))
    assert (report.files, report.written, report.reused) == (5, 3, 0)
    assert seen[-1] == (5, 5)
    back = Manifest.read(report.manifest)
    assert [item.path.name for item in back] == ["shard-000000.tar"] * 3 + ["shard-000001.tar", "shard-000002.tar"]
    assert [item.member for item in back] == [f"{row:09d}.mp4" for row in range(5)]
    assert back.column("source").to_pylist() == manifest.column("path").to_pylist()
    assert back.column("n").to_pylist() == [0, 1, 2, 3, 4]
    for number, (item, before) in enumerate(zip(back, manifest)):
        with item.open() as file:
            assert file.read() == bytes([number]) * SIZES[number]
        assert (item.label, item.start) == (before.label, before.start)
    with tarfile.open(tmp_path / "out" / "shard-000000.tar") as file:
        assert json.load(file.extractfile("000000001.json")) == {
            "path": "é 1.x.MP4",
            "start": 0.5,
            "label": None,
            "n": 1,
        }


def test_a_cut_run_goes_on_and_ends_the_same(manifest, tmp_path):
    def cut(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(manifest, tmp_path / "out", size=1000, progress=cut)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["shard-000000.tar", "shards.json"]
    first = (tmp_path / "out" / "shard-000000.tar").stat().st_mtime_ns
    report = write_shards(manifest, tmp_path / "out", size=1000)
    assert (report.written, report.reused) == (2, 1)
    assert (tmp_path / "out" / "shard-000000.tar").stat().st_mtime_ns == first
    write_shards(manifest, tmp_path / "again", size=1000)
    for path in (tmp_path / "again").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
    assert write_shards(manifest, tmp_path / "out", size=1000).reused == 3


def test_other_shards_are_not_mixed_in(manifest, tmp_path):
    write_shards(manifest, tmp_path / "out", size=1000)
    for other, size in ((manifest, 10**6), (manifest.where(n=3), 1000)):
        with pytest.raises(OutputError, match=r"shards of another list or size; expected no others.*--force"):
            write_shards(other, tmp_path / "out", size=size)
    write_shards(manifest, tmp_path / "out", size=10**6, force=True)
    assert len(list((tmp_path / "out").glob("*.tar"))) == 1
    (tmp_path / "foreign").mkdir()
    tar(tmp_path / "foreign" / "shard-000000.tar", ("000000000.mp4", b"x"))
    with pytest.raises(OutputError, match="shards of another list or size"):
        write_shards(manifest, tmp_path / "foreign")


def test_what_cannot_be_put_into_shards(manifest, tmp_path):
    spans = Manifest(pa.table({"path": ["a.mp4", "a.mp4"], "start": [0.0, 1.0]}), tmp_path)
    with pytest.raises(ManifestError, match=r"got 'a\.mp4' in 2 rows; expected each file in one row"):
        write_shards(spans, tmp_path / "out")
    with pytest.raises(ManifestError, match=r"files to put into shards: got .*about\.JSON; expected media files"):
        write_shards(Manifest(pa.table({"path": ["a.mp4", "about.JSON"]}), tmp_path), tmp_path / "out")
    gone = Manifest(pa.table({"path": ["gone.mp4"]}), tmp_path)
    with pytest.raises(MediaOpenError, match=r"gone\.mp4"):
        write_shards(gone, tmp_path / "out")
    (tmp_path / "gone.mp4").touch()
    with pytest.raises(ManifestError, match=r"putting .*gone\.mp4 into a shard: got 0 bytes; expected a media file"):
        write_shards(gone, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shards.json"]
    with pytest.raises(InvalidValueError, match="size: got 0"):
        write_shards(manifest, tmp_path / "other", size=0)


def test_shards_of_shards_hold_the_same_bytes(manifest, tmp_path):
    once = Manifest.read(write_shards(manifest, tmp_path / "once", size=1000).manifest)
    twice = Manifest.read(write_shards(once, tmp_path / "twice", size=10**6).manifest)
    for first, second in zip(once, twice):
        with first.open() as one, second.open() as other:
            assert one.read() == other.read()
    assert twice.column("source").to_pylist() == manifest.column("path").to_pylist()


def test_media_in_a_shard_decode_as_the_file_does(tmp_path):
    path = film(tmp_path / "clips.mp4")
    report = write_shards(Manifest(pa.table({"path": [str(path)]}), tmp_path), tmp_path / "out")
    with Manifest.read(report.manifest)[0].open() as file, MediaReader(file) as inside, MediaReader(path) as outside:
        assert inside.info.name == f"{tmp_path}/out/shard-000000.tar/000000000.mp4"
        assert inside.read_video(1, 1, 10).frames.equal(outside.read_video(1, 1, 10).frames)
        assert inside.read_audio(1, 1, 24000).samples.equal(outside.read_audio(1, 1, 24000).samples)


def test_foreign_tars(tmp_path):
    folder = tarfile.TarInfo("sub")
    folder.type = tarfile.DIRTYPE
    tar(
        tmp_path / "b.tar",
        (folder, b""),
        ("sub/x.y.json", b'{"label": ["dog", "cat"], "start": 1, "tags": {"a": 1}, "path": "/etc/passwd"}'),
        ("sub/x.y.mp4", b"film"),
        ("sub/x.txt", b"a caption"),
        ("sub/z.webm", b"other"),
        ("sub/z.cls", b"7\n"),
        ("sub/z.json", b'{"start": "2.5"}'),
    )
    tar(tmp_path / "a.tar", (f"{'long' * 60}.wav", b"sound"))
    manifest = read_shards(tmp_path)
    assert [(item.path.name, item.label, item.start) for item in manifest] == [
        ("a.tar", None, None),
        ("b.tar", "dog,cat", 1.0),
        ("b.tar", "7", 2.5),
    ]
    contents = []
    for item in manifest:
        with item.open() as file:
            contents.append(file.read())
    assert contents == [b"sound", b"film", b"other"]
    assert manifest.column("tags").to_pylist() == [None, '{"a": 1}', None]
    assert [len(read_shards(one)) for one in (tmp_path / "b.tar", [tmp_path / "b.tar", tmp_path / "a.tar"])] == [2, 3]
    assert build("shards", tmp_path).manifest.fingerprint() == manifest.fingerprint()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ((special("a.mp4", tarfile.SYMTYPE, "/etc/passwd"), b""), r"'a\.mp4', which is no plain file"),
        ((special("a.mp4", tarfile.LNKTYPE, "b.mp4"), b""), r"'a\.mp4', which is no plain file"),
        ((special("a.mp4", tarfile.CHRTYPE), b""), r"'a\.mp4', which is no plain file"),
        (("../a.mp4", b"x"), r"got member '\.\./a\.mp4'; expected paths that stay inside"),
        (("a.mp4", b""), r"got member 'a\.mp4' of 0 bytes; expected at least 1"),
        (("/a.mp4", b"x"), r"got member '/a\.mp4'; expected paths that stay inside"),
    ],
)
def test_members_that_are_no_files_inside_are_refused(tmp_path, entry, message):
    with pytest.raises(ManifestError, match=message):
        read_shards(tar(tmp_path / "bad.tar", ("fine.mp4", b"x"), entry))


def test_tars_that_cannot_be_read_in_place(tmp_path):
    with pytest.raises(ManifestError, match=r"z\.tar: got .*expected an uncompressed tar file\. Unpack it"):
        read_shards(tar(tmp_path / "z.tar", ("a.mp4", b"x"), mode="w:gz"))
    whole = tar(tmp_path / "cut.tar", ("a.mp4", b"x" * 5000)).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:3000])
    with pytest.raises(ManifestError, match=r"cut\.tar: got "):
        read_shards(tmp_path / "cut.tar")
    with pytest.raises(NoMediaError, match="none in 1"):
        read_shards(tar(tmp_path / "text.tar", ("a.txt", b"x")))
    with pytest.raises(NoMediaError, match=r"no \.tar file"):
        read_shards([])
    for content in (b"{", b"[1]", b'{"start": "soon"}', b'{"start": [1]}', b"[" * 99999):
        with pytest.raises(ManifestError, match=r"soon|a JSON object"):
            read_shards(tar(tmp_path / "note.tar", ("a.mp4", b"x"), ("a.json", content)))


def test_the_datasets_library_streams_them(manifest, tmp_path):
    datasets = pytest.importorskip("datasets")
    write_shards(manifest, tmp_path / "out", size=1000)
    files = str(tmp_path / "out" / "shard-*.tar")
    stream = datasets.load_dataset("webdataset", data_files=files, split="train", streaming=True)
    samples = list(stream.decode(False))
    assert [sample["__key__"] for sample in samples] == [f"{row:09d}" for row in range(5)]
    assert [sample["json"]["label"] for sample in samples] == manifest.column("label").to_pylist()
    assert samples[2]["mp4"]["bytes"] == b"\x02" * 100
