"""The classifiers of the ESC protocol on one fold and layer: the published machine and the one on the Gram matrix."""

from pathlib import Path

import numpy as np
import torch

from avssl_hub.evaluation.features import FeatureStore, extract
from avssl_hub.evaluation.protocols import AvidSound, AvidSoundGram
from avssl_hub.evaluation.protocols.protocol import Clips
from avssl_hub.evaluation.zoo_encoder import ZooEncoder

from .._data import load_data
from .._tasks import load_task
from ._measure import Laps, bar, by_turns


def run(place: Path, folder: Path, model: str = "avid.kinetics", layer: str = "conv5x") -> dict:
    """Train both once on the first fold of ESC-10, on features of a network with random weights.

    Args:
        place: The copy of ESC-10, or of a part of it.
        folder: Keeps the features.
        model: The network, by its name in the catalogue.
        layer: Whose features.

    Returns:
        The section of the report.
    """
    data, protocol = load_data(load_task("esc10"), place, None, allow_missing=True), AvidSound()
    torch.manual_seed(0)
    encoder = ZooEncoder(model, random_weights=True, batch_size=protocol.clips)
    store = FeatureStore(folder, {})
    keys = extract(data.manifest, encoder, protocol, "audio", store).keys
    split = data.splits[0]
    train = store.load([keys[row] for row in split.train], f"train.{layer}")
    test = store.load([keys[row] for row in split.test], f"test.{layer}")
    clips = Clips(train, data.labels[split.train], data.groups[split.train])
    return compare(layer, clips, test, data.labels[split.test])


def compare(layer: str, train: Clips, test: np.ndarray, truth: np.ndarray, rounds: int = 1) -> dict:
    """Train both on the same features, by turns.

    Args:
        layer: What the report calls the features.
        train: What to train on.
        test: Features of the test recordings, (recordings, clips, D).
        truth: (recordings,) their classes.
        rounds: How often each is trained.

    Returns:
        The section of the report.
    """
    protocols = {protocol.name: protocol for protocol in (AvidSound(), AvidSoundGram())}
    accuracy = {}

    def trained(name: str):
        answer = protocols[name].answer(train, test, 0)
        accuracy[name] = float((answer.ranked[0, :, 0] == truth).mean())

    laps = Laps()
    by_turns({name: lambda name=name: trained(name) for name in protocols}, rounds, laps)
    published, gram = protocols
    wall, cpu = laps.ratio(published, gram)
    clips, width = train.features.shape[0] * train.features.shape[1], train.features.shape[2]
    return {
        "title": f"Classifiers of the ESC protocol, one fold of {layer}, {clips:,} clips × {width:,}",
        "setting": {"rounds": rounds, "clips": clips, "dimensions": width},
        "rows": [laps.row(name, "fold") for name in protocols],
        "figures": [
            bar("Gram matrix over the published machine, which it is not the same as", wall, None, cpu=cpu),
            *(bar(f"accuracy of {name}", value, None, unit="") for name, value in accuracy.items()),
        ],
    }
