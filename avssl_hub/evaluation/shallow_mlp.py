"""A shallow network on frozen features, stopped where it does best on rows that are held out."""

import copy
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 1024
BATCH = 1024
CHECKED_EVERY = 3  # epochs


class Stopped(NamedTuple):
    """A trained network, its accuracy on the held-out rows, 0 to 1, and the epoch it is of."""

    network: nn.Sequential
    accuracy: float
    epoch: int


def fit_shallow_mlp(
    fit: tuple[torch.Tensor, torch.Tensor],
    held: tuple[torch.Tensor, torch.Tensor],
    classes: int,
    *,
    hidden_layers: int,
    learning_rate: float,
    dropout: float,
    patience: int,
    epochs: int,
    seed: int,
) -> Stopped:
    """Train with Adam on the cross-entropy, and keep the weights of the epoch that does best on the held-out rows.

    Args:
        fit: Features (N, D) and labels (N,) to train on, at least two rows.
        held: The same of the rows that are held out.
        classes: Number of classes.
        hidden_layers: Layers before the last; each is linear, then batch norm, dropout and ReLU.
        learning_rate: Of Adam.
        dropout: Share of hidden units left out in training.
        patience: Checks without gain after which training ends.
        epochs: The most there are.
        seed: Of weights, dropout and batches.
    """
    features, labels = fit
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(features.shape[1], classes, hidden_layers, dropout)
        adam = torch.optim.Adam(network.parameters(), learning_rate)
        best, waited = Stopped(network, -1.0, 0), 0
        for epoch in range(1, epochs + 1):
            # Parts of like size: batch norm cannot learn from a last row alone.
            for rows in torch.randperm(len(labels)).tensor_split(-(-len(labels) // BATCH)):
                adam.zero_grad()
                F.cross_entropy(network.train()(features[rows]), labels[rows]).backward()
                adam.step()
            if epoch % CHECKED_EVERY and epoch != epochs:
                continue
            with torch.inference_mode():
                accuracy = (network.eval()(held[0]).argmax(1) == held[1]).double().mean().item()
            if accuracy > best.accuracy:
                best, waited = Stopped(copy.deepcopy(network), accuracy, epoch), 0
            else:
                waited += 1
            if waited == patience:
                break
    return best


def _network(width: int, classes: int, hidden_layers: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(hidden_layers):
        layers += [nn.Linear(width, WIDTH), nn.BatchNorm1d(WIDTH), nn.Dropout(dropout), nn.ReLU()]
        width = WIDTH
    layers.append(nn.Linear(width, classes))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)
