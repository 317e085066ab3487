"""Positive sets, the negatives that skip them, and the AVID-CMA loss, each against a slow and plain statement of it."""

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.objectives import AvidCmaObjective, agreement, find_positive_sets
from avssl_hub.objectives.avid_cma import skip_items

from .test_avid_objective import nce_by_the_book, unit


def banks(items, dim=6, seed=0):
    rng = np.random.default_rng(seed)
    return [unit(rng.normal(size=(items, dim)).astype(np.float32)) for _ in range(2)]


COMBINE = {
    "consensus": np.minimum,
    "union": np.maximum,
    "video": lambda video, audio: video,
    "audio": lambda video, audio: audio,
}


def positives_by_the_book(video, audio, count, kind):
    similarity = COMBINE[kind](video @ video.T, audio @ audio.T)
    np.fill_diagonal(similarity, -2)
    return np.sort(np.argsort(-similarity, axis=1, kind="stable")[:, :count], axis=1)


@pytest.mark.parametrize("kind", COMBINE)
@pytest.mark.parametrize(
    ("items", "side", "panel"),
    # One block; blocks that leave a remainder of a group; more groups than k; blocks smaller than k; panels whose rows
    # meet all others from one side only, the last of which is short.
    [(333, 1024, 1024), (333, 50, 1024), (333, 160, 1024), (40, 3, 1024), (333, 64, 128), (90, 7, 20)],
)
def test_search_by_blocks_is_exact(monkeypatch, kind, items, side, panel):
    monkeypatch.setitem(agreement.SIDES, "cpu", side)
    monkeypatch.setattr(agreement, "PANEL", panel)
    video, audio = banks(items)
    found = find_positive_sets(*map(torch.from_numpy, (video, audio)), 5, kind)
    assert found.dtype == torch.int32
    np.testing.assert_array_equal(found, positives_by_the_book(video, audio, 5, kind))


def test_an_item_is_not_its_own_positive_even_where_another_is_its_copy():
    video, audio = banks(40)
    video[7], audio[7] = video[3], audio[3]
    found = find_positive_sets(*map(torch.from_numpy, (video, audio)), 1)
    assert found[3].tolist() == [7]
    assert found[7].tolist() == [3]


def test_items_that_are_all_alike_still_get_whole_sets(monkeypatch):
    monkeypatch.setitem(agreement.SIDES, "cpu", 64)
    rows = torch.ones(150, 4) / 2
    found = find_positive_sets(rows, rows, 3)
    for item, chosen in enumerate(found.tolist()):
        assert len({*chosen, item}) == 4
        assert all(0 <= other < 150 for other in chosen)


def test_search_is_exact_where_each_block_is_nearer_than_all_before(monkeypatch):
    monkeypatch.setitem(agreement.SIDES, "cpu", 32)
    rows = torch.linspace(1, 2, 160)[:, None]
    found = find_positive_sets(rows, rows, 4)
    assert found[:156].tolist() == [[156, 157, 158, 159]] * 156
    assert found[158].tolist() == [155, 156, 157, 159]


def test_search_reports_its_progress(monkeypatch):
    monkeypatch.setitem(agreement.SIDES, "cpu", 16)
    steps = []
    find_positive_sets(*map(torch.from_numpy, banks(40)), 2, progress=lambda *state: steps.append(state))
    assert steps == [(16, 40), (32, 40), (40, 40)]


def test_each_draw_is_an_item_outside_the_set_and_each_item_has_its_draw():
    skipped = torch.tensor([[0, 1, 5], [2, 8, 9], [3, 4, 6]])
    mapped = skip_items(torch.arange(7).expand(3, -1), skipped)
    for row, left_out in zip(mapped.tolist(), skipped.tolist()):
        assert row == [item for item in range(10) if item not in left_out]


@pytest.mark.parametrize("exclude_own", [False, True])
def test_negatives_skip_the_positives_and_the_item_itself_when_asked(exclude_own):
    objective = AvidCmaObjective(12, dim=6, num_positives=3, num_negatives=4000, exclude_own=exclude_own)
    objective.find_positives()
    indices = torch.tensor([0, 11, 5])
    drawn = objective.draw_negatives(indices, torch.Generator().manual_seed(0))
    for item, row in zip(indices.tolist(), drawn):
        never = set(objective.positive_sets[item].tolist()) | ({item} if exclude_own else set())
        assert set(row.tolist()) == set(range(12)) - never


