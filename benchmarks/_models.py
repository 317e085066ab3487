"""The model that is scored: its weights, or none for the chance control."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avssl_hub import zoo
from avssl_hub._loading import model_class
from avssl_hub.pipelines.embed import EmbeddingPipeline


@dataclass(frozen=True)
class Subject:
    """A model to score.

    Attributes:
        pipe: It, with its processor.
        fingerprint: Hashes of weights and processor.
        name: What results call it.
        revision: Hub commit, or the first digits of its weights' sha256; for random weights their seed.
    """

    pipe: EmbeddingPipeline
    fingerprint: dict[str, Any]
    name: str
    revision: str


def load_subject(name: str, device: str, batch_size: int, random_seed: int | None = None) -> Subject:
    """Load a model by name, folder or Hub id.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        device: Where it runs.
        batch_size: Clips a forward pass.
        random_seed: Draw its weights anew with this seed, in place of loading them; none need to be here then.

    Raises:
        AvsslError: As :func:`avssl_hub.load` raises.
    """
    known = zoo.catalogue().get(name)
    is_folder = Path(name).expanduser().is_dir()
    title = name if known else Path(name).name if is_folder else name.removeprefix("hf://").replace("/", "--")
    if random_seed is None:
        pipe = EmbeddingPipeline(name, device=device, batch_size=batch_size)
        fingerprint = pipe.fingerprint()
        revision = (known.hub.revision if known else None) or fingerprint["weights_sha256"][:12]
        return Subject(pipe, fingerprint, title, revision)
    folder = known.path.parent if known else zoo.resolve(name)
    kind = model_class(folder, known)
    torch.manual_seed(random_seed)
    model = kind(kind.config_class.from_pretrained(folder)).eval()
    pipe = EmbeddingPipeline(model, zoo.load_processor(name), device, batch_size)
    fingerprint = pipe.fingerprint()
    if pipe.device.type == "cpu" and hasattr(model, "optimize_for_inference"):
        # Its hash is that of the weights as they were drawn.
        model.optimize_for_inference()
    return Subject(pipe, fingerprint, title, f"random-seed{random_seed}")
