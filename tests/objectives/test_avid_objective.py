"""The AVID objective and its memory banks against formulas written out in NumPy."""

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.objectives import AvidObjective, MemoryBank, NCECriterion, sample_negatives


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def nce_by_the_book(positives, negatives, z):
    """Section 3.1 of the paper as written: ratios of exponentials, no logarithm trick."""
    kz = negatives.shape[1] * z
    of_positives = -np.log(np.exp(positives) / (np.exp(positives) + kz))
    of_negatives = -np.log(kz / (np.exp(negatives) + kz))
    return (of_positives.mean(1) + of_negatives.sum(1)).mean()


def test_criterion_follows_the_formula_and_fixes_its_constant_at_the_first_call():
    rng = np.random.default_rng(0)
    scores = [(rng.normal(size=(4, 3)), rng.normal(size=(4, 7))) for _ in range(2)]
    criterion = NCECriterion().double()
    assert criterion.partition.item() == -1
    z = np.exp(scores[0][1]).mean()
    for positives, negatives in scores:
        loss = criterion(torch.tensor(positives), torch.tensor(negatives))
        np.testing.assert_allclose(loss.item(), nce_by_the_book(positives, negatives, z), rtol=1e-6)
        np.testing.assert_allclose(criterion.partition.item(), z, rtol=1e-6)


def test_a_loaded_constant_is_used_as_it_is():
    criterion = NCECriterion()
    criterion.load_state_dict({"partition": torch.tensor(2.5)})
    positives, negatives = np.array([[1.0]]), np.array([[0.5, -0.5]])
    loss = criterion(torch.tensor(positives), torch.tensor(negatives))
    np.testing.assert_allclose(loss.item(), nce_by_the_book(positives, negatives, 2.5), rtol=1e-6)


def test_criterion_stays_finite_where_exponentials_overflow():
    criterion = NCECriterion()
    criterion.partition.fill_(1.0)
    loss = criterion(torch.tensor([[-200.0]]), torch.tensor([[300.0]]))
    # -log(e^-200 / (e^-200 + 1)) + log(1 + e^300)
    assert loss.item() == pytest.approx(500.0)


@pytest.mark.parametrize(("cross", "within"), [(1.0, 0.0), (0.0, 1.0), (1.0, 3.0)])
def test_objective_mixes_the_terms_by_their_weights_and_then_moves_the_banks(cross, within):
    objective = AvidObjective(20, dim=6, num_negatives=5, cross=cross, within=within, temperature=0.2, momentum=0.7)
    rng = np.random.default_rng(1)
    video, audio = rng.normal(size=(2, 3, 6)).astype(np.float32)
    indices, negatives = np.array([4, 0, 19]), rng.integers(5, 19, size=(3, 5))
    banks = {"video": objective.video_bank.rows.numpy().copy(), "audio": objective.audio_bank.rows.numpy().copy()}
    queries = {"video": unit(video), "audio": unit(audio)}

    def scores(query, bank):
        own = (queries[query] * banks[bank][indices]).sum(1, keepdims=True)
        other = np.einsum("bd,bkd->bk", queries[query], banks[bank][negatives])
        return own / 0.2, other / 0.2

    output = objective(*map(torch.from_numpy, (video, audio, indices, negatives)))

    first = ("video", "audio") if cross else ("video", "video")
    z = np.exp(scores(*first)[1]).mean()
    crossed = [nce_by_the_book(*scores(*pair), z) for pair in (("video", "audio"), ("audio", "video"))]
    inside = [nce_by_the_book(*scores(*pair), z) for pair in (("video", "video"), ("audio", "audio"))]
    expected = (cross * np.mean(crossed) + within * np.mean(inside)) / (cross + within)
    np.testing.assert_allclose(output.loss.item(), expected, rtol=1e-5)
    assert len(output.terms) == 2 * (cross > 0) + 2 * (within > 0)
    for name, bank in (("video", objective.video_bank), ("audio", objective.audio_bank)):
        after = banks[name].copy()
        after[indices] = unit(0.7 * after[indices] + 0.3 * queries[name])
        np.testing.assert_allclose(bank.rows, after, atol=1e-6)


def test_gradient_reaches_the_embeddings_and_not_the_banks():
    objective = AvidObjective(10, dim=4, num_negatives=3)
    video, audio = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind(0)
    video.retain_grad()
    audio.retain_grad()
    objective(video, audio, torch.arange(5)).loss.backward()
    assert video.grad.norm() > 0
    assert audio.grad.norm() > 0
    assert not objective.video_bank.rows.requires_grad
    # A loss of directions alone has no gradient along the embedding.
    torch.testing.assert_close((video.grad * video).sum(1), torch.zeros(5), rtol=0, atol=1e-5)


