"""What is said to who asked, whatever happened to the film."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import AvsslError
from .abilities import Ability, Tick
from .work import Cancelled, Workshop

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the page shows.

    Attributes:
        kind: Whether it came out well; a note leaves what was shown before.
        lines: In words.
        files: One an output of the ability; None where there is nothing to show.
    """

    kind: Literal["done", "note", "error"]
    lines: tuple[str, ...]
    files: tuple[Path | None, ...]


def answer(workshop: Workshop, session: str, ability: Ability, model: str, film: Path | None, tick: Tick) -> Answer:
    """Run as ``Workshop.run``, and put into words what came of it; raises nothing.

    Args:
        workshop: Does the work.
        session: Who asks.
        ability: What is asked.
        model: Name of the model.
        film: The film; None if none was given.
        tick: Called as the work goes on.
    """
    nothing = (None,) * len(ability.outputs)
    if film is None:
        return Answer("error", ("No film yet: drop one above, or take an example.",), nothing)
    try:
        shown = workshop.run(session, ability, model, film, tick)
    except Cancelled:
        return Answer("note", ("Cancelled.",), nothing)
    except AvsslError as error:
        return Answer("error", (str(error).replace(str(film), film.name),), nothing)
    except Exception as error:
        # Whatever a film does to a decoder or a model, the page goes on.
        _logger.exception("working on %s failed", film.name)
        return Answer("error", (f"An error of this program: {type(error).__name__}: {error}",), nothing)
    first, *rest = shown.lines
    return Answer("done", (f"{model} on {film.name}: {first}", *rest), shown.files)
