"""What an AVWorld looks and sounds like, validated once."""

from dataclasses import dataclass

from ...errors import InvalidValueError, explain

NUM_CLASSES = 10


@dataclass(frozen=True)
class AVWorldConfig:
    """One world; two worlds with equal configs hold equal clips.

    Attributes:
        seed: Seed of every clip.
        num_classes: Classes of objects in use, 1 to 10.
        num_kinds: Kinds of object in use, each of one class, size and brightness and the same in every split: scenes of
            one kind are clips of one event, and differ in all else. 0 gives every object a size and brightness of its
            own.
        min_objects: Fewest objects in a clip.
        max_objects: Most objects in a clip; their number is uniform between the two.
        duration: Length of a scene in seconds.
        fps: Pictures per second where none is asked for.
        height: Picture height in pixels.
        width: Picture width in pixels.
        sampling_rate: Samples per second of the sound.
        hue_jitter: Half width of an object's hue around that of its class, as a share of the colour circle. With ten
            classes neighbours are 0.1 apart, so the default makes colour a hint and never a proof.
        camera_noise: Standard deviation of the pixel noise, of 1 for white.
        hiss_db: Loudest background noise, in decibels of full scale; the quietest lies 30 dB below.
        off_screen_share: Share of training scenes that sound like another scene, which is never seen. Validation and
            test scenes all sound like themselves.
    """

    seed: int = 0
    num_classes: int = NUM_CLASSES
    num_kinds: int = 0
    min_objects: int = 1
    max_objects: int = 1
    duration: float = 4.0
    fps: float = 16.0
    height: int = 64
    width: int = 64
    sampling_rate: int = 24000
    hue_jitter: float = 0.08
    camera_noise: float = 0.03
    hiss_db: float = -40.0
    off_screen_share: float = 0.0

    def __post_init__(self):
        rules = {
            "seed": (self.seed >= 0, "an integer of at least 0"),
            "num_classes": (1 <= self.num_classes <= NUM_CLASSES, f"1 to {NUM_CLASSES}"),
            "num_kinds": (
                self.num_kinds == 0 or self.num_kinds >= self.num_classes,
                f"0, or at least num_classes={self.num_classes}",
            ),
            "min_objects": (self.min_objects >= 1, "at least 1"),
            "max_objects": (self.max_objects >= self.min_objects, f"at least min_objects={self.min_objects}"),
            "duration": (self.duration > 0, "seconds above 0"),
            "fps": (self.fps > 0, "pictures per second above 0"),
            "height": (self.height >= 16, "at least 16 pixels"),
            "width": (self.width >= 16, "at least 16 pixels"),
            "sampling_rate": (self.sampling_rate >= 8000, "at least 8000 Hz"),
            "hue_jitter": (0 <= self.hue_jitter <= 0.5, "0 to 0.5"),
            "camera_noise": (self.camera_noise >= 0, "at least 0"),
            "hiss_db": (self.hiss_db <= 0, "at most 0 dB"),
            "off_screen_share": (0 <= self.off_screen_share <= 1, "a share, 0 to 1"),
        }
        for field, (holds, rule) in rules.items():
            if not holds:
                raise InvalidValueError(explain(f"AVWorld setting '{field}'", getattr(self, field), rule))