def test_state_holds_banks_and_constant():
    trained = AvidObjective(10, dim=4, num_negatives=3, seed=1)
    trained(torch.randn(2, 4), torch.randn(2, 4), torch.tensor([3, 7]))
    restored = AvidObjective(10, dim=4, num_negatives=3, seed=2)
    restored.load_state_dict(trained.state_dict())
    assert set(trained.state_dict()) == {"video_bank.rows", "audio_bank.rows", "criterion.partition"}
    torch.testing.assert_close(restored.audio_bank.rows, trained.audio_bank.rows, rtol=0, atol=0)
    assert restored.criterion.partition == trained.criterion.partition > 0


def test_negatives_are_uniform_over_all_items_but_the_own():
    indices = torch.tensor([0, 3, 9])
    drawn = sample_negatives(indices, 10, 30000, torch.Generator().manual_seed(0))
    for own, row in zip(indices.tolist(), drawn):
        counts = row.bincount(minlength=10)
        assert counts[own] == 0
        # Nine items, 30000 draws: 3333 each with a standard deviation of 54.
        assert ((counts - 30000 / 9).abs() < 300).sum() == 9


def test_bank_rows_start_as_unit_vectors_that_the_seed_decides():
    first, again, other = (MemoryBank(50, 8, seed=seed).rows for seed in (3, 3, 4))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-6)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.isclose(first, other).any(dim=1).all()


def test_of_two_updates_of_one_item_the_last_is_kept_and_starts_from_the_old_row():
    bank = MemoryBank(6, 4, momentum=0.5)
    before = bank.rows.numpy().copy()
    new = unit(np.random.default_rng(2).normal(size=(5, 4)).astype(np.float32))
    bank.update(torch.tensor([2, 5, 2, 0, 2]), torch.from_numpy(new))
    expected = before.copy()
    for item, position in ((2, 4), (5, 1), (0, 3)):
        expected[item] = unit(0.5 * before[item] + 0.5 * new[position])
    np.testing.assert_allclose(bank.rows, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_items": 1}, "memory bank: got num_items=1; expected at least 2 items."),
        ({"momentum": 1.0}, "memory bank: got momentum=1.0; expected 0 <= momentum < 1."),
        ({"cross": 0.0}, "AvidObjective: got cross=0.0, within=0.0; expected weights >= 0, not both zero."),
        (
            {"num_negatives": 0},
            "AvidObjective: got num_negatives=0, temperature=0.07; "
            "expected at least one negative and a temperature above zero.",
        ),
    ],
)
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises(InvalidValueError) as caught:
        AvidObjective(**{"num_items": 10, **settings})
    assert str(caught.value) == text


def test_terms_within_a_modality_can_have_a_constant_of_their_own():
    shared, own = (
        AvidObjective(20, dim=5, num_negatives=6, within=1.0, shared_partition=share, temperature=0.3)
        for share in (True, False)
    )
    rng = np.random.default_rng(2)
    video, audio = (torch.from_numpy(rng.normal(size=(3, 5)).astype(np.float32)) for _ in range(2))
    indices, negatives = torch.tensor([3, 0, 19]), torch.from_numpy(rng.integers(0, 20, size=(3, 6)))
    scores = {
        query + bank: np.einsum("bd,bkd->bk", unit(embeds.numpy()), rows.numpy()[negatives.numpy()]) / 0.3
        for query, embeds in (("v", video), ("a", audio))
        for bank, rows in (("v", own.video_bank.rows.clone()), ("a", own.audio_bank.rows.clone()))
    }
    losses = [objective(video, audio, indices, negatives).loss.item() for objective in (shared, own)]
    np.testing.assert_allclose(own.criterion.partition, np.exp(scores["va"]).mean(), rtol=1e-5)
    np.testing.assert_allclose(own.within_criterion.partition, np.exp(scores["vv"]).mean(), rtol=1e-5)
    assert losses[0] != losses[1]
    assert set(own.bank_tensors()) - set(shared.bank_tensors()) == {"within_partition_constant"}
    restored = AvidObjective(20, dim=5, shared_partition=False, within=1.0)
    restored.load_bank_tensors(own.bank_tensors())
    assert restored.within_criterion.partition == own.within_criterion.partition
