"""Earth mover's distance of many pairs of maps on one set of nodes, exact."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import AvsslError, InvalidValueError, MissingExtraError, explain

try:
    # POT's public function checks and converts its arguments, which takes longer than to solve what is solved here.
    from ot.lp.emd_wrap import emd_c
except ModuleNotFoundError as error:
    raise MissingExtraError(
        explain(
            "earth mover's distance", f"no {error.name}", "the extra 'metrics'", "Run: pip install 'avssl-hub[metrics]'"
        )
    ) from error

SAME_NODE = 1e-9  # a distance of rounding errors
OPTIMAL = 1
MOST_PIVOTS = 100_000  # POT's own limit; maps of 84 nodes take some 150


def earth_movers_distance(first: Tensor, second: Tensor, distances: Tensor) -> Tensor:
    """Least cost of making one map of masses from another, in pyemd's "hat" form for unequal masses.

    That is the least cost of moving as much mass as the lighter map has, and the largest of all distances for each unit
    of mass that the other one has more.

    Args:
        first: Masses ``(..., nodes)``, 0 or more.
        second: Of the same shape.
        distances: ``(nodes, nodes)``, a metric, in which some nodes may lie in the same place.

    Returns:
        ``(...)`` float64 without gradients, in the units of mass times distance.

    Raises:
        InvalidValueError: The shapes do not fit, or a mass is negative or not finite.
        AvsslError: The solver found no plan.

    Example:
        >>> line = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> earth_movers_distance(torch.tensor([3.0, 1.0]), torch.tensor([1.0, 3.0]), line).item()
        2.0
    """
    _check(first, second, distances)
    place, between = _distinct_places(distances)
    surplus = (first.double() - second.double()).detach().cpu() @ place
    excess = surplus.sum(-1)
    # The heavier map has the surplus.
    surplus = torch.where(excess < 0, -1.0, 1.0)[..., None] * surplus
    # The solver tells sums apart that differ by rounding, so mass is counted in shares.
    heaped = surplus.clamp_min(0).sum(-1)
    shares = (surplus / torch.where(heaped > 0, heaped, 1.0)[..., None]).reshape(-1, len(between))
    # What is left over stays where it is, at no cost.
    costs = F.pad(between, (0, 1)).numpy()
    moved = torch.tensor([_least_cost(row, costs) for row in shares.numpy()], dtype=torch.float64)
    return moved.reshape(excess.shape) * heaped + excess.abs() * distances.max().item()


def _distinct_places(distances: Tensor) -> tuple[Tensor, Tensor]:
    """Give the place of each node, ``(nodes, places)`` of 0 and 1, and the distances between places."""
    first_of_place = (distances < SAME_NODE).byte().argmax(1).cpu()
    places, place_of_node = first_of_place.unique(return_inverse=True)
    between = distances.double().cpu()[places][:, places]
    return torch.eye(len(places), dtype=torch.float64)[place_of_node], between


def _least_cost(shares: np.ndarray, costs: np.ndarray) -> float:
    """Cost of filling all hollows (below 0) from heaps (above 0, which add up to 1).

    In a metric what both maps have in one place may stay there, whatever else is moved.

    Args:
        shares: ``(places,)``.
        costs: ``(places, places + 1)`` from a place to each, and to where leftovers go.
    """
    heaps, hollows = (shares > 0).nonzero()[0], (shares < 0).nonzero()[0]
    if not len(hollows):
        return 0.0
    wanted = np.empty(len(hollows) + 1)
    wanted[:-1] = -shares[hollows]
    wanted[-1] = max(1.0 - wanted[:-1].sum(), 0.0)
    to = np.append(hollows, len(shares))
    _, cost, *_, outcome = emd_c(shares[heaps], wanted, costs[heaps].take(to, axis=1), MOST_PIVOTS, 1)
    if outcome != OPTIMAL:
        raise AvsslError(explain("earth mover's distance", f"outcome {outcome} of POT", f"an optimum ({OPTIMAL})"))
    return cost


def _check(first: Tensor, second: Tensor, distances: Tensor) -> None:
    nodes = first.shape[-1:]
    if first.shape != second.shape or distances.shape != (*nodes, *nodes):
        got = f"shapes {tuple(first.shape)}, {tuple(second.shape)} and {tuple(distances.shape)}"
        rule = "(..., nodes) twice and (nodes, nodes)"
        raise InvalidValueError(explain("maps and distances", got, rule))
    for masses in (first, second):
        if not (masses.isfinite() & (masses >= 0)).all():
            raise InvalidValueError(explain("masses", "some below 0 or not finite", "finite ones from 0 on"))
