"""What an AVWorld in 360° looks and sounds like, validated once."""

from dataclasses import dataclass

from ...errors import InvalidValueError, explain
from ..avworld.config import NUM_CLASSES

# An object that moves goes up from its lowest point by at most this many degrees.
MAX_HOP_DEGREES = 15.0


@dataclass(frozen=True)
class AVWorld360Config:
    """One world; two worlds with equal configs hold equal clips.

    Attributes:
        seed: Seed of every clip.
        num_classes: Classes of objects in use, 1 to 10. The objects of a scene are of different classes.
        min_sources: Fewest sounding objects in a scene.
        max_sources: Most sounding objects; their number is uniform between the two.
        max_distractors: Most objects that are seen, never flash and make no sound; their number is uniform from 0.
        moving_share: Chance that an object moves around the listener, and not only flashes where it is.
        unseen_share: Chance that a sounding object is not seen.
        max_elevation_degrees: How far above and below the horizon objects stand, uniform by area.
        duration: Length of a scene in seconds.
        fps: Pictures per second where no times are asked for.
        height: Picture height in pixels; the width is twice that.
        sampling_rate: Samples per second of the sound.
        hue_jitter: Half width of an object's hue around that of its class, as a share of the colour circle.
        camera_noise: Standard deviation of the pixel noise, of 1 for white.
        diffuse_db: Loudest diffuse background noise in W, in decibels of full scale; the quietest lies 30 dB below.
    """

    seed: int = 0
    num_classes: int = NUM_CLASSES
    min_sources: int = 1
    max_sources: int = 1
    max_distractors: int = 0
    moving_share: float = 0.5
    unseen_share: float = 0.0
    max_elevation_degrees: float = 60.0
    duration: float = 4.0
    fps: float = 10.0
    height: int = 112
    sampling_rate: int = 48000
    hue_jitter: float = 0.08
    camera_noise: float = 0.03
    diffuse_db: float = -50.0

    def __post_init__(self):
        objects = self.max_sources + self.max_distractors
        steepest = 90 - MAX_HOP_DEGREES
        rules = {
            "seed": (self.seed >= 0, "an integer of at least 0"),
            "num_classes": (
                objects <= self.num_classes <= NUM_CLASSES,
                f"at least max_sources + max_distractors = {objects}, at most {NUM_CLASSES}",
            ),
            "min_sources": (self.min_sources >= 1, "at least 1"),
            "max_sources": (self.max_sources >= self.min_sources, f"at least min_sources={self.min_sources}"),
            "max_distractors": (self.max_distractors >= 0, "at least 0"),
            "moving_share": (0 <= self.moving_share <= 1, "a share, 0 to 1"),
            "unseen_share": (0 <= self.unseen_share <= 1, "a share, 0 to 1"),
            "max_elevation_degrees": (0 <= self.max_elevation_degrees <= steepest, f"0 to {steepest:g} degrees"),
            "duration": (self.duration > 0, "seconds above 0"),
            "fps": (self.fps > 0, "pictures per second above 0"),
            "height": (self.height >= 16, "at least 16 pixels"),
            "sampling_rate": (self.sampling_rate >= 8000, "at least 8000 Hz"),
            "hue_jitter": (0 <= self.hue_jitter <= 0.5, "0 to 0.5"),
            "camera_noise": (self.camera_noise >= 0, "at least 0"),
            "diffuse_db": (self.diffuse_db <= 0, "at most 0 dB"),
        }
        for field, (holds, rule) in rules.items():
            if not holds:
                raise InvalidValueError(explain(f"AVWorld setting '{field}'", getattr(self, field), rule))

    @property
    def width(self) -> int:
        """Picture width in pixels."""
        return 2 * self.height
