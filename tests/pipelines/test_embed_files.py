"""Tables of many files: what is in them, what survives a cut, and what is refused."""

import errno
import hashlib
import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open

from avssl_hub.outputs import OutputError
from avssl_hub.pipelines import tables
from avssl_hub.pipelines.embed import EmbeddingPipeline
from avssl_hub.pipelines.embed_files import BadFileError, embed_files, partial_folder

from .readable import RATE, ReadableModel, ReadableProcessor, film, sample


@pytest.fixture
def films(tmp_path):
    """Three films of four windows; the second has sound in the first half only."""
    folder = tmp_path / "films"
    folder.mkdir()
    return [
        film(folder / "a.mp4", seed=1),
        film(folder / "b.mp4", seed=2, seconds_of_sound=2.0),
        film(folder / "c.mp4", seed=3),
    ]


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "films" / "b0.mp4"
    path.write_text("not a film")
    return path


def stop_after(monkeypatch, pipe, count):
    """Let the pipeline be interrupted when ``count`` files are done; returns the files it has begun."""
    begun = []
    embed = EmbeddingPipeline.__call__

    def call(self, source, **sampling):
        if len(begun) == count:
            raise KeyboardInterrupt
        begun.append(source)
        return embed(self, source, **sampling)

    monkeypatch.setattr(EmbeddingPipeline, "__call__", call)
    return begun


def count_calls(monkeypatch, pipe):
    monkeypatch.undo()
    return stop_after(monkeypatch, pipe, count=None)


def test_a_row_a_window(pipe, films, tmp_path):
    out = tmp_path / "out.parquet"
    report = embed_files(pipe, films, out)
    assert (report.out, report.files, report.rows, report.reused, report.failed) == (out, 3, 12, 0, {})
    table = pq.read_table(out)
    assert table.column_names == [
        *("file", "sha256", "start", "end", "has_audio", "status", "reason", "video_embeds", "audio_embeds")
    ]
    rows = table.to_pylist()
    assert [row["file"] for row in rows] == [str(path) for path in films for _ in range(4)]
    assert rows[4]["sha256"] == hashlib.sha256(films[1].read_bytes()).hexdigest()
    assert [row["start"] for row in rows] == pytest.approx([0, 1, 2, 3] * 3)
    assert [row["video_embeds"] for row in rows] == [[2, 5], [12, 15], [22, 25], [32, 35]] * 3
    assert {row["status"] for row in rows} == {"ok"}
    assert [row["has_audio"] for row in rows[4:8]] == [True, True, False, False]
    assert rows[6]["audio_embeds"] is None
    assert rows[6]["reason"] == "the sound track covers 0% of the window"
    assert rows[9]["audio_embeds"] == pytest.approx([sample(RATE, 3), sample(2 * RATE - 1, 3)], abs=1e-6)


def test_the_table_says_what_made_it(pipe, films, tmp_path):
    embed_files(pipe, films, tmp_path / "out.parquet", every=2.0)
    made_by = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"avssl"])
    assert made_by["model"] == "ReadableModel"
    assert re.fullmatch("[0-9a-f]{64}", made_by["weights_sha256"])
    assert (made_by["every"], made_by["clips"]) == (2.0, None)


