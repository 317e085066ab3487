"""The earth mover's distance against hand arithmetic, a linear programme on all nodes, and POT's public function."""

import numpy as np
import pytest
import torch

pytest.importorskip("ot", reason="the earth mover's distance needs the extra 'metrics'")
import ot
from scipy.optimize import linprog

from avssl_hub.audio.ambisonics import encode
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.spatial.direction_distance import direction_distance
from avssl_hub.evaluation.spatial.earth_mover import earth_movers_distance


def sphere_points(count: int, seed: int) -> torch.Tensor:
    points = torch.from_numpy(np.random.RandomState(seed).standard_normal((count, 3)))
    return points / points.norm(dim=1, keepdim=True)


def angles(points: torch.Tensor) -> torch.Tensor:
    return (points @ points.T).clamp(-1, 1).arccos().fill_diagonal_(0)


def by_linear_programme(first: np.ndarray, second: np.ndarray, distances: np.ndarray) -> float:
    """All flows between all nodes, those from a node to itself included, that move the lighter map's mass."""
    nodes, least = len(first), min(first.sum(), second.sum())
    leaving, arriving = np.kron(np.eye(nodes), np.ones(nodes)), np.kron(np.ones(nodes), np.eye(nodes))
    bounds = np.concatenate([first, second])
    plan = linprog(
        distances.ravel(), np.vstack([leaving, arriving]), bounds, np.ones((1, nodes * nodes)), [least], method="highs"
    )
    return plan.fun + abs(first.sum() - second.sum()) * distances.max()


def test_mass_moves_by_the_shortest_way_and_its_excess_costs_the_longest():
    line = torch.tensor([[0.0, 1, 3], [1, 0, 2], [3, 2, 0]])
    # One unit goes from the first node to the second.
    assert earth_movers_distance(torch.tensor([2.0, 0, 1]), torch.tensor([1.0, 1, 1]), line).item() == 1
    # Of two units one goes one step; the other is too much, and costs the longest way of 3.
    heavy, light = torch.tensor([2.0, 0, 0]), torch.tensor([0.0, 1, 0])
    assert earth_movers_distance(heavy, light, line).item() == 1 + 3
    assert earth_movers_distance(light, heavy, line).item() == 1 + 3
    # What is nowhere costs nothing to move.
    assert earth_movers_distance(heavy, torch.zeros(3), line).item() == 2 * 3
    assert earth_movers_distance(heavy, heavy, line).item() == 0


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_plans_are_those_of_the_linear_programme_on_all_nodes(factor):
    random = np.random.RandomState(3)
    points = sphere_points(9, seed=4)
    # Two places hold two and three nodes.
    points = points[[0, 1, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8]]
    distances = angles(points)
    maps = factor * random.uniform(0, 1, (2, 6, 12)) * random.choice([0, 1], (2, 6, 12), p=[0.2, 0.8])
    actual = earth_movers_distance(*torch.from_numpy(maps), distances)
    expected = [factor * by_linear_programme(*pair / factor, distances.numpy()) for pair in maps.swapaxes(0, 1)]
    np.testing.assert_allclose(actual, expected, rtol=1e-7)


def test_many_maps_of_equal_mass_match_pots_public_function():
    random = np.random.RandomState(5)
    distances = angles(sphere_points(40, seed=6))
    maps = random.dirichlet(np.full(40, 0.5), (2, 2, 5))
    actual = earth_movers_distance(*torch.from_numpy(maps), distances)
    assert actual.shape == (2, 5)
    expected = [ot.emd2(*pair, distances.numpy()) for pair in maps.reshape(2, 10, 40).swapaxes(0, 1)]
    np.testing.assert_allclose(actual.flatten(), expected, rtol=1e-9)


def test_maps_that_cannot_be_compared_are_refused():
    line = torch.tensor([[0.0, 1], [1, 0]])
    with pytest.raises(InvalidValueError, match=r"got shapes \(3,\), \(2,\) and \(2, 2\); expected \(..., nodes\)"):
        earth_movers_distance(torch.zeros(3), torch.zeros(2), line)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidValueError, match="some below 0 or not finite"):
            earth_movers_distance(torch.tensor([1.0, wrong]), torch.ones(2), line)


def test_a_turned_sound_is_as_far_as_its_maps_say_and_silence_as_far_as_the_longest_way():
    sound = torch.from_numpy(np.random.RandomState(7).standard_normal((1, 4800)))
    ahead, left = (encode(sound, torch.tensor([azimuth]), torch.zeros(1)) for azimuth in (0.0, torch.pi / 2))
    level = sound.square().mean().sqrt()
    turned = direction_distance(left, ahead)
    half_turned = direction_distance(encode(sound, torch.tensor([torch.pi / 4]), torch.zeros(1)), ahead)
    assert 0 < half_turned.direction < turned.direction < torch.pi / 2
    # Towards a node a source has 1 + cos(angle) times its level, and cosines of azimuth add up to 0 around the circle.
    silent = direction_distance(torch.zeros_like(ahead), ahead)
    assert silent.energy.item() == pytest.approx(torch.pi * level.item(), rel=1e-6)
    assert silent.direction.item() == pytest.approx(torch.pi, rel=1e-3)


def test_a_resolution_that_does_not_divide_the_sphere_is_refused():
    with pytest.raises(InvalidValueError, match="grid resolution: got 50"):
        direction_distance(torch.zeros(4, 10), torch.zeros(4, 10), 50)
