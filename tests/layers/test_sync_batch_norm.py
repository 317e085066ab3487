"""Batch normalisation over two processes against plain batch normalisation of the whole batch."""

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from avssl_hub import AvidConfig, AvidModel
from avssl_hub.layers.sync_batch_norm import SyncBatchNorm, synchronize_batch_norm
from avssl_hub.objectives import AvidObjective

WORLD, BATCH, STEPS, ITEMS = 2, 8, 20, 30


def noise(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normalized(norm, rows):
    """Output, gradient and statistics of one training pass over ``rows`` of a fixed batch."""
    inputs = noise(BATCH, 3, 4, 5, seed=0)[rows].mul(3).add(2).requires_grad_()
    output = norm(inputs)
    (output * noise(BATCH, 3, 4, 5, seed=1)[rows]).sum().backward()
    return [output.detach(), inputs.grad, norm.running_mean, norm.running_var, norm.weight.grad, norm.bias.grad]


def trained(rows, wrap):
    """Weights and losses of AVID training, in float64: ties in max pools then do not hang on rounding."""
    torch.manual_seed(0)
    sizes = [4, 4, 8, 8]
    model = AvidModel(AvidConfig(10, video_hidden_sizes=sizes, audio_hidden_sizes=sizes, projection_sizes=8))
    synchronize_batch_norm(model)
    model = wrap(model.double())
    objective = AvidObjective(ITEMS, 8, num_negatives=6).double()
    optimizer = torch.optim.Adam(model.parameters(), 2e-3, weight_decay=1e-5)
    losses = []
    for step in range(STEPS):
        video, audio = noise(BATCH, 4, 3, 32, 32, seed=2 * step), noise(BATCH, 1, 32, 33, seed=2 * step + 1)
        indices = (torch.arange(BATCH) + 3 * step) % ITEMS
        negatives = (indices[:, None] + 1 + torch.arange(6)) % ITEMS
        output = model(video[rows], audio[rows])
        loss = objective(output.video_embeds, output.audio_embeds, indices[rows], negatives[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return {**model.state_dict(), "losses": torch.stack(losses)}


def run_rank(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=WORLD)
    rows = slice(rank, None, WORLD)
    layer = normalized(SyncBatchNorm(3).double(), rows)
    torch.save({"layer": layer, "training": trained(rows, DistributedDataParallel)}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_normalise_and_train_as_one(tmp_path):
    mp.spawn(run_rank, (str(tmp_path),), nprocs=WORLD)
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]

    whole = normalized(nn.BatchNorm2d(3).double(), slice(None))
    output, gradient, mean, variance, weight, bias = zip(*(rank["layer"] for rank in ranks))
    for parts, expected in ((output, whole[0]), (gradient, whole[1])):
        torch.testing.assert_close(torch.stack(parts, 1).flatten(0, 1), expected)
    for parts, expected in ((mean, whole[2]), (variance, whole[3])):
        torch.testing.assert_close(parts[0], expected)
        torch.testing.assert_close(parts[1], expected)
    for parts, expected in ((weight, whole[4]), (bias, whole[5])):
        torch.testing.assert_close(sum(parts), expected)

    one = trained(slice(None), lambda model: model)
    losses = sum(rank["training"].pop("losses") for rank in ranks) / WORLD
    torch.testing.assert_close(losses, one.pop("losses"), rtol=0, atol=1e-5)
    for rank in ranks:
        for name, value in one.items():
            torch.testing.assert_close(rank["training"][f"module.{name}"], value, rtol=0, atol=1e-5)


def test_alone_or_in_evaluation_it_is_plain_batch_normalisation():
    ours, plain = SyncBatchNorm(3), nn.BatchNorm3d(3)
    inputs = noise(4, 3, 2, 5, 5, seed=0).float()
    for train in (True, False):
        torch.testing.assert_close(ours.train(train)(inputs), plain.train(train)(inputs), rtol=0, atol=0)
    assert ours.state_dict().keys() == plain.state_dict().keys()


def test_conversion_keeps_names_and_values():
    model = AvidModel(AvidConfig(10, video_hidden_sizes=[4] * 4, audio_hidden_sizes=[4] * 4, projection_sizes=4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    synchronize_batch_norm(model)
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert norms
    assert all(isinstance(norm, SyncBatchNorm) for norm in norms)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
