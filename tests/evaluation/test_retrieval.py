"""Retrieval against ranks counted by hand."""

import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.retrieval import cross_modal_recall, nearest, recall_at_k


def angles(*degrees):
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def test_recall_counts_the_ranks_of_the_own_rows():
    gallery = angles(0, 30, 60, 90)
    # Nearest gallery angles: 0 first; own 30 second to 60; own 60 third after 0 and 30; own 90 last.
    queries = angles(5, 50, 10, 1)
    assert recall_at_k(queries, gallery, (1, 2, 3, 4)) == {1: 0.25, 2: 0.5, 3: 0.75, 4: 1.0}


def test_length_does_not_matter():
    queries, gallery = angles(5, 50, 10, 1), angles(0, 30, 60, 90)
    scale = torch.tensor([[0.1], [3.0], [100.0], [1.0]])
    assert recall_at_k(queries * scale, gallery / scale, (1, 2)) == recall_at_k(queries, gallery, (1, 2))


def test_equal_similarities_rank_by_index():
    same = torch.ones(4, 3)
    assert recall_at_k(same, same, (1, 2, 4)) == {1: 0.25, 2: 0.5, 4: 1.0}
    # Half-way between both rows, the first query finds its own, which comes first.
    assert recall_at_k(angles(0, -30), angles(30, -30), (1,)) == {1: 1.0}
    assert recall_at_k(angles(30, 0), angles(30, -30), (1,)) == {1: 0.5}


def test_galleries_are_disjoint_and_both_directions_are_measured():
    video = torch.cat([angles(0, 80), angles(0, 80)])
    # In the first gallery all is right. In the second the first sound lies nearer the second picture.
    audio = torch.cat([angles(0, 80), angles(60, 80)])
    recall = cross_modal_recall(video, audio, gallery_size=2, ks=(1,))
    # Pictures: 0 finds 60 before 80, 80 finds 80. Sounds: 60 finds 80, which is wrong; 80 finds 80.
    assert recall == {"video_to_audio": {1: 1.0}, "audio_to_video": {1: 0.75}}


@pytest.mark.parametrize(
    ("queries", "gallery", "text"),
    [
        (torch.ones(2, 3), torch.ones(3, 3), r"got shapes \(2, 3\) and \(3, 3\); expected two equal shapes"),
        (torch.full((2, 3), torch.nan), torch.ones(2, 3), "got rows that are not finite; .* Drop clips without sound"),
    ],
)
def test_wrong_embeddings_are_refused(queries, gallery, text):
    with pytest.raises(InvalidValueError, match=text):
        recall_at_k(queries, gallery)


def test_clips_that_do_not_fill_the_galleries_are_refused():
    with pytest.raises(InvalidValueError, match="got 150 clips; expected a multiple of gallery_size=100"):
        cross_modal_recall(torch.ones(150, 2), torch.ones(150, 2))


def test_the_nearest_by_direction_and_by_distance():
    queries, gallery = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0], [3.0, 1.0], [1.0, 0.1], [1.0, 0.1]])
    assert nearest(queries, gallery, 3).tolist() == [[1, 2, 3]]
    # Squared distances 2, 5, 0.01 and 0.01.
    assert nearest(queries, gallery, 9, euclidean=True).tolist() == [[2, 3, 0, 1]]