def test_a_finished_run_leaves_nothing_but_its_table(pipe, films, tmp_path):
    embed_files(pipe, films, tmp_path / "out.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "out.parquet"]


def test_other_formats_hold_the_same(pipe, films, bad, tmp_path):
    files = [films[0], bad, films[1]]
    for suffix in ("parquet", "npz", "safetensors"):
        embed_files(pipe, files, tmp_path / f"out.{suffix}", keep_going=True)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    arrays = dict(np.load(tmp_path / "out.npz"))
    with safe_open(tmp_path / "out.safetensors", "np") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a mapping)
        texts = {name: json.loads(text) for name, text in opened.metadata().items()}
    for name in ("files", "sha256", "status", "reason"):
        assert arrays[name].tolist() == texts[name]
    assert json.loads(str(arrays["avssl"])) == texts["avssl"]
    assert texts["files"] == [str(path) for path in files]
    assert texts["status"] == [row["status"] for row in rows]
    assert texts["reason"] == [row["reason"] for row in rows]
    for found in (arrays, tensors):
        assert [texts["files"][index] for index in found["file_index"]] == [row["file"] for row in rows]
        assert found["has_audio"].tolist() == [bool(row["has_audio"]) for row in rows]
        for name in ("start", "end"):
            expected = [np.nan if row[name] is None else row[name] for row in rows]
            np.testing.assert_array_equal(found[name], expected)
        for name in ("video_embeds", "audio_embeds"):
            expected = np.array([row[name] or [np.nan, np.nan] for row in rows], np.float32)
            np.testing.assert_array_equal(found[name], expected)


def test_a_bad_file_stops_the_run_and_says_how_to_go_on(pipe, films, bad, tmp_path):
    out = tmp_path / "out.parquet"
    with pytest.raises(BadFileError) as caught:
        embed_files(pipe, [films[0], bad, films[1]], out)
    text = str(caught.value)
    assert f"{bad} cannot be embedded: " in text
    assert f"Finished files, kept in {tmp_path / 'out.parquet.partial'}: 1." in text
    assert "--keep-going" in text
    assert not out.exists()


def test_a_bad_file_at_the_start_leaves_nothing(pipe, films, bad, tmp_path):
    with pytest.raises(BadFileError, match="--keep-going"):
        embed_files(pipe, [bad, films[0]], tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["films"]


def test_a_bad_file_has_a_row_with_its_reason_when_told(pipe, films, bad, tmp_path):
    missing = tmp_path / "missing.mp4"
    report = embed_files(pipe, [films[0], bad, missing, films[1]], tmp_path / "out.parquet", keep_going=True)
    assert list(report.failed) == [bad, missing]
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["file"] for row in rows[4:6]] == [str(bad), str(missing)]
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["error"] * 2 + ["ok"] * 4
    assert "10 bytes" in rows[4]["reason"]
    assert "no such file" in rows[5]["reason"].lower()
    assert rows[4]["sha256"] == hashlib.sha256(b"not a film").hexdigest()
    for name in ("start", "end", "has_audio", "video_embeds", "audio_embeds"):
        assert rows[4][name] is None
    assert rows[5]["sha256"] is None


def test_a_cut_run_goes_on_by_content(pipe, films, tmp_path, monkeypatch):
    out, whole = tmp_path / "out.parquet", tmp_path / "whole.parquet"
    embed_files(pipe, films, whole)
    stop_after(monkeypatch, pipe, 2)
    with pytest.raises(KeyboardInterrupt):
        embed_files(pipe, films, out)
    assert not out.exists()
    renamed = films[0].rename(films[0].with_name("z.mp4"))
    begun = count_calls(monkeypatch, pipe)
    report = embed_files(pipe, [films[1], films[2], renamed], out)
    assert begun == [films[2]]
    assert report.reused == 2
    got, expected = (pq.read_table(path).to_pylist() for path in (out, whole))
    assert {row["file"] for row in got} == {str(films[1]), str(films[2]), str(renamed)}

    def by_content(rows):
        return sorted(
            ({k: v for k, v in row.items() if k != "file"} for row in rows), key=lambda r: (r["sha256"], r["start"])
        )

    assert by_content(got) == by_content(expected)


def test_a_changed_file_is_embedded_again(pipe, films, tmp_path, monkeypatch):
    stop_after(monkeypatch, pipe, 1)
    with pytest.raises(KeyboardInterrupt):
        embed_files(pipe, films[:2], tmp_path / "out.parquet")
    film(films[0], seed=9)
    begun = count_calls(monkeypatch, pipe)
    embed_files(pipe, films[:2], tmp_path / "out.parquet")
    assert begun == films[:2]
    first = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    assert first["audio_embeds"][0] == pytest.approx(sample(0, 9), abs=1e-6)


