"""The multisensory networks as encoders: they look at picture and sound at once."""

import torch

from ..media import MediaReader
from ..models.multisensory import (
    MultisensoryForAlignment,
    MultisensoryForVideoClassification,
    MultisensoryModel,
)
from .encoder import Encoded, Encoder, Modality, Scene
from .zoo_network import zoo_network


class SceneEncoder(Encoder):
    """A multisensory network by its pooled features, and the scores of its classes if it was fine-tuned.

    A recording without sound is taken by its picture alone, as the network does it.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        random_weights: Draw the weights anew in place of loading them; none need to be here then.
        **options: Those of :class:`Encoder`.

    Raises:
        InvalidValueError: The model is of another kind.
        AvsslError: As :func:`avssl_hub.load` raises.
    """

    modalities = ("both",)

    def __init__(self, name: str, random_weights: bool = False, **options):
        kinds = (MultisensoryModel, MultisensoryForAlignment, MultisensoryForVideoClassification)
        network = zoo_network(name, random_weights, "features", kinds)
        model, processor = network.model, network.processor
        super().__init__(model, processor, **options)
        self.sampling_rate, self.audio_duration = processor.sampling_rate, processor.video_duration
        self.fps, self.num_frames = processor.fps, processor.num_frames
        self.pretrain_data, self.weights_sha256 = network.pretrain_data, network.weights_sha256
        if isinstance(model, MultisensoryForVideoClassification):
            names = model.config.id2label
            self.classes = tuple(names[index] for index in sorted(names))
        if self.device.type == "cpu":
            # The model is of our own: the change is in place and ends training.
            self.model.optimize_for_inference()

    def read_scene(self, reader: MediaReader, start: float) -> Scene:
        return Scene(*self.processor.read_clip(reader, start))

    def prepare(self, clips: list[Scene], modality: Modality) -> dict[str, torch.Tensor]:
        frames, sounds = ([getattr(clip, name) for clip in clips] for name in Scene._fields)
        return dict(self.processor(videos=frames, audio=sounds, sampling_rate=self.sampling_rate))

    def encode(self, inputs: dict[str, torch.Tensor], modality: Modality) -> Encoded:
        # Its own head pools nothing: the features are those of the network below it.
        network = self.model.multisensory if isinstance(self.model, MultisensoryForAlignment) else self.model
        output = network(**inputs)
        heard = inputs["audio_mask"] & network.config.use_sound
        return Encoded(output.pooler_output, scores=getattr(output, "logits", None), heard=heard)
