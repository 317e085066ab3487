"""How fast the earth mover's distance of spatial sound is: from maps, and from sound.

The plain ways go frame by frame over all nodes of the grid: POT's public function, HiGHS on the same linear programme,
and for sound a decoding to every node before POT.
"""

import sys

import numpy as np
import ot
import torch
from scipy.optimize import linprog
from scipy.sparse import identity, kron
from torch import Tensor

from avssl_hub.audio.ambisonics import (
    angle_between,
    decode,
    encode,
    picture_grid,
    power_map,
    unit_vectors,
)
from avssl_hub.evaluation.spatial.direction_distance import LEAST_SUM, direction_distance
from avssl_hub.evaluation.spatial.earth_mover import earth_movers_distance

from ._measure import Laps, bar, by_turns, torch_threads

SAMPLES = 4800
SPEED_UP = 10.0
TOLERANCE = 1e-4
BY_POT, BY_HIGHS, BY_LIBRARY = "maps, POT", "maps, HiGHS", "maps, library"
PLAIN_SOUND, LIBRARY_SOUND = "sound, plain", "sound, library"


def scenes(frames: int) -> Tensor:
    """Make frames of one to three noises from anywhere, in a little diffuse noise: ``(frames, 4, 4800)``."""
    made = []
    for _ in range(frames):
        count = int(torch.randint(1, 4, ()))
        noises = torch.rand(count, 1, dtype=torch.float64) * torch.randn(count, SAMPLES, dtype=torch.float64)
        azimuth, height = torch.pi * (2 * torch.rand(count) - 1), 2 * torch.rand(count) - 1
        made.append(encode(noises, azimuth, height.asin()) + 0.1 * torch.randn(4, SAMPLES, dtype=torch.float64))
    return 0.1 * torch.stack(made)


def hat_by_pot(first: np.ndarray, second: np.ndarray, distances: np.ndarray) -> float:
    """One pair of maps by POT, with a node more that takes what is too much."""
    heavy, light = (first, second) if first.sum() >= second.sum() else (second, first)
    excess = heavy.sum() - light.sum()
    costs = np.hstack([distances, np.zeros((len(heavy), 1))])
    return ot.emd2(heavy, np.append(light, excess), costs) + excess * distances.max()


def hat_by_highs(first: np.ndarray, second: np.ndarray, distances: np.ndarray) -> float:
    """One pair of maps as a general linear programme: a flow between every two nodes."""
    heavy, light = (first, second) if first.sum() >= second.sum() else (second, first)
    nodes, ones = identity(len(heavy)), np.ones((1, len(heavy)))
    plan = linprog(distances.ravel(), kron(nodes, ones), heavy, kron(ones, nodes), light, method="highs")
    return plan.fun + (heavy.sum() - light.sum()) * distances.max()


@torch_threads(1)
def run(rounds: int, frames: int = 64, resolution_degrees: float = 30) -> dict:
    """Measure all ways on one thread.

    Args:
        rounds: How often each runs.
        frames: Pairs of chunks of 0.1 s.
        resolution_degrees: Step of the grid.

    Returns:
        The section of the report.
    """
    azimuth, elevation = picture_grid(resolution_degrees)
    nodes = unit_vectors(azimuth.flatten(), elevation.flatten())
    distances = angle_between(nodes[:, None], nodes)
    pairs = [scenes(frames), scenes(frames)]
    maps = [power_map(sound, azimuth, elevation).flatten(1) / len(nodes) for sound in pairs]
    found = {}

    def one_by_one(name, distance):
        frame_by_frame = zip(*(each.numpy() for each in maps))
        found[name] = torch.tensor([distance(*pair, distances.numpy()) for pair in frame_by_frame])

    def from_sound():
        values = []
        for pair in zip(*pairs):
            decoded = (decode(sound, azimuth.flatten(), elevation.flatten()) for sound in pair)
            heard = [sound.square().mean(-1).sqrt().numpy() for sound in decoded]
            energy = hat_by_pot(*(each / len(nodes) for each in heard), distances.numpy())
            direction = hat_by_pot(*(each / (each.sum() + LEAST_SUM) for each in heard), distances.numpy())
            values.append([energy, direction])
        found[PLAIN_SOUND] = torch.tensor(values)

    def library(name, answer):
        found[name] = answer()

    ways = {
        BY_POT: lambda: one_by_one(BY_POT, hat_by_pot),
        BY_HIGHS: lambda: one_by_one(BY_HIGHS, hat_by_highs),
        BY_LIBRARY: lambda: library(BY_LIBRARY, lambda: earth_movers_distance(*maps, distances)),
        PLAIN_SOUND: from_sound,
        LIBRARY_SOUND: lambda: library(
            LIBRARY_SOUND, lambda: torch.stack(direction_distance(*pairs, resolution_degrees), 1)
        ),
    }
    print("earth mover's distances", file=sys.stderr, flush=True)
    laps = Laps()
    by_turns(ways, rounds, laps)
    return {
        "title": f"Earth mover's distances of spatial sound, grid of {resolution_degrees}°, one thread",
        "setting": {"rounds": rounds, "frames": frames, "nodes": len(nodes)},
        "rows": [{**laps.row(name, f"{frames} frames"), "name": name} for name in ways],
        "figures": _figures(laps, found),
    }


def _figures(laps: Laps, found: dict[str, Tensor]) -> list[dict]:
    figures = []
    for slow, fast in ((BY_POT, BY_LIBRARY), (BY_HIGHS, BY_LIBRARY), (PLAIN_SOUND, LIBRARY_SOUND)):
        wall, cpu = laps.ratio(slow, fast)
        figures.append(bar(f"library over {slow}", wall, SPEED_UP, cpu=cpu))
        difference = (found[slow] - found[fast]).abs().max().item()
        figures.append(bar(f"{slow}: largest difference", difference, TOLERANCE, at_least=False, unit=""))
    return figures
