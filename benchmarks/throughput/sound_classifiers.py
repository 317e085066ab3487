"""The classifiers of the ESC protocol on one fold and layer: the published machine and the one on the Gram matrix."""

import numpy as np

from avssl_hub.evaluation.protocols import AvidSound, AvidSoundGram
from avssl_hub.evaluation.protocols.protocol import Clips

from ._measure import Laps, bar, by_turns


def run(layer: str, train: Clips, test: np.ndarray, truth: np.ndarray, rounds: int = 1) -> dict:
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
