"""How large and how long a film may be."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidValueError, explain
from ..media import probe

MEGABYTE = 2**20  # as browsers and Gradio count


@dataclass(frozen=True)
class Limits:
    """Bounds of what the page takes.

    Attributes:
        megabytes: Size of a film, in units of ``MEGABYTE`` bytes.
        seconds: Length of a film.

    Raises:
        InvalidValueError: One is not positive.
    """

    megabytes: int = 200
    seconds: float = 120.0

    def __post_init__(self):
        for name, value in vars(self).items():
            if not value > 0:
                raise InvalidValueError(explain(f"most {name} of a film", value, "a number above 0"))

    def check(self, film: Path) -> None:
        """Refuse a film before any work.

        Raises:
            InvalidValueError: It is gone, or too large or too long.
            MediaOpenError: It is no film.
        """
        if not film.is_file():
            raise InvalidValueError(
                explain("film", "one that was removed meanwhile", "one that is here", "Drop it again.")
            )
        size = film.stat().st_size / MEGABYTE
        if size > self.megabytes:
            raise self._beyond(film, f"{size:.1f} MB", f"at most {self.megabytes} MB")
        length = probe(film).duration
        if length > self.seconds:
            raise self._beyond(film, f"{length:.1f} s", f"at most {self.seconds:g} s")

    @staticmethod
    def _beyond(film: Path, got: str, expected: str) -> InvalidValueError:
        return InvalidValueError(explain(f"film {film.name!r}", got, expected, "Cut a piece out of it."))
