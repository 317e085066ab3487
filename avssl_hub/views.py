"""Views of 360° clips: the same picture and sound as one sees and hears them who faces one way or another (AVSA)."""

from dataclasses import dataclass

import torch

from .audio.ambisonics import face, mono_towards
from .audio.ambisonics.face import TURNS
from .audio.binaural import binauralize
from .errors import unknown_name
from .video.released_views import cut_labels_as_released, cut_pictures_as_released
from .video.views import Views, cut_labels, cut_pictures

PROJECTIONS = ("released", "camera")
# What is heard of a view, and in how many channels.
HEARINGS = {"ambisonics": 4, "mono": 1, "stereo": 2}


@dataclass(frozen=True)
class ViewCutter:
    """Cuts views out of clips, picture and sound alike. The defaults are those of the released training.

    Args:
        size: Height and width of a view in pixels.
        projection: ``"released"`` gives uint8 as the released code does, to the last bit; ``"camera"`` gives floats, is
            differentiable and faster on a GPU, and puts pixels where they belong.
        turns: ``"pitch_first"`` as released, or ``"yaw_first"``, which brings what is in the middle of a view to the
            front of its sound; see ``avssl_hub.audio.ambisonics.face``.
        hearing: ``"ambisonics"`` turns the whole field; ``"mono"`` hears one channel towards the view, which takes no
            turns; ``"stereo"`` what the ears of a head that faces the view hear of the turned field.
        head: Filters ``(4, 2, taps)`` of that head at the rate of the sounds, see ``HeadResponses.filters``.

    Raises:
        UnknownNameError: There is no such projection, order of turns or hearing.
    """

    size: tuple[int, int] = (112, 112)
    projection: str = "released"
    turns: str = "pitch_first"
    hearing: str = "ambisonics"
    head: torch.Tensor | None = None

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("projection of views", self.projection, PROJECTIONS),
            ("order of turns", self.turns, TURNS),
            ("hearing of views", self.hearing, HEARINGS),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)

    def pictures(self, frames: torch.Tensor, views: Views) -> torch.Tensor:
        """Cut views ``(..., K, 4)`` out of frames.

        Args:
            frames: ``(..., T, 3, H, W)``: uint8, or with ``"camera"`` also floats.
            views: K views of each clip, on the device of the frames.

        Returns:
            ``(..., K, T, 3, *size)``: uint8 as released, otherwise floats of the same range as the frames.

        Raises:
            InvalidValueError: The frames are no uint8 where they have to be.
        """
        if self.projection == "released":
            return cut_pictures_as_released(frames, views, self.size)
        return cut_pictures(frames if frames.is_floating_point() else frames.float(), views, self.size)

    def labels(self, labels: torch.Tensor, views: Views) -> torch.Tensor:
        """Cut views out of label maps ``(..., H, W)``; ``(..., K, *size)`` of their type."""
        cut = cut_labels_as_released if self.projection == "released" else cut_labels
        return cut(labels, views, self.size)

    def sounds(self, ambisonics: torch.Tensor, views: Views) -> torch.Tensor:
        """Hear sounds ``(..., 4, samples)`` facing views, in 4, 1 or 2 channels; ``(..., K, channels, samples)``."""
        if self.hearing == "mono":
            return mono_towards(ambisonics, views.azimuth, views.elevation)
        turned = face(ambisonics, views.azimuth, views.elevation, self.turns)
        if self.hearing == "ambisonics":
            return turned
        return binauralize(turned, self.head)[..., : ambisonics.shape[-1]]