WEIGHTS = {"instance_cross": 1.0, "instance_within": 0.5, "positive_cross": 2.0, "positive_within": 3.0}


@pytest.mark.parametrize("faithful", [True, False])
def test_loss_is_the_weighted_mean_of_its_terms(faithful):
    objective = AvidCmaObjective(
        30,
        dim=6,
        num_positives=4,
        num_negatives=7,
        num_negatives_within=3,
        faithful_instance_within=faithful,
        temperature=0.2,
        **WEIGHTS,
    )
    objective.find_positives()
    objective.criterion.partition.fill_(1.5)
    rng = np.random.default_rng(1)
    video, audio = rng.normal(size=(2, 3, 6)).astype(np.float32)
    indices, negatives = np.array([4, 0, 29]), rng.integers(0, 30, size=(3, 7))
    rows = {"v": objective.video_bank.rows.numpy().copy(), "a": objective.audio_bank.rows.numpy().copy()}
    queries = {"v": unit(video), "a": unit(audio)}

    def term(query, bank, alike, unlike):
        scores = [np.einsum("bd,bkd->bk", queries[query], rows[bank][items]) / 0.2 for items in (alike, unlike)]
        return nce_by_the_book(*scores, 1.5)

    own, positives = indices[:, None], objective.positive_sets.numpy()[indices]
    expected = {
        "instance_cross": (term("v", "a", own, negatives) + term("a", "v", own, negatives)) / 2,
        "instance_within": (term("v", "v", own, negatives) + term("a", "a", own, negatives)) / 2,
        "positive_cross": (term("v", "a", positives, negatives) + term("a", "v", positives, negatives)) / 2,
        "positive_within": (term("v", "v", positives, negatives[:, :3]) + term("a", "a", positives, negatives[:, :3]))
        / 2,
    }
    if faithful:
        expected["instance_within"] = 0.0
    total = sum(WEIGHTS[name] * value for name, value in expected.items()) / sum(WEIGHTS.values())
    output = objective(*map(torch.from_numpy, (video, audio, indices, negatives)))
    np.testing.assert_allclose(output.loss.item(), total, rtol=1e-5)
    assert len(output.terms) == (6 if faithful else 8)


@pytest.mark.parametrize("update_in_eval", [True, False])
def test_banks_move_in_evaluation_unless_told_not_to(update_in_eval):
    objective = AvidCmaObjective(9, dim=4, num_positives=2, num_negatives=3, update_in_eval=update_in_eval).eval()
    objective.find_positives()
    before = objective.video_bank.rows.clone()
    objective(torch.randn(2, 4), torch.randn(2, 4), torch.tensor([1, 5]))
    assert torch.equal(before, objective.video_bank.rows) is not update_in_eval


def test_positive_sets_have_to_be_found_first_and_survive_a_restart():
    objective = AvidCmaObjective(9, dim=4, num_positives=2, num_negatives=3)
    inputs = torch.randn(2, 4), torch.randn(2, 4), torch.tensor([1, 5])
    with pytest.raises(InvalidValueError, match=r"got no positive sets; .* Call find_positives\(\)"):
        objective(*inputs)
    objective.find_positives()
    restored = AvidCmaObjective(9, dim=4, num_positives=2, num_negatives=3, seed=1)
    restored.load_state_dict(objective.state_dict())
    assert restored(*inputs, torch.tensor([[7, 8, 0], [0, 1, 2]])).loss > 0
    assert torch.equal(restored.positive_sets, objective.positive_sets)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_positives": 9}, "AvidCmaObjective: got num_positives=9; expected 1 to 8, which leaves a negative"),
        ({"num_negatives_within": 0}, "AvidCmaObjective: got num_negatives_within=0; expected at least one negative"),
        ({"instance_cross": 0, "positive_within": 0, "instance_within": 1}, "one of them with a term above 0"),
        ({"positive_within": -1.0}, "positive_within=-1.0; expected weights >= 0"),
    ],
)
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises(InvalidValueError) as caught:
        AvidCmaObjective(10, **{"num_positives": 3, **settings})
    assert text in str(caught.value)


def test_a_wrong_search_is_refused():
    rows = [torch.from_numpy(each) for each in banks(10)]
    with pytest.raises(
        InvalidValueError, match="agreement: got 'both'; expected one of consensus, union, video, audio"
    ):
        find_positive_sets(*rows, 3, "both")
    with pytest.raises(InvalidValueError, match="number of positives: got 10; expected 1 to 9"):
        find_positive_sets(*rows, 10)
