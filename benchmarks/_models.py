"""The model that is scored: of the zoo, a baseline, or any other through an adapter."""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch

from avssl_hub import zoo
from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.evaluation.encoder import Encoder
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.zoo_encoder import ZooEncoder

BASELINES = {"log_mel_statistics": LogMelStatistics}


@dataclass(frozen=True)
class Subject:
    """A model to score.

    Attributes:
        encoder: It.
        name: What results call it.
        revision: Hub commit, or the first digits of its weights' sha256; for random weights their seed.
    """

    encoder: Encoder
    name: str
    revision: str


def load_subject(
    name: str,
    device: str,
    batch_size: int,
    random_seed: int | None = None,
    adapter: str | None = None,
    trainable: bool = False,
) -> Subject:
    """Load a model.

    Args:
        name: As :func:`avssl_hub.load` takes it, one of :data:`BASELINES`, or whatever the adapter takes.
        device: Where it runs.
        batch_size: Clips a forward pass.
        random_seed: Draw its weights anew with this seed, in place of loading them; none need to be here then.
        adapter: ``module:Class``, an :class:`Encoder` that is made with the model's name, ``random_weights``,
            ``device`` and ``batch_size``.
        trainable: Whether the network is going to be trained.

    Raises:
        AvsslError: As :func:`avssl_hub.load` raises.
        InvalidValueError: There is no such adapter, or a baseline is to have random weights.
    """
    options = {"device": device, "batch_size": batch_size}
    is_random = random_seed is not None
    if is_random:
        torch.manual_seed(random_seed)
    if adapter:
        encoder = _adapter(adapter)(name, random_weights=is_random, **options)
    elif name in BASELINES:
        if is_random:
            raise InvalidValueError(explain(f"control of baseline {name}", "random weights", "none: it learns nothing"))
        return Subject(BASELINES[name](**options), name, "1")
    else:
        encoder = ZooEncoder(name, is_random, trainable, **options)
    known = None if adapter else zoo.catalogue().get(name)
    title = name if known else Path(name).name if Path(name).is_dir() else name.removeprefix("hf://").replace("/", "--")
    if is_random:
        return Subject(encoder, title, f"random-seed{random_seed}")
    return Subject(
        encoder, title, (known and known.hub.revision) or encoder.fingerprint()["weights_sha256"].split()[0][:12]
    )


def _adapter(place: str) -> type[Encoder]:
    module, _, name = place.partition(":")
    if str(Path.cwd()) not in sys.path:
        # As for a script: one's own adapter lies where the command is given.
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        rule = "module:Class, of a module that can be imported"
        raise InvalidValueError(explain("--adapter", f"{place!r} ({error})", rule)) from error
    if not (isinstance(found, type) and issubclass(found, Encoder)):
        raise InvalidValueError(explain("--adapter", repr(found), "a subclass of avssl_hub.evaluation.encoder.Encoder"))
    return found
