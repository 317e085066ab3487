"""What the page can show, one module a question; the order is that of the page."""

from .ability import Ability, Output, Shown, Tick
from .directions import DIRECTIONS
from .heat import HEAT
from .orientation import ORIENTATION
from .parts import SCREEN, VOICES
from .similarity import SIMILARITY
from .synchrony import SYNCHRONY

ABILITIES: tuple[Ability, ...] = (SIMILARITY, HEAT, SYNCHRONY, SCREEN, VOICES, DIRECTIONS, ORIENTATION)

__all__ = ["ABILITIES", "SIMILARITY", "Ability", "Output", "Shown", "Tick"]
