"""Which files are meant by files and folders."""

import hashlib
import os

import pytest

from avssl_hub.data.media_files import NoMediaError, content_sha256, find_media, media_below
from avssl_hub.errors import InvalidValueError


@pytest.fixture
def tree(tmp_path):
    for name in ("b.MP4", "a.wav", "README.md", "labels.csv", "sub/c.mkv", ".hidden.mp4", ".git/d.mp4", "sub/code.ts"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_folders_are_walked_for_media(tree):
    found = find_media([tree])
    assert found.files == [tree / "a.wav", tree / "b.MP4", tree / "sub/c.mkv"]
    assert found.roots == [tree] * 3
    assert found.passed_over == 4  # README.md, labels.csv, .hidden.mp4, sub/code.ts


def test_a_file_named_outright_is_taken_whatever_its_suffix(tree):
    found = find_media([tree / "README.md", str(tree / "sub")])
    assert found.files == [tree / "README.md", tree / "sub/c.mkv"]
    assert found.roots == [tree, tree / "sub"]


def test_each_file_comes_once(tree):
    (tree / "link.mp4").symlink_to(tree / "b.MP4")
    found = find_media([tree / "sub/c.mkv", tree, tree / "sub" / ".." / "a.wav"])
    assert found.files == [tree / "sub/c.mkv", tree / "a.wav", tree / "b.MP4"]


def test_folders_without_media_are_an_error(tree):
    (tree / "sub/c.mkv").unlink()
    with pytest.raises(
        NoMediaError, match=r"sub: got no media file \(other files: 1\); expected files with a suffix .*\.mp4"
    ):
        find_media([tree / "sub"])


def test_a_path_that_does_not_exist_is_named(tree):
    with pytest.raises(NoMediaError, match=r"nowhere: got no such file or folder"):
        find_media([tree, tree / "nowhere"])


def test_names_that_no_list_can_hold_are_named(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).touch()
    assert list(media_below(tmp_path)) == []
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).touch()
    with pytest.raises(InvalidValueError, match=r"'caf\\udce9\.mp4'; expected a name in UTF-8"):
        list(media_below(tmp_path))


def test_a_folder_is_known_by_the_names_and_contents_in_it(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "1.wav").write_bytes(b"one")
    (tmp_path / "a.wav").write_bytes(b"two")
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
    assert content_sha256(tmp_path / "a.wav") == two
    # As sha256sum prints them, but with a single space.
    expected = hashlib.sha256(f"a.wav {two}\nb/c/1.wav {one}".encode()).hexdigest()
    assert content_sha256(tmp_path) == expected
    (tmp_path / "a.wav").rename(tmp_path / "d.wav")
    assert content_sha256(tmp_path) != expected
