"""Outputs that cannot be written are refused before any work, and folders filled whole or not at all."""

import errno
from pathlib import Path

import pytest

from avssl_hub.outputs import OutputError, check_new, filling


def test_a_new_name_in_a_folder_is_accepted_and_leaves_no_trace(tmp_path):
    check_new(tmp_path / "out.png", force=False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_replaced_only_by_force(tmp_path):
    there = tmp_path / "out.png"
    there.touch()
    with pytest.raises(OutputError, match=r"exists already; expected a new name.*--force"):
        check_new(there, force=False)
    check_new(there, force=True)
    with pytest.raises(OutputError, match="Choose another name"):
        check_new(tmp_path, force=True)


def test_folders_that_are_missing_or_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(OutputError, match="a folder that does not exist"):
        check_new(tmp_path / "none" / "out.png", force=False)
    unwritable = Path("/proc")
    if not unwritable.is_dir():
        pytest.skip("no folder here that even an administrator cannot write to")
    with pytest.raises(OutputError, match="expected a folder that can be written"):
        check_new(unwritable / "out.png", force=False)


def test_files_appear_when_the_block_ends_well(tmp_path):
    out = tmp_path / "above" / "out"
    with filling(out, force=False) as folder:
        (folder / "a.txt").write_text("a")
        assert not (out / "a.txt").exists()
    assert [path.name for path in out.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("broken", [ValueError("bad"), KeyboardInterrupt()])
def test_nothing_stays_when_it_does_not(tmp_path, broken):
    def break_off():
        with filling(tmp_path / "out", force=False) as folder:
            (folder / "a.txt").write_text("a")
            raise broken

    with pytest.raises(type(broken)):
        break_off()
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_kept_and_others_are_refused(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ValueError, match="bad"), filling(out, force=False):
        raise ValueError("bad")
    assert list(out.iterdir()) == []
    (out / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"got one that exists already; .* --force"), filling(out, force=False):
        pass
    with filling(out, force=True) as folder:
        (folder / "a.txt").write_text("a")
    assert sorted(path.name for path in out.iterdir()) == ["a.txt", "mine.txt"]


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(OutputError, match="file"), filling(out, force=True):
            pass
    with pytest.raises(OutputError, match="full disk"), filling(tmp_path / "out", force=False):
        raise OSError(errno.ENOSPC, "No space left on device")
