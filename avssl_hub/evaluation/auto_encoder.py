"""Models of transformers' own classes as encoders: what their adapters share."""

from typing import ClassVar

from transformers import AutoConfig, AutoModel

from .. import zoo
from .._loading import load_strictly, read_config
from ..errors import CheckpointError, explain
from .encoder import Encoder


class AutoModelEncoder(Encoder):
    """A model that ``AutoModel`` loads; an adapter says what its clips are and which of its outputs are the features.

    Weights are read from safetensors only, the encoder's must all be there, and no code that comes with a model is run.

    Args:
        name: Folder or Hub repository, as :func:`avssl_hub.zoo.resolve` takes it.
        random_weights: Draw the weights anew in place of loading them; none need to be here then.
        **options: Those of :class:`Encoder`.

    Attributes:
        model_type: The only kind of model the adapter is for, as its config calls it.
        processor_class: What of transformers prepares its inputs.

    Raises:
        CheckpointError: The model is of another kind, or weights are missing or damaged.
        AvsslError: As :func:`avssl_hub.zoo.resolve` raises.
    """

    model_type: ClassVar[str]
    processor_class: ClassVar[type]

    def __init__(self, name: str, random_weights: bool = False, **options):
        folder = zoo.resolve(name, weights=not random_weights)
        kind = read_config(folder).get("model_type")
        if kind != self.model_type:
            what, step = f"model for {type(self).__name__}", "Pass the adapter that is for it."
            raise CheckpointError(explain(what, repr(kind), repr(self.model_type), step))
        own = {"local_files_only": True, "trust_remote_code": False}
        if random_weights:
            model = AutoModel.from_config(AutoConfig.from_pretrained(folder, **own))
        else:
            model = load_strictly(AutoModel, folder, allow_more=True, trust_remote_code=False)
        super().__init__(model, self.processor_class.from_pretrained(folder, local_files_only=True), **options)
