"""Which samples, frames and chunks: the released rules and the exact ones."""

import pytest
import torch

from avssl_hub.data.spatial import (
    ChunkPowers,
    ChunkRules,
    contiguous_parts,
    layout_mask,
    measure_powers,
    shifted_to,
    silence_threshold,
)
from avssl_hub.errors import InvalidValueError, UnknownNameError

GRID = [number / 10 + 0.5 for number in range(600)]


def test_window_and_chunk_have_the_papers_sizes():
    rules = ChunkRules()
    assert (rules.window_samples, rules.chunk_samples) == (52799, 4800)
    assert rules.window_start(0.5) == 0
    assert rules.window_start(0.0) == -24000


def test_released_starts_are_often_a_sample_early_and_exact_ones_never():
    released, exact = ChunkRules(), ChunkRules(released_starts=False)
    late = [4800 * number - released.window_start(time) for number, time in enumerate(GRID)]
    assert set(late) == {0, 1}
    assert sum(late) / len(late) == pytest.approx(0.4, abs=0.05)
    assert [exact.window_start(time) for time in GRID] == [4800 * number for number in range(600)]


def test_frames_are_those_shown_at_the_chunks_start():
    assert [ChunkRules().frame(time) for time in (0.0, 0.09, 0.5, 1.7)] == [0, 0, 5, 17]
    assert [ChunkRules(released_starts=False).frame(time) for time in GRID] == list(range(5, 605))


def test_powers_are_measured_where_chunks_begin():
    # Silent but for the chunk at 0.9 s.
    w = torch.zeros(1, 24000)
    w[0, 7200:8000] = 0.5
    rules = ChunkRules(sampling_rate=8000, released_starts=False)
    powers = measure_powers(lambda first, count: w[:, first : first + count], 3, rules)
    assert powers.times == tuple(number / 10 + 0.5 for number in range(20))
    assert powers.powers == tuple(0.5 if number == 4 else 0.0 for number in range(20))
    assert powers.training(0.2) == [0.9]
    assert powers.evaluation() == [0.5, 1.5]


def test_deployed_times_start_where_asked():
    powers = ChunkPowers(tuple(GRID[:20]), (0.0,) * 20)
    assert powers.deploy(1.0) == GRID[5:20]
    assert powers.deploy(0.0, 1.0) == GRID[:5]
    assert shifted_to([0.5, 0.75], 0.0) == [0.0, 0.25]


def test_parts_are_runs_that_hold_every_time_once():
    assert contiguous_parts([0.0, 1.0, 2.0, 3.0, 4.0], 4) == [[0.0, 1.0], [2.0], [3.0], [4.0]]
    assert contiguous_parts([0.0], 2) == [[0.0], []]


def test_street_recordings_have_a_lower_threshold():
    assert silence_threshold("REC-Street.train.1") == 0.01
    assert silence_threshold("YT-All") == 0.2


def test_mask_leaves_out_a_missing_height():
    assert layout_mask("WXY").tolist() == [1, 1, 0, 1]
    assert layout_mask("WXYZ").tolist() == [1, 1, 1, 1]
    with pytest.raises(UnknownNameError, match="WXYZ"):
        layout_mask("WXZY")


def test_sizes_out_of_range_are_named():
    with pytest.raises(InvalidValueError, match="'fps': got 0"):
        ChunkRules(fps=0)
