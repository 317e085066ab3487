"""Two processes: every rank applies the updates of all, so the banks never part, and the loss is the whole batch's."""

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from avssl_hub.objectives import AvidObjective, RobustXidObjective, find_positive_sets

WORLD = 2
# Each rank's share of a batch dealt out in turn: 1, 4, 4, 2, 7, 9. Of item 4 the later row, the first rank's, is kept.
INDICES = torch.tensor([[1, 4, 7], [4, 2, 9]])


def embeddings():
    return torch.randn(2, WORLD, 3, 8, generator=torch.Generator().manual_seed(0))


def run_rank(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=WORLD)
    objective = AvidObjective(12, dim=8, num_negatives=6, seed=5)
    video, audio = embeddings()[:, rank]
    negatives = (INDICES[rank, :, None] + 1 + torch.arange(6)) % 12
    objective(video, audio, INDICES[rank], negatives)
    torch.save(objective.state_dict(), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_banks_and_constant_are_alike_on_all_ranks_and_hold_all_updates(tmp_path):
    mp.spawn(run_rank, (str(tmp_path),), nprocs=WORLD)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD))
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, rtol=0, atol=0)

    start = AvidObjective(12, dim=8, seed=5).state_dict()
    queries = torch.nn.functional.normalize(embeddings(), dim=-1).numpy()
    for modality, name in enumerate(("video_bank.rows", "audio_bank.rows")):
        expected = start[name].numpy().copy()
        for item, rank, position in ((1, 0, 0), (7, 0, 2), (4, 0, 1), (2, 1, 1), (9, 1, 2)):
            mixed = 0.5 * start[name].numpy()[item] + 0.5 * queries[modality, rank, position]
            expected[item] = mixed / np.linalg.norm(mixed)
        np.testing.assert_allclose(first[name], expected, atol=1e-6)

    bank = start["audio_bank.rows"].numpy()
    per_rank = []
    for rank in range(WORLD):
        negatives = (INDICES[rank, :, None].numpy() + 1 + np.arange(6)) % 12
        scores = np.einsum("bd,bkd->bk", queries[0, rank], bank[negatives]) / 0.07
        per_rank.append(np.exp(scores).mean())
    np.testing.assert_allclose(first["criterion.partition"], np.mean(per_rank), rtol=1e-5)


def robust_objective():
    objective = RobustXidObjective(12, dim=8, num_negatives=6, seed=5)
    objective.seen.fill_(True)
    return objective


def run_robust_rank(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=WORLD)
    objective = robust_objective()
    queries = embeddings()[:, rank].clone().requires_grad_()
    negatives = (INDICES[rank, :, None] + 1 + torch.arange(6)) % 12
    loss = objective(*queries, INDICES[rank], negatives).loss
    loss.backward()
    sets = find_positive_sets(objective.video_bank.rows, objective.audio_bank.rows, 3)
    state = {**objective.state_dict(), "loss": loss.detach(), "gradient": queries.grad, "sets": sets}
    torch.save(state, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_robust_loss_gradient_and_state_are_those_of_one_process_with_the_whole_batch(tmp_path):
    mp.spawn(run_robust_rank, (str(tmp_path),), nprocs=WORLD)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD))
    one = robust_objective()
    queries = embeddings().transpose(1, 2).flatten(1, 2).requires_grad_()
    indices = INDICES.T.flatten()
    loss = one(*queries, indices, (indices[:, None] + 1 + torch.arange(6)) % 12).loss
    loss.backward()
    torch.testing.assert_close((first["loss"] + second["loss"]) / 2, loss.detach(), rtol=0, atol=1e-6)
    # Averaged over ranks, as data parallel training does, a rank's gradient counts half.
    gradient = torch.stack([first["gradient"], second["gradient"]], 2).flatten(1, 2) / 2
    torch.testing.assert_close(gradient, queries.grad, rtol=0, atol=1e-6)
    for name, value in one.state_dict().items():
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-6)


def test_ranks_share_the_search_for_positives_and_all_get_the_whole(tmp_path):
    mp.spawn(run_robust_rank, (str(tmp_path),), nprocs=WORLD)
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]
    alone = find_positive_sets(found[0]["video_bank.rows"], found[0]["audio_bank.rows"], 3)
    for each in found:
        assert torch.equal(each["sets"], alone)
