"""Models of this zoo as encoders."""

from pathlib import Path

import torch

from .. import zoo
from .._loading import model_class
from ..errors import InvalidValueError, explain
from ..hub import sha256_of
from .encoder import Encoded, Encoder, Modality


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
        known = zoo.catalogue().get(name)
        if random_weights:
            folder = zoo.resolve(name, weights=False)
            kind = model_class(folder, known)
            model = kind(kind.config_class.from_pretrained(folder))
        else:
            model = zoo.load(name)
        super().__init__(model, zoo.load_processor(name), **options)
        if known and not random_weights:
            self.pretrain_data = known.training_data
        rules = self.processor
        self.sampling_rate, self.audio_duration = rules.sampling_rate, rules.audio_duration
        self.fps, self.num_frames = rules.fps, rules.num_frames
        files = [] if random_weights else sorted(Path(zoo.resolve(name)).glob("model*.safetensors"))
        # As on the card; that of random weights before the network is changed.
        self._weights = " ".join(map(sha256_of, files)) or super().fingerprint()["weights_sha256"]
        if not trainable and self.device.type == "cpu" and hasattr(self.model, "optimize_for_inference"):
            self.model.optimize_for_inference()

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

    def fingerprint(self) -> dict[str, str]:
        return {**super().fingerprint(), "weights_sha256": self._weights}
