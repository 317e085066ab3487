"""Films whose sound lies in a file of its own, as in YT-360: ``video/NAME.mp4`` and ``audio/NAME.m4a``."""

from pathlib import Path

SOUND_SUFFIX = ".m4a"


def sound_beside(film: Path) -> Path | None:
    """Find the sound of a film: of the same name, beside it, or in ``audio`` beside its folder ``video``."""
    name = film.stem + SOUND_SUFFIX
    places = [film.with_name(name)]
    if film.parent.name == "video":
        places.append(film.parent.with_name("audio") / name)
    return next((place for place in places if place != film and place.is_file()), None)
