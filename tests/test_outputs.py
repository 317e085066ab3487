"""Outputs that cannot be written are refused before any work."""

from pathlib import Path

import pytest

from avssl_hub.outputs import OutputError, check_new


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
