"""How the classes sound: one timbre a class, in the order of the looks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timbre:
    """A struck note as a sum of decaying partials, optionally modulated.

    Attributes:
        partials: (frequency ratio, level, decay per second) of each.
        attack: Seconds until full level.
        glide: Relative rise of the pitch per second.
        fm_ratio: Frequency ratio of the modulator.
        fm_index: Depth of frequency modulation in radians.
        tremolo_hertz: Beats of the level per second.
        roughness: Noise values per cycle that multiply the tone; 0 keeps it pure.
    """

    partials: tuple[tuple[float, float, float], ...]
    attack: float = 0.002
    glide: float = 0.0
    fm_ratio: float = 0.0
    fm_index: float = 0.0
    tremolo_hertz: float = 0.0
    roughness: float = 0.0


TIMBRES = (
    # bell: inharmonic, long
    Timbre(partials=((1.0, 1.0, 6.0), (2.76, 0.6, 8.0), (5.4, 0.4, 12.0), (8.93, 0.2, 18.0))),
    # plucked string: all harmonics, the higher the shorter
    Timbre(partials=tuple((k, 1 / k, 5.0 + 4.0 * k) for k in range(1, 7))),
    # square buzz: odd harmonics, hardly decaying
    Timbre(partials=tuple((k, 1 / k, 2.0) for k in (1, 3, 5, 7, 9))),
    # burst of noise
    Timbre(partials=((1.0, 1.0, 14.0),), roughness=1.0),
    # rising chirp
    Timbre(partials=((1.0, 1.0, 7.0),), glide=6.0),
    # frequency modulation
    Timbre(partials=((1.0, 1.0, 6.0),), fm_ratio=1.4, fm_index=4.0),
    # falling drop
    Timbre(partials=((2.0, 1.0, 8.0),), glide=-2.2),
    # wood block: two partials, very short
    Timbre(partials=((1.0, 1.0, 40.0), (4.0, 0.5, 60.0))),
    # trill
    Timbre(partials=((1.0, 1.0, 4.0), (2.0, 0.5, 4.0)), tremolo_hertz=28.0),
    # soft flute: slow attack
    Timbre(partials=((1.0, 1.0, 3.0), (2.0, 0.2, 3.0)), attack=0.12),
)
