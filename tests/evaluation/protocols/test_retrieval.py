"""Retrieval: neighbours found by hand."""

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.answers import Split, judge
from avssl_hub.evaluation.encoder import Encoded
from avssl_hub.evaluation.protocols import CoclrRetrieval, PooledProbe, Retrieval, SelaviRetrieval
from avssl_hub.evaluation.protocols.protocol import Clips


def one_clip(*points):
    return np.array(points, np.float32)[:, None]


def found(protocol, gallery, queries):
    """Return which of the gallery each query finds, the nearest first."""
    rows = np.arange(len(gallery))
    return protocol.answer(Clips(gallery, rows, rows), queries, 0).ranked[0].tolist()


def test_recordings_are_compared_by_direction():
    gallery = one_clip([1, 0], [0, 9], [5, 5])
    assert found(Retrieval(), gallery, one_clip([3, 1], [0.1, 1])) == [[0, 2, 1], [1, 2, 0]]


def test_a_loud_clip_counts_no_more_than_another():
    # Brought to length one, the two clips lie in the middle; as they are, on the long one's side.
    gallery, query = one_clip([1, 0.2], [1, 1]), np.array([[[100, 0], [0, 1]]], np.float32)
    assert found(Retrieval(), gallery, query) == [[1, 0]]
    assert CoclrRetrieval().vectors(torch.from_numpy(np.concatenate([query, -query])))[0].tolist() == pytest.approx(
        [1, 0.01], abs=1e-3
    )


def test_equal_neighbours_rank_by_index():
    assert found(Retrieval(), one_clip([0, 1], [1, 0], [1, 0], [2, 0]), one_clip([5, 0])) == [[1, 2, 3, 0]]


def test_coclr_takes_off_the_mean_of_each_side():
    gallery, queries = one_clip([11, 10], [9, 10]), one_clip([-4, 1], [-6, 1])
    # As they are, both point away from the gallery, less so the second of it.
    assert found(Retrieval(), gallery, queries) == [[1, 0], [1, 0]]
    # Less the means, (10, 10) and (-5, 1), they are (1, 0) and (-1, 0) on both sides.
    assert found(CoclrRetrieval(), gallery, queries) == [[0, 1], [1, 0]]


def test_selavi_measures_distances_of_pooled_maps():
    maps = torch.randn(2, 3, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    values = SelaviRetrieval().features(Encoded(torch.zeros(2, 3), (torch.zeros(2), maps)))["map"]
    expected = maps.reshape(2, 3, 2, 2, 3, 2, 3, 2).amax((3, 5, 7)).reshape(2, -1)
    assert torch.equal(values, expected)
    still = SelaviRetrieval().features(Encoded(torch.zeros(2, 3), (maps[:, :, :1],)))["map"]
    assert torch.equal(still, maps[:, :, 0].reshape(2, 3, 3, 2, 3, 2).amax((3, 5)).reshape(2, -1))


def test_selavi_compares_by_distance():
    # Means of the unit clips: (0.5, 0.5) and (1, 0). The query (0.8, 0.6) is 0.32 from the first and 0.63 from the
    # second, the query (0.96, 0.28) 0.51 and 0.28.
    gallery = np.array([[[2, 0], [0, 2]], [[3, 0], [1, 0]]], np.float32)
    queries = np.array([[[0.8, 0.6]] * 2, [[9.6, 2.8]] * 2], np.float32)
    assert found(SelaviRetrieval(), gallery, queries) == [[0, 1], [1, 0]]
    # The query's mean is (0.5, 0.5), shorter than one: at 0 from the last, 0.29 from (1, 1) brought to length one, and
    # 0.71 from the first. By direction the last two would be equal.
    gallery = np.array([[[1, 0], [1, 0]], [[1, 1], [1, 1]], [[1, 0], [0, 1]]], np.float32)
    assert found(SelaviRetrieval(), gallery, np.array([[[1, 0], [0, 1]]], np.float32)) == [[2, 1, 0]]


def test_a_hit_is_any_neighbour_of_the_class():
    gallery = Clips(one_clip([1, 0], [1, 0.1], [1, 0.2], [0, 1]), np.array([0, 0, 1, 1]), np.arange(4))
    answer = Retrieval().answer(gallery, one_clip([1, 0], [1, 0.2]), 0)
    score = judge(Split("x", np.arange(4), np.arange(2)), answer, np.array([1, 1]), {"R@2": 2, "R@3": 3})
    assert (score.accuracy, score.clip_accuracy) == (0.5, None)
    assert score.further == {"R@2": 0.5, "R@3": 1.0}
    assert dict(Retrieval.cutoffs) == {"R@5": 5, "R@10": 10, "R@20": 20, "R@50": 50}


def test_papers_search_the_first_split_alone():
    splits = [Split(name, np.arange(2), np.arange(2)) for name in "ab"]
    assert Retrieval().scored(splits) == splits[:1]
    assert Retrieval(first_split=False).scored(splits) == splits
    assert PooledProbe().scored(splits) == splits


def test_features_are_shared_where_they_are_the_same():
    assert Retrieval().feature_settings() == CoclrRetrieval().feature_settings() == PooledProbe().feature_settings()
    assert SelaviRetrieval().feature_settings() != Retrieval().feature_settings()


def test_a_model_without_maps_of_video_is_refused():
    with pytest.raises(InvalidValueError, match="last feature map for protocol retrieval_selavi: got none"):
        SelaviRetrieval().features(Encoded(torch.zeros(2, 3)))
