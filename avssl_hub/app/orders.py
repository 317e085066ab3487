"""What is done to a film, in the process that may not survive it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .abilities import Ability, Shown, Tick
from .limits import Limits


@dataclass(frozen=True)
class Order:
    """A piece of work.

    Attributes:
        ability: What is asked.
        model: Name of the model.
        device: Where it runs.
        film: The film.
        limits: What a film may be.
        folder: Empty; for what comes of it.
    """

    ability: Ability
    model: str
    device: str
    film: Path
    limits: Limits
    folder: Path


def carry_out(order: Order, tick: Tick) -> Shown:
    """Show what a model makes of a film.

    Raises:
        AvsslError: The film is beyond the limits, or what the pipelines raise.
    """
    order.limits.check(order.film)
    tick(0, 1, "loading the model")
    pipe = _pipe(order.ability.load, order.model, order.device)
    tick(0, 1, "opening the film")
    shown = order.ability.show(pipe, order.film, order.folder, tick)
    tick(1, 1, "done")
    return shown


# The last model stays at hand.
@lru_cache(maxsize=1)
def _pipe(load: Callable[[str, str], Any], model: str, device: str) -> Any:
    return load(model, device)
