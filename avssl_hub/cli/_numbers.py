"""Numbers with commas between them, as options take them."""

from collections.abc import Sequence
from math import radians


def channel_numbers(text: str | None) -> list[int] | None:
    """Read ``--channels``.

    Raises:
        InvalidValueError: They are no whole numbers.
    """
    from ..errors import InvalidValueError, explain

    try:
        return None if text is None else [int(number) for number in text.split(",")]
    except ValueError:
        expected = "four numbers with commas between them"
        raise InvalidValueError(explain("--channels", repr(text), expected)) from None


def directions(texts: Sequence[str]) -> list[tuple[float, float]] | None:
    """Read ``--look`` options, in degrees, as azimuths and elevations in radians; None of none.

    Raises:
        InvalidValueError: One is no pair of numbers.
    """
    from ..errors import InvalidValueError, explain

    found = []
    for text in texts:
        try:
            azimuth, elevation = map(float, text.split(","))
        except ValueError:
            expected = "azimuth and elevation in degrees with a comma between them, such as 90,0"
            raise InvalidValueError(explain("--look", repr(text), expected)) from None
        found.append((radians(azimuth), radians(elevation)))
    return found or None
