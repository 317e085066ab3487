"""Robust-xID against its formulas: limits in which it is something simpler, symmetries, gradients, and a toy world."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avssl_hub.errors import InvalidValueError
from avssl_hub.objectives import RobustXidObjective

ITEMS, DIM, NEGATIVES = 40, 8, 9


def batch(seed=0, size=5):
    generator = torch.Generator().manual_seed(seed)
    video, audio = torch.randn(2, size, DIM, generator=generator)
    indices = torch.randperm(ITEMS, generator=generator)[:size]
    negatives = (indices[:, None] + torch.randint(1, ITEMS, (size, NEGATIVES), generator=generator)) % ITEMS
    return video, audio, indices, negatives


def objective(seen=True, **settings):
    made = RobustXidObjective(ITEMS, DIM, num_negatives=NEGATIVES, **settings)
    made.seen.fill_(seen)
    return made


def logits(made, video, audio, indices, negatives):
    """Scores of both directions, own first, from the banks as they are now."""
    items = torch.cat([indices[:, None], negatives], 1)
    pairs = (video, made.audio_bank.rows), (audio, made.video_bank.rows)
    return [torch.einsum("bd,bkd->bk", F.normalize(query, dim=1), rows[items]) / 0.07 for query, rows in pairs]


def test_without_remedies_it_is_the_cross_entropy_of_both_directions():
    made, inputs = objective(use_weights=False, softness=0.0), batch()
    own = torch.zeros(5, dtype=torch.long)
    expected = sum(F.cross_entropy(scores, own) for scores in logits(made, *inputs))
    torch.testing.assert_close(made(*inputs).loss, expected)


@pytest.mark.parametrize("kind", ["cycle", "swapped", "bootstrapping", "neighbor"])
def test_soft_targets_alone_pull_the_prediction_towards_them(kind):
    made, (video, audio, indices, negatives) = objective(softness=1.0, soft_targets=kind), batch()
    video.requires_grad_()
    items = torch.cat([indices[:, None], negatives], 1)
    soft = made.soft_distribution("video", made.rows_of(items), items)
    torch.testing.assert_close(soft.sum(1), torch.ones(5))
    weights = made.weights(indices)
    scores, _ = logits(made, video, audio, indices, negatives)
    # The gradient of the loss with respect to the scores is (P - S) w / sum w.
    expected = torch.autograd.grad(scores, video, (scores.softmax(1) - soft) * (weights / weights.sum())[:, None])
    made(video, audio, indices, negatives).loss.backward()
    torch.testing.assert_close(video.grad, expected[0], rtol=1e-4, atol=1e-6)


SOFT = {
    # By the targets of the query's item and of the candidates, for a video query.
    "bootstrapping": lambda v, a, vs, as_: as_ @ v,
    "swapped": lambda v, a, vs, as_: vs @ a,
    "neighbor": lambda v, a, vs, as_: vs @ v,
    # With the term that no candidate changes.
    "cycle": lambda v, a, vs, as_: 0.02 / 0.07 * (v @ a + (vs * as_).sum(1)) + vs @ a,
}


@pytest.mark.parametrize("kind", SOFT)
def test_soft_targets_follow_their_formula_in_both_directions(kind):
    made, (_, _, indices, negatives) = objective(soft_targets=kind), batch()
    items = torch.cat([indices[:, None], negatives], 1)
    banks = {"video": made.video_bank.rows.double().numpy(), "audio": made.audio_bank.rows.double().numpy()}
    for query, other in (("video", "audio"), ("audio", "video")):
        soft = made.soft_distribution(query, made.rows_of(items), items)
        for row, candidates in zip(soft, items.tolist()):
            same, opposite = banks[query][candidates], banks[other][candidates]
            exponents = SOFT[kind](same[0], opposite[0], same, opposite) / 0.02
            if kind == "neighbor":
                exponents[0] = -np.inf
            expected = np.exp(exponents - exponents.max())
            np.testing.assert_allclose(row, expected / expected.sum(), rtol=1e-3, atol=1e-5)


def test_cycle_without_agreement_is_swapped():
    _, _, indices, negatives = batch()
    items = torch.cat([indices[:, None], negatives], 1)
    cycle = objective(soft_targets="cycle", agreement_temperature=1e9)
    swapped = objective(soft_targets="swapped")
    for query in ("video", "audio"):
        pair = [made.soft_distribution(query, made.rows_of(items), items) for made in (cycle, swapped)]
        torch.testing.assert_close(*pair, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("shift", "spread", "floor"), [(0.0, 0.5, 0.25), (1.0, 0.3, 0.1), (-1.0, 2.0, 0.5)])
def test_weights_rise_with_agreement_between_the_floor_and_one(shift, spread, floor):
    made = objective(weight_shift=shift, weight_spread=spread, weight_floor=floor)
    made.agreement.copy_(torch.linspace(-0.9, 0.7, ITEMS))
    mean, deviation = made.agreement.mean().item(), made.agreement.std().item()
    weights = made.weights(torch.arange(ITEMS))
    assert (weights.diff() > 0).all()
    assert weights.min() > floor
    assert weights.max() < 1
    middle = mean + shift * deviation
    for agreement, weight in zip(made.agreement.tolist(), weights.tolist()):
        cdf = 0.5 * (1 + math.erf((agreement - middle) / (deviation * math.sqrt(2 * spread))))
        assert weight == pytest.approx(floor + (1 - floor) * cdf, abs=1e-5)
    made.agreement[3] += middle - made.agreement[3]
    # Exactly at the middle, but for what the moved entry does to the mean.
    assert made.weights(torch.tensor([3])).item() == pytest.approx((1 + floor) / 2, abs=0.05)


def test_a_small_spread_is_a_threshold_and_a_large_one_no_weight_at_all():
    sharp = objective(weight_spread=1e-9)
    above = sharp.agreement > sharp.agreement.mean()
    torch.testing.assert_close(sharp.weights(torch.arange(ITEMS)), torch.where(above, 1.0, 0.25))
    flat, plain, inputs = objective(weight_spread=1e9), objective(use_weights=False), batch()
    torch.testing.assert_close(flat(*inputs).loss, plain(*inputs).loss, rtol=1e-4, atol=0)


def test_only_the_proportion_of_weights_counts(monkeypatch):
    made, again, inputs = objective(), objective(), batch()
    monkeypatch.setattr(again, "weights", lambda indices: 7 * RobustXidObjective.weights(again, indices))
    torch.testing.assert_close(made(*inputs).loss, again(*inputs).loss)


@pytest.mark.parametrize("kind", SOFT)
def test_video_and_audio_are_alike(kind):
    made, mirrored = objective(soft_targets=kind), objective(soft_targets=kind)
    mirrored.video_bank.rows.copy_(made.audio_bank.rows)
    mirrored.audio_bank.rows.copy_(made.video_bank.rows)
    video, audio, indices, negatives = batch()
    items = torch.cat([indices[:, None], negatives], 1)
    targets = made.soft_distribution("video", made.rows_of(items), items)
    torch.testing.assert_close(mirrored.soft_distribution("audio", mirrored.rows_of(items), items), targets)
    losses = made(video, audio, indices, negatives).loss, mirrored(audio, video, indices, negatives).loss
    torch.testing.assert_close(*losses)


def test_gradient_stays_out_of_banks_weights_and_targets():
    made, (video, audio, indices, negatives) = objective(), batch()
    queries = [each.requires_grad_() for each in (video, audio)]
    output = made(*queries, indices, negatives)
    output.loss.backward()
    assert all(query.grad.norm() > 0 for query in queries)
    assert not any(value.requires_grad for value in [*made.buffers(), *output.terms.values(), made.weights(indices)])


def test_warm_up_is_plain_xid_for_so_many_epochs():
    made, plain = objective(warmup_epochs=0.5), objective(use_weights=False, softness=0.0)
    losses = []
    for step in range(3):
        made.before_step(step, epoch_steps=4)
        losses.append([each(*batch(step)).loss for each in (made, plain)])
    for warm, same in losses[:2]:
        torch.testing.assert_close(warm, same)
    assert abs(losses[2][0] - losses[2][1]) > 1e-3


def test_statistics_are_of_the_items_seen():
    made, inputs = objective(seen=False), batch()
    # Of nothing seen nothing is known: all weigh alike.
    assert made.weights(inputs[2]).tolist() == [1.0] * 5
    made(*inputs)
    assert made.seen.sum() == 5
    agreement = (made.video_bank.rows * made.audio_bank.rows).sum(1)[inputs[2]]
    torch.testing.assert_close(made.agreement[inputs[2]], agreement)
    z = (agreement - agreement.mean()) / agreement.std() / 0.5**0.5
    torch.testing.assert_close(made.weights(inputs[2]), 0.25 + 0.75 * torch.special.ndtr(z), rtol=1e-4, atol=1e-5)


def test_a_restart_goes_on_bit_for_bit():
    made, restored = objective(warmup_epochs=1), objective(warmup_epochs=1, seed=3)
    made(*batch(0))
    made.before_step(1, epoch_steps=1)
    restored.load_state_dict(made.state_dict())
    for seed in (1, 2):
        assert torch.equal(made(*batch(seed)).loss, restored(*batch(seed)).loss)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"soft_targets": "cyclic"}, "RobustXidObjective.soft_targets: got 'cyclic'; expected one of ('cycle', "),
        ({"softness": 1.5}, "RobustXidObjective.softness: got 1.5; expected 0 to 1."),
        ({"weight_spread": 0.0}, "RobustXidObjective.weight_spread: got 0.0; expected a number above 0."),
        ({"temperature": 0.0}, "RobustXidObjective: got num_negatives=1024, temperature=0.0; expected"),
    ],
)
def test_wrong_settings_are_refused(setting, text):
    with pytest.raises(InvalidValueError) as caught:
        RobustXidObjective(10, **setting)
    assert text in str(caught.value)


def toy_world(seed, pairs, classes=10, shuffled=0.3):
    """Two linear views of a class and of an instance factor; of some pairs the second view is another pair's."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=pairs)
    latent = np.concatenate([rng.normal(size=(classes, 8))[labels], rng.normal(size=(pairs, 8))], 1)
    video, audio = (latent @ rng.normal(size=(16, 32)) / 4 + 0.3 * rng.normal(size=(pairs, 32)) for _ in range(2))
    wrong = rng.choice(pairs, int(shuffled * pairs), replace=False)
    audio[wrong] = audio[np.roll(wrong, 1)]
    views = [torch.from_numpy(view).float() for view in (video, audio)]
    return views, torch.from_numpy(labels), torch.from_numpy(np.isin(np.arange(pairs), wrong))


