"""Models of views (AVSA) as encoders of ordinary video, and of sound from one microphone."""

from typing import Any

import torch

from .. import zoo
from .._loading import read_config
from ..models.avid import AvidProcessor
from ..models.avsa import AvsaConfig, AvsaProcessor
from ..video.views import Views
from .encoder import Encoded, Modality
from .zoo_encoder import CROPPED, ZooEncoder


class OrdinaryClips:
    """What a model of views makes of recordings that are not of 360 degrees.

    A picture is one view, cut as AVID's, which is how the paper's action recognition has it. Sound is W alone, with
    silence in Y, Z and X: it comes from everywhere at once, since it does not say from where. The paper has no such
    sound, and the network was trained on none.

    Args:
        views: The model's own processor.
        crop_size: Side of a picture in pixels; that of a view by default.
        resize_size: Shorter side before the crop.
        keep_aspect_ratio: False resizes to a square first.
    """

    def __init__(
        self,
        views: AvsaProcessor,
        crop_size: int | None = None,
        resize_size: int | None = None,
        keep_aspect_ratio: bool = True,
    ):
        self.views = views
        self.crop_size = views.view_size if crop_size is None else crop_size
        self.resize_size = int(self.crop_size / CROPPED) if resize_size is None else resize_size
        self.keep_aspect_ratio = keep_aspect_ratio
        self.num_frames, self.fps = views.num_frames, views.fps
        self.image_mean, self.image_std = views.image_mean, views.image_std
        self._flat = AvidProcessor(
            self.num_frames,
            self.fps,
            self.crop_size,
            self.resize_size,
            keep_aspect_ratio,
            self.image_mean,
            self.image_std,
        )
        # W is the same from every side.
        self._front = Views(views.around_horizon().rows[:1])
        self.sampling_rate, self.audio_duration = views.sampling_rate, views.audio_duration

    @property
    def video_duration(self) -> float:
        """Seconds of picture in a clip."""
        return self.views.video_duration

    def __call__(
        self,
        videos: list[torch.Tensor] | None = None,
        audio: list[torch.Tensor] | None = None,
        sampling_rate: int | None = None,
    ) -> dict[str, torch.Tensor]:
        """Prepare frames ``(T, H, W, 3)`` uint8, or sounds ``(n,)`` at the model's rate, as one view each."""
        if videos is not None:
            return {"pixel_values_videos": self._flat(videos=videos)["pixel_values_videos"]}
        fields = [torch.stack([sound, *[torch.zeros_like(sound)] * 3]) for sound in audio]
        heard = self.views(audio=fields, sampling_rate=sampling_rate, views=self._front)
        return {"input_features": heard["input_features"][:, 0]}

    def to_dict(self) -> dict[str, Any]:
        """Tell all settings."""
        picture = {name: getattr(self, name) for name in ("crop_size", "resize_size", "keep_aspect_ratio")}
        return {**self.views.to_dict(), **picture}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "OrdinaryClips":
        """Make it of such."""
        own = {name: settings[name] for name in ("crop_size", "resize_size", "keep_aspect_ratio")}
        views = {name: value for name, value in settings.items() if name not in own}
        return cls(AvsaProcessor.from_dict(views), **own)


class ViewEncoder(ZooEncoder):
    """A model of views; its features are those of the towers, before any head. See :class:`ZooEncoder`."""

    def _take(self, processor: AvsaProcessor | OrdinaryClips) -> None:
        super()._take(OrdinaryClips(processor) if isinstance(processor, AvsaProcessor) else processor)

    def encode(self, inputs: dict[str, torch.Tensor], modality: Modality) -> Encoded:
        tower = self.model.hear if modality == "audio" else self.model.see
        maps, pooled = tower(**inputs)
        return Encoded(pooled, maps)


def load_encoder(name: str, random_weights: bool = False, trainable: bool = False, **options: Any) -> ZooEncoder:
    """Load a model of this zoo as the kind of encoder that it is; see :class:`ZooEncoder`.

    Raises:
        AvsslError: As :func:`avssl_hub.load` raises.
    """
    family = read_config(zoo.resolve(name, weights=False)).get("model_type")
    kind = ViewEncoder if family == AvsaConfig.model_type else ZooEncoder
    return kind(name, random_weights, trainable, **options)
