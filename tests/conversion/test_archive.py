"""Taking a checkpoint out of zip archives that are hostile or damaged."""

import random
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from avssl_hub.errors import CheckpointError
from conversion._archive import is_archive, take_out
from conversion._tensorflow import TensorBundle
from conversion._tensorflow.errors import NotACheckpointError, UnsafePathError

from ._tensorflow_files import ARRAYS, write

PREFIX = "nets/shift/net.tf-650000"
INDEX, DATA = f"{PREFIX}.index", f"{PREFIX}.data-00000-of-00001"
MOST = 1 << 20


@pytest.fixture(scope="module")
def contents(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("checkpoint")
    write(folder / "net.tf-650000", ARRAYS)
    return {f"nets/shift/{path.name}": path.read_bytes() for path in folder.iterdir()}


def packed(folder: Path, contents: dict[str, bytes], mode: dict[str, int] | None = None) -> Path:
    path = folder / "nets.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (mode or {}).get(name, 0) << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("root", ["", "results/", "./", "a b/c/"])
def test_only_the_checkpoints_files_are_written(contents, tmp_path, out, root):
    others = {"nets/shift/net.tf-640000.index": b"", f"{PREFIX}.meta": b"", f"{PREFIX}0.index": b"", "../x": b""}
    path = packed(tmp_path, {f"{root}{name}": content for name, content in {**others, **contents}.items()})
    bundle = TensorBundle(take_out(path, PREFIX, out, MOST))
    np.testing.assert_array_equal(bundle.read("layer_7/weights/Adam"), ARRAYS["layer_7/weights/Adam"])
    assert len(list(out.iterdir())) == len(contents) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nets.zip", "out"]


@pytest.mark.parametrize("root", ["../", "/", "a/../../", "/etc/"])
def test_members_that_lead_out_are_refused(contents, tmp_path, out, root):
    path = packed(tmp_path, {f"{root}{name}": content for name, content in contents.items()})
    with pytest.raises(UnsafePathError, match=r"expected a path below the archive's own folder"):
        take_out(path, PREFIX, out, MOST)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(contents, tmp_path, out, kind):
    path = packed(tmp_path, {**contents, DATA: b"/etc/passwd"}, {DATA: kind | 0o777})
    with pytest.raises(UnsafePathError, match=r"a link or device 'nets/shift/.*'; expected a plain file"):
        take_out(path, PREFIX, out, MOST)
    assert list(out.iterdir()) == []


def test_a_plain_file_of_unix_is_taken(contents, tmp_path, out):
    take_out(packed(tmp_path, contents, dict.fromkeys(contents, stat.S_IFREG | 0o644)), PREFIX, out, MOST)
    assert len(list(out.iterdir())) == 2


def test_a_bomb_is_refused_before_it_is_unpacked(contents, tmp_path, out):
    path = packed(tmp_path, {**contents, DATA: bytes(4 * MOST)})
    assert path.stat().st_size < MOST / 10
    with pytest.raises(CheckpointError, match=r"got 4,19\d,\d{3} bytes below .*; expected at most 1,048,576"):
        take_out(path, PREFIX, out, MOST)
    assert list(out.iterdir()) == []


def test_a_bomb_that_lies_about_its_size_writes_no_more_than_it_says(contents, tmp_path, out):
    path = packed(tmp_path, {**contents, DATA: bytes(4 * MOST)})
    # Sizes of members stand in their own headers and again at the archive's end.
    path.write_bytes(path.read_bytes().replace((4 * MOST).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(CheckpointError, match=r"reading .*nets\.zip: got BadZipFile"):
        take_out(path, PREFIX, out, MOST)
    assert sum(path.stat().st_size for path in out.iterdir()) <= 1000 + len(contents[INDEX])


def test_what_the_archive_holds_is_said(contents, tmp_path, out):
    path = packed(tmp_path, contents)
    with pytest.raises(NotACheckpointError, match=rf"got checkpoints {PREFIX}; expected nets/cam/net\.tf-1\.index"):
        take_out(path, "nets/cam/net.tf-1", out, MOST)
    with pytest.raises(NotACheckpointError, match="got no TensorFlow checkpoint"):
        take_out(packed(tmp_path, {"data/translator.mp4": b""}), PREFIX, out, MOST)


def test_one_checkpoint_twice_or_in_two_folders_is_refused(contents, tmp_path, out):
    twice = {**contents, **{f"results/{name}": content for name, content in contents.items()}}
    with pytest.raises(NotACheckpointError, match=r"and another; expected one checkpoint"):
        take_out(packed(tmp_path, twice), PREFIX, out, MOST)
    apart = {INDEX: contents[INDEX], f"results/{DATA}": contents[DATA]}
    with pytest.raises(NotACheckpointError, match="expected all its files together"):
        take_out(packed(tmp_path, apart), PREFIX, out, MOST)


def test_an_encrypted_archive_is_refused(contents, tmp_path, out):
    path = packed(tmp_path, contents)
    octets = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = octets.find(signature)
        while at >= 0:
            octets[at + place] |= 1
            at = octets.find(signature, at + 1)
    path.write_bytes(octets)
    with pytest.raises(CheckpointError, match=r"got RuntimeError: .*encrypted"):
        take_out(path, PREFIX, out, MOST)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_archive_is_named(contents, tmp_path, out, share):
    path = packed(tmp_path, contents)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert is_archive(path)
    with pytest.raises(CheckpointError, match=r"reading .*nets\.zip: got BadZipFile.*expected a whole zip archive"):
        take_out(path, PREFIX, out, MOST)


def test_damage_of_any_kind_is_a_checkpoint_error(contents, tmp_path, out):
    whole = packed(tmp_path, contents).read_bytes()
    draw = random.Random(0)
    for number in range(400):
        octets = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            octets[draw.randrange(len(octets))] = draw.randrange(256)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(octets)
        # Bytes that nothing depends on, such as times, do no harm; whatever else is raised fails here.
        with suppress(CheckpointError):
            TensorBundle(take_out(path, PREFIX, out, MOST)).read("beta1_power")
        path.unlink()
        for file in out.iterdir():
            file.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nets.zip", "out"]


def test_other_files_and_folders_are_no_archives(contents, tmp_path):
    (tmp_path / "text").write_text("PK")
    assert not any(map(is_archive, [tmp_path / "text", tmp_path, tmp_path / "nowhere"]))
