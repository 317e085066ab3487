"""AVC and AVTS, the baselines, against their formulas in NumPy; and that they learn what they are for."""

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.objectives import AvcObjective, AvtsObjective


def embeddings(batch, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, dim)).astype(np.float32)


def test_avc_is_the_cross_entropy_of_own_and_of_mismatched_pairs():
    objective = AvcObjective(dim=4, hidden_size=5)
    video, audio = embeddings(3, 4), embeddings(3, 4, seed=1)
    parameters = [parameter.detach().numpy() for parameter in objective.parameters()]
    losses, right = [], []
    for clip in range(3):
        for match, partner in ((1, clip), (0, (clip - 1) % 3)):
            pair = np.concatenate([video[clip], audio[partner]])
            hidden = np.maximum(parameters[0] @ pair + parameters[1], 0)
            logits = parameters[2] @ hidden + parameters[3]
            losses.append(np.log(np.exp(logits).sum()) - logits[match])
            right.append(logits.argmax() == match)
    loss, terms = objective(torch.from_numpy(video), torch.from_numpy(audio), torch.arange(3))
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert terms["accuracy"].item() == pytest.approx(np.mean(right))


def test_avc_learns_to_tell_pairs_that_share_a_sign():
    torch.manual_seed(0)
    objective = AvcObjective(dim=1, hidden_size=16)
    optimizer = torch.optim.Adam(objective.parameters(), 0.02)
    signs = torch.tensor([[1.0], [-1.0]]).repeat(8, 1)
    for _ in range(200):
        loss, terms = objective(signs, signs, torch.arange(16))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert terms["accuracy"] == 1


@pytest.mark.parametrize(("hard_share", "hard_pairs"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_avts_draws_pairs_in_time_together_and_pushes_others_to_the_margin(hard_share, hard_pairs):
    objective = AvtsObjective(margin=3.0, hard_share=hard_share)
    video, audio, shifted = (embeddings(4, 5, seed) for seed in range(3))
    matching = np.linalg.norm(video - audio, axis=1)
    easy = np.linalg.norm(video - np.roll(audio, 1, axis=0), axis=1)
    hard = np.linalg.norm(video - shifted, axis=1)
    mismatched = np.where(np.arange(4) < hard_pairs, hard, easy)
    expected = (matching**2 + np.maximum(3 - mismatched, 0) ** 2).mean() / 2
    sounds = torch.from_numpy(np.concatenate([audio, shifted]))
    loss, terms = objective(torch.from_numpy(video), sounds, torch.arange(4))
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    for name, value in (("matching", matching), ("easy", easy), ("hard", hard)):
        assert terms[f"{name}_distance"].item() == pytest.approx(value.mean(), rel=1e-5)


def test_hard_pairs_come_in_after_the_easy_epochs():
    late, never = AvtsObjective(hard_share=1.0, easy_epochs=0.5), AvtsObjective(hard_share=0.0)
    video, audio = torch.from_numpy(embeddings(4, 5)) / 9, torch.from_numpy(embeddings(8, 5, seed=1)) / 9
    losses = []
    for step in range(3):
        late.before_step(step, epoch_steps=4)
        losses.append([each(video, audio, torch.arange(4)).loss.item() for each in (late, never)])
    assert [loss == same for loss, same in losses] == [True, True, False]


def test_batches_that_cannot_be_used_are_refused():
    one, two = torch.zeros(1, 4), torch.zeros(2, 4)
    with pytest.raises(InvalidValueError, match="AVC batch: got 1 clip on a process; expected at least 2"):
        AvcObjective(4)(one, one, torch.arange(1))
    with pytest.raises(InvalidValueError, match="AVTS audio embeddings: got 2; expected 4: for each clip its sound in"):
        AvtsObjective()(two, two, torch.arange(2))
    with pytest.raises(InvalidValueError, match=r"AvtsObjective.hard_share: got 1.5; expected 0 to 1"):
        AvtsObjective(hard_share=1.5)
