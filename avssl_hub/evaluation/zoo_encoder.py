"""Models of this zoo as encoders."""

from copy import copy
from typing import Any

import torch

from ..errors import InvalidValueError, explain
from .encoder import Encoded, Encoder, Modality
from .zoo_network import zoo_network

# Share of the shorter side that a central crop keeps.
CROPPED = 0.875


class ZooEncoder(Encoder):
    """A model whose output has ``<modality>_pooled`` and ``<modality>_hidden_states``.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        random_weights: Draw the weights anew in place of loading them; none need to be here then.
        trainable: Leave the network as it is, in place of bringing it into its fastest form for a CPU, which is
            in place and ends training.
        **options: Those of :class:`Encoder`.

    Raises:
        AvsslError: As :func:`avssl_hub.load` raises.
    """

    modalities = ("audio", "video")

    def __init__(self, name: str, random_weights: bool = False, trainable: bool = False, **options):
        network = zoo_network(name, random_weights)
        super().__init__(network.model, **options)
        self._take(network.processor)
        self.pretrain_data, self.weights_sha256 = network.pretrain_data, network.weights_sha256
        if not trainable and self.device.type == "cpu" and hasattr(self.model, "optimize_for_inference"):
            self.model.optimize_for_inference()

    def _take(self, processor: Any) -> None:
        self.processor = processor
        self.sampling_rate, self.audio_duration = processor.sampling_rate, processor.audio_duration
        self.fps, self.num_frames = processor.fps, processor.num_frames

    def with_clips(self, frames=None, fps=None, size=None, keep_aspect_ratio=None):
        other = {"num_frames": frames, "fps": fps, "crop_size": size, "keep_aspect_ratio": keep_aspect_ratio}
        if size is not None:
            other["resize_size"] = int(size / CROPPED)
        changed = {name: value for name, value in other.items() if value is not None}
        for name in changed:
            if not hasattr(self.processor, name):
                got, rule = f"{name} for {type(self.processor).__name__}", "a setting that it has"
                raise InvalidValueError(explain(f"clips of {type(self.model).__name__}", got, rule))
        encoder = copy(self)
        encoder._take(type(self.processor).from_dict({**self.processor.to_dict(), **changed}))
        return encoder

    @property
    def video_duration(self) -> float:
        return self.processor.video_duration

    def prepare(self, clips: list[torch.Tensor], modality: Modality) -> dict[str, torch.Tensor]:
        if modality == "audio":
            return {"input_features": self.processor(audio=clips, sampling_rate=self.sampling_rate)["input_features"]}
        return {"pixel_values_videos": self.processor(videos=clips)["pixel_values_videos"]}

    def encode(self, inputs: dict[str, torch.Tensor], modality: Modality) -> Encoded:
        output = self.model(**inputs, output_hidden_states=True)
        pooled = getattr(output, f"{modality}_pooled", None)
        if pooled is None:
            got = f"{type(output).__name__} without {modality}_pooled"
            raise InvalidValueError(explain(f"output of {type(self.model).__name__}", got, "a model that returns it"))
        maps = getattr(output, f"{modality}_hidden_states", None) or ()
        return Encoded(pooled, maps, getattr(output, f"{modality}_embeds", None))
