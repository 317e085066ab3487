"""Where a run's log goes beside its own record: Accelerate's trackers, by name."""

from collections.abc import Sequence

from ..errors import explain, unknown_name
from ._recipe_error import RecipeError


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that there are not.

    Raises:
        RecipeError: A name is unknown, or what it stands for is not installed.
    """
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

    known = [str(name) for name in LOGGER_TYPE_TO_CLASS]
    for name in names:
        if name not in known:
            raise RecipeError(unknown_name("tracker in recipe key 'loop.trackers'", name, known))
        if name not in map(str, get_available_trackers()):
            step = f"Install {name}, or set loop.trackers=[]."
            raise RecipeError(explain("recipe key 'loop.trackers'", f"{name}, which is not installed", "another", step))
