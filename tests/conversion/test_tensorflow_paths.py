"""From what a user names to a checkpoint."""

import numpy as np
import pytest

from avssl_hub.errors import CheckpointError
from conversion._tensorflow import TensorBundle, find_prefix
from conversion._tensorflow.errors import NotACheckpointError, TruncatedError, UnsafePathError

from ._tensorflow_files import header, table, write

ARRAYS = {"a": np.ones(2, np.float32)}


@pytest.mark.parametrize("named", ["", "net.tf-10", "net.tf-10.index", "net.tf-10.data-00000-of-00001"])
def test_every_way_to_name_the_only_checkpoint(tmp_path, named):
    prefix = write(tmp_path / "net.tf-10", ARRAYS)
    assert find_prefix(tmp_path / named) == find_prefix(str(tmp_path / named)) == prefix


def test_a_folder_of_the_same_name_does_not_hide_a_checkpoint(tmp_path):
    prefix = write(tmp_path / "model", ARRAYS)
    prefix.mkdir()
    assert find_prefix(prefix) == prefix


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('model_checkpoint_path: "net-20"\nall_model_checkpoint_paths: "net-10"\n', "net-20"),
        ('all_model_checkpoint_paths: "net-20"\r\n  model_checkpoint_path : "net-10"\r\n', "net-10"),
        ('model_checkpoint_path: "sub/net-30"', "sub/net-30"),
        # TensorFlow writes bytes beyond ASCII in octal.
        (r'model_checkpoint_path: "n\303\244t \"1\""', 'nät "1"'),
        (r'model_checkpoint_path: "net\-2\60"', "net-20"),
        (r'model_checkpoint_path: "net-\9"', "net-9"),
    ],
)
def test_the_state_file_names_the_latest(tmp_path, text, name):
    (tmp_path / "sub").mkdir()
    for prefix in ("net-9", "net-10", "net-20", "sub/net-30", 'nät "1"'):
        write(tmp_path / prefix, ARRAYS)
    (tmp_path / "checkpoint").write_bytes(text.encode())
    assert find_prefix(tmp_path) == tmp_path / name
    assert find_prefix(tmp_path / "checkpoint") == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["/data/owens/net-10", "../net-10", "sub/../../net-10", r"C:\\nets\\net-10", r"..\\net-10", r"net\000-10", ".", ""],
)
def test_state_files_do_not_lead_outside(tmp_path, name):
    folder = tmp_path / "nets"
    folder.mkdir()
    for prefix in (tmp_path / "net-10", folder / "net-10"):
        write(prefix, ARRAYS)
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')
    with pytest.raises(UnsafePathError, match=r"expected a path below the folder of the file\. Here: net-10\. Give"):
        find_prefix(folder)


def test_a_link_out_of_the_folder_is_no_path_below_it(tmp_path):
    folder, outside = tmp_path / "nets", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    write(outside / "net-10", ARRAYS)
    (folder / "sub").symlink_to(outside)
    (folder / "checkpoint").write_text('model_checkpoint_path: "sub/net-10"\n')
    with pytest.raises(UnsafePathError):
        find_prefix(folder)


@pytest.mark.parametrize(
    "text",
    ["", "model_checkpoint_path: net-10", '{"model": "net-10"}', "\0" * 100, "\n" * 1_000_000],
    ids=["empty", "no quotes", "json", "zeros", "a million lines"],
)
def test_other_text_is_no_state_file(tmp_path, text):
    (tmp_path / "checkpoint").write_text(text)
    with pytest.raises(NotACheckpointError, match="expected a line model_checkpoint_path"):
        find_prefix(tmp_path)


def test_a_state_file_that_names_nothing(tmp_path):
    write(tmp_path / "net-10", ARRAYS)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "gone"\n')
    with pytest.raises(NotACheckpointError, match=r"Here: net-10\. Give the one you mean"):
        find_prefix(tmp_path)


def test_a_state_file_with_a_name_no_system_takes(tmp_path):
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{"n" * 100_000}"\n')
    with pytest.raises(CheckpointError, match=r"reading .*checkpoint: got File name too long"):
        find_prefix(tmp_path)


def test_several_or_no_checkpoints_in_a_folder(tmp_path):
    with pytest.raises(NotACheckpointError, match=r"got no \.index file in"):
        find_prefix(tmp_path)
    for name in ("net-10", "net-20"):
        write(tmp_path / name, ARRAYS)
    with pytest.raises(NotACheckpointError, match=r"got net-10, net-20 in .*expected a single one"):
        find_prefix(tmp_path)


def test_files_of_other_kinds(tmp_path):
    with pytest.raises(NotACheckpointError, match=r"where nothing is; expected .*none\.index"):
        find_prefix(tmp_path / "none")
    with pytest.raises(NotACheckpointError, match=r"where nothing is; expected .*/net\.index beside data files"):
        find_prefix(tmp_path / "net.data-00000-of-00001")
    (tmp_path / "page.html").write_text("<html>404</html>")
    with pytest.raises(NotACheckpointError, match="a file of another kind"):
        find_prefix(tmp_path / "page.html")
    (tmp_path / "page.index").write_text("<html>404</html>")
    with pytest.raises(TruncatedError, match="do not end as an index does"):
        TensorBundle(tmp_path / "page")


def test_format_1_is_recognised(tmp_path):
    # A single table without .index, as TensorFlow 2.21 writes with write_version=V1.
    (tmp_path / "model.ckpt").write_bytes(table([[(b"", header())]]))
    for named in ("model.ckpt", "model.ckpt.meta"):
        with pytest.raises(NotACheckpointError, match=r"format 1, a single file; .*tf\.train\.Saver\(write_version="):
            find_prefix(tmp_path / named)
