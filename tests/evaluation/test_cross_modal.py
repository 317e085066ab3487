"""Cross-modal retrieval from tables of embeddings: pairs found by hand, and real files."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.cross_modal import cross_modal_retrieval
from avssl_hub.pipelines.embed import EmbeddingPipeline
from avssl_hub.pipelines.embed_files import embed_files


@pytest.fixture
def table(tmp_path):
    """Return ``table(*rows)``: a table of (file, angle of the picture, angle of the sound) in degrees."""

    def write(*rows):
        def embeds(column):
            angles = [None if row[column] is None else np.deg2rad(row[column]) for row in rows]
            return [None if angle is None else [np.cos(angle), np.sin(angle)] for angle in angles]

        path = tmp_path / "table.parquet"
        columns = {"file": [row[0] for row in rows], "video_embeds": embeds(1), "audio_embeds": embeds(2)}
        pq.write_table(pa.table(columns), path)
        return path

    return write


def test_a_file_looks_for_its_own_pair(table):
    score = cross_modal_retrieval(table(("a", 0, 10), ("b", 30, 80), ("c", 60, 50)), ks=(1, 2, 3))
    assert (score.files, score.left_out) == (3, [])
    # Pictures at 0, 30, 60; sounds at 10, 80, 50. The picture at 30 has its own sound last.
    assert score.recall["video_to_audio"] == pytest.approx({1: 2 / 3, 2: 2 / 3, 3: 1})
    # The sound at 80 has its own picture second.
    assert score.recall["audio_to_video"] == pytest.approx({1: 2 / 3, 2: 1, 3: 1})


def test_windows_of_a_file_are_averaged_and_those_without_sound_left_out(table):
    rows = [("a", 0, 0), ("a", 90, 0), ("a", 180, None), ("b", 80, 50), ("silent", 0, None), ("deaf", None, None)]
    score = cross_modal_retrieval(table(*rows), ks=(1,))
    assert (score.files, score.left_out) == (2, ["deaf", "silent"])
    # Pictures at 45, of the windows with both, and 80; sounds at 0 and 50, which both pictures find.
    assert score.recall == {"video_to_audio": {1: 0.5}, "audio_to_video": {1: 0.5}}


def test_too_little_to_search_is_refused(table, tmp_path):
    with pytest.raises(InvalidValueError, match="with picture and sound: got 1; expected at least two"):
        cross_modal_retrieval(table(("a", 0, 0), ("b", 0, None)))
    with pytest.raises(InvalidValueError, match=r"none.parquet: got no such file; .* Write it with: avssl embed"):
        cross_modal_retrieval(tmp_path / "none.parquet")
    pq.write_table(pa.table({"file": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(InvalidValueError, match=r"expected a .parquet table with the columns file, video_embeds"):
        cross_modal_retrieval(tmp_path / "other.parquet")
    pq.write_table(pa.table({"file": ["a"], "video_embeds": ["?"], "audio_embeds": ["?"]}), tmp_path / "text.parquet")
    with pytest.raises(InvalidValueError, match="got columns of another kind"):
        cross_modal_retrieval(tmp_path / "text.parquet")


def test_real_files_from_the_file_to_the_score(shared_data, tmp_path):
    videos = sorted(shared_data("ucf101-mini/videos").glob("*Lipstick*.mp4"))[:3]
    embed_files(EmbeddingPipeline("avid_tiny.avworld"), videos, tmp_path / "table.parquet", clips=2)
    score = cross_modal_retrieval(tmp_path / "table.parquet", ks=(1, 3))
    assert score.files + len(score.left_out) == 3
    assert all(at_k[1] * score.files in range(score.files + 1) and at_k[3] == 1 for at_k in score.recall.values())