def test_equal_files_are_embedded_once(pipe, films, tmp_path, monkeypatch):
    copy = tmp_path / "films" / "copy.mp4"
    copy.write_bytes(films[0].read_bytes())
    begun = stop_after(monkeypatch, pipe, count=None)
    report = embed_files(pipe, [films[0], copy], tmp_path / "out.parquet")
    assert begun == [films[0]]
    assert (report.rows, report.reused) == (8, 1)


def test_work_under_other_settings_is_not_mixed_in(pipe, films, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    stop_after(monkeypatch, pipe, 1)
    with pytest.raises(KeyboardInterrupt):
        embed_files(pipe, films, out)
    begun = count_calls(monkeypatch, pipe)
    with pytest.raises(OutputError, match=r"every=None \(now 2\.0\); expected the same settings"):
        embed_files(pipe, films, out, every=2.0)
    other = ReadableModel()
    other.anything += 1
    with pytest.raises(OutputError, match="weights_sha256="):
        embed_files(EmbeddingPipeline(other, ReadableProcessor(), normalize=False), films, out)
    assert begun == []
    report = embed_files(pipe, films, out, every=2.0, force=True)
    assert (report.reused, report.rows) == (0, 6)


def test_the_name_of_the_model_does_not_matter(avid_folder, films, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    stop_after(monkeypatch, None, 1)
    with pytest.raises(KeyboardInterrupt):
        embed_files(EmbeddingPipeline(avid_folder), films, out)
    monkeypatch.undo()
    monkeypatch.chdir(avid_folder.parent)
    assert embed_files(EmbeddingPipeline("./tiny"), films, out).reused == 1


def test_a_table_that_exists_is_kept(pipe, films, tmp_path):
    out = tmp_path / "out.parquet"
    out.write_text("precious")
    with pytest.raises(OutputError, match=r"out\.parquet: got one that exists already.*--force"):
        embed_files(pipe, films, out)
    assert out.read_text() == "precious"
    assert embed_files(pipe, films[:1], out, force=True).rows == 4
    assert pq.read_table(out).num_rows == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("out.csv", "suffix '.csv'; expected one of .parquet, .npz, .safetensors"),
        ("out", "suffix ''; expected one of .parquet"),
        ("nowhere/out.npz", "a folder that does not exist"),
    ],
)
def test_an_impossible_output_is_refused_before_any_work(pipe, tmp_path, name, text):
    with pytest.raises(OutputError, match=re.escape(text)):
        embed_files(pipe, ["never opened.mp4"], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["parquet", "npz", "safetensors"])
def test_a_full_disk_keeps_the_finished_files(pipe, films, tmp_path, monkeypatch, suffix):
    out = tmp_path / f"out.{suffix}"

    def full(path, *_):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setitem(tables._WRITERS, f".{suffix}", full)
        with pytest.raises(OutputError, match=r"a full disk; expected .* run the same again"):
            embed_files(pipe, films, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", partial_folder(out).name]
    assert embed_files(pipe, films, out).reused == 3


def test_many_row_groups_hold_all_rows(pipe, films, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_ROW_GROUP", 6)
    embed_files(pipe, films, tmp_path / "out.parquet")
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [8, 4]


def test_progress_counts_files(pipe, films, tmp_path):
    seen = []
    embed_files(pipe, films, tmp_path / "out.parquet", progress=lambda *at: seen.append(at))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_window_in_which_nothing_is_found_is_an_error_row(pipe, films, tmp_path):
    clips = pipe(films[1])
    clips.video_embeds[3] = torch.nan
    status = tables.clip_rows(clips)["status"].to_pylist()
    assert status == ["ok", "ok", "ok", "error"]
