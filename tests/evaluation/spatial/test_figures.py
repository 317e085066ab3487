"""Figures of chunks, their file, and what is published of them."""

from math import sqrt

import pytest
import torch

pytest.importorskip("ot", reason="the earth mover's distance needs the extra 'metrics'")
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.spatial import PublishedFigures, ScoredChunks, mean_over_videos, published_figures
from avssl_hub.evaluation.spatial.chunk_figures import FIGURES, chunk_figures


def scored(**columns: list[float]) -> ScoredChunks:
    """Two chunks of video "a" and one of "b", all figures 0 unless told."""
    given = {name.replace("_of_", "/"): values for name, values in columns.items()}
    values = {name: torch.tensor(given.get(name, [0.0] * 3), dtype=torch.float64) for name in FIGURES}
    return ScoredChunks(["a", "b", "a"], [0.5, 0.5, 1.5], values)


def test_videos_count_alike_and_figures_are_scaled_chunk_by_chunk():
    columns = {"mse/avg": [1.0, 0.0, 4.0], "stft/avg": [2.0, 10.0, 4.0], "emd/dir": [0.0, 1.0, 2.0]}
    figures = published_figures(scored(**columns, **{"env_mse/avg": [1.0, 1.0, 3.0]}))
    root = sqrt(4800)
    expected = {"a": (1.5 * root, 3, 2 * root, root), "b": (0, 10, root, root)}
    assert {video: pytest.approx(values) for video, values in expected.items()} == figures
    mean = mean_over_videos(figures)
    assert mean == pytest.approx((0.75 * root, 6.5, 1.5 * root, root))
    assert str(PublishedFigures(1, 2.0004, 3, 4)) == "MSE  = 1.000\nSTFT = 2.000\nENV  = 3.000\nEMD  = 4.000"


def test_a_channel_that_was_not_recorded_is_heard_in_no_direction():
    recording = torch.randn(1, 4, 4800, generator=torch.Generator().manual_seed(0))
    predicted = recording[:, 1:].clone()
    predicted[:, 1] = 5
    flat, full = (chunk_figures(predicted, recording, torch.tensor(mask)) for mask in ([1, 1, 0, 1], [1, 1, 1, 1]))
    assert flat["emd/dir"].item() == flat["emd/dir2"].item() == 0
    assert full["emd/dir"].item() > 0.1
    # Everywhere else it counts.
    assert flat["mse/Z"].item() == full["mse/Z"].item() > 1
    assert flat["mse/X"].item() == 0
    assert flat["amplitude/predicted"].item() == 5


def test_chunks_of_other_shapes_are_refused():
    with pytest.raises(
        InvalidValueError, match=r"got shapes \(2, 3, 10\) and \(2, 3, 10\); expected \(B, 3, samples\)"
    ):
        chunk_figures(torch.zeros(2, 3, 10), torch.zeros(2, 3, 10), torch.ones(4))


def test_a_file_of_figures_reads_back_bit_for_bit(tmp_path):
    chunks = scored(**{"stft/avg": [0.1, 1 / 3, 1e-30]})
    chunks.write(tmp_path / "eval-detailed.txt")
    again = ScoredChunks.read(tmp_path / "eval-detailed.txt")
    assert (again.videos, again.times) == (chunks.videos, chunks.times)
    assert all(torch.equal(again.figures[name], values) for name, values in chunks.figures.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: got ''; expected 'SampleID | ' and names"),
        ("SampleID | a b\nv 0.5 | 1 2\nv 1.5 | 1\n", "line 3: got 'v 1.5 | 1'; expected <video> <time> | 2 numbers"),
        ("SampleID | a\nv 0.5 | x\n", "line 2"),
        ("SampleID | a\nv | 1\n", "line 2"),
    ],
)
def test_other_files_are_refused_by_line(tmp_path, text, message):
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(InvalidValueError, match=message.replace("|", r"\|")):
        ScoredChunks.read(tmp_path / "file.txt")
    with pytest.raises(InvalidValueError, match="No such file"):
        ScoredChunks.read(tmp_path / "none.txt")


def test_figures_that_are_missing_are_named(tmp_path):
    chunks = ScoredChunks(["a"], [0.5], {"mse/avg": torch.zeros(1), "emd/dir": torch.zeros(1)})
    with pytest.raises(InvalidValueError, match="got no stft/avg, env_mse/avg"):
        published_figures(chunks)
    with pytest.raises(InvalidValueError, match="got no chunk"):
        published_figures(ScoredChunks([], [], {name: torch.zeros(0) for name in FIGURES}))
    with pytest.raises(InvalidValueError, match="one without spaces"):
        ScoredChunks(["a b"], [0.5], {}).write(tmp_path / "x.txt")