def trained_in_the_toy_world(seed, pairs, steps=800, **settings):
    """Train two small perceptrons; return video features, labels, agreement and which pairs are shuffled."""
    views, labels, wrong = toy_world(seed, pairs)
    torch.manual_seed(seed)
    networks = [torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 16)) for _ in views]
    made = RobustXidObjective(pairs, 16, num_negatives=64, warmup_epochs=0.1, **settings)
    optimizer = torch.optim.Adam([weight for network in networks for weight in network.parameters()], 1e-3)
    for step in range(steps):
        made.before_step(step, epoch_steps=steps)
        indices = torch.randint(pairs, (64,))
        loss = made(*(network(view[indices]) for network, view in zip(networks, views)), indices).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        features = F.normalize(networks[0](views[0]), dim=1)
    return features, labels, made.agreement, wrong


def test_in_a_toy_world_agreement_tells_shuffled_pairs_and_weights_widen_the_gap():
    gaps = {}
    for use_weights in (False, True):
        _, _, agreement, wrong = trained_in_the_toy_world(0, 2000, use_weights=use_weights, softness=0.0)
        clean, shuffled = agreement[~wrong], agreement[wrong]
        # The share of (clean, shuffled) pairs in the right order is the area under the ROC curve.
        assert (clean[:, None] > shuffled[None, :]).float().mean() > 0.95
        gaps[use_weights] = (clean.mean() - shuffled.mean()).item()
    assert gaps[True] > gaps[False] + 0.05


def test_in_a_toy_world_each_remedy_brings_classes_closer_and_both_do_more():
    remedies = {
        "xid": {"use_weights": False, "softness": 0.0},
        "weights": {"softness": 0.0},
        "targets": {"use_weights": False},
        "both": {},
    }
    accuracy = dict.fromkeys(remedies, 0.0)
    for name, seed in product(remedies, range(3)):
        features, labels, *_ = trained_in_the_toy_world(seed, 1000, **remedies[name])
        similarity = features @ features.T
        similarity.fill_diagonal_(-2)
        nearest = labels[similarity.topk(5).indices]
        accuracy[name] += (nearest.mode(1).values == labels).float().mean().item() / 3
    assert accuracy["xid"] < min(accuracy["weights"], accuracy["targets"])
    assert max(accuracy["weights"], accuracy["targets"]) < accuracy["both"]
