"""The model that is scored: of the zoo, a baseline, or any other through an adapter."""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch

from avssl_hub import zoo
from avssl_hub._loading import read_config
from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.evaluation.encoder import Encoder
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.measured import MeasuredProtocol
from avssl_hub.evaluation.protocols import Protocol
from avssl_hub.evaluation.scene_encoder import SceneEncoder
from avssl_hub.evaluation.scored_model import ScoredModel
from avssl_hub.evaluation.trained import TrainedProtocol
from avssl_hub.evaluation.view_encoder import load_encoder
from avssl_hub.models.multisensory import MultisensoryConfig

_OF_FEATURES = {"log_mel_statistics": LogMelStatistics}


@dataclass(frozen=True)
class Subject:
    """A model to score.

    Attributes:
        model: It; an :class:`Encoder` for protocols that read or train features.
        name: What results call it.
        revision: Hub commit, or the first digits of its weights' sha256; for random weights their seed.
    """

    model: ScoredModel
    name: str
    revision: str


def load_subject(
    name: str,
    protocol: Protocol | TrainedProtocol | MeasuredProtocol,
    device: str,
    batch_size: int,
    random_seed: int | None = None,
    adapter: str | None = None,
) -> Subject:
    """Load a model.

    Args:
        name: As :func:`avssl_hub.load` takes it, one of the protocol's baselines, or whatever the adapter takes.
        protocol: What is to score it.
        device: Where it runs.
        batch_size: Clips a forward pass.
        random_seed: Draw its weights anew with this seed, in place of loading them; none need to be here then.
        adapter: ``module:Class``, what the protocol needs of a model, that is made with the model's name,
            ``random_weights``, ``device`` and ``batch_size``.

    Raises:
        AvsslError: As :func:`avssl_hub.load` raises.
        InvalidValueError: There is no such adapter, or a baseline is to have random weights.
    """
    options = {"device": device, "batch_size": batch_size}
    is_random = random_seed is not None
    if is_random:
        torch.manual_seed(random_seed)
    is_measured = isinstance(protocol, MeasuredProtocol)
    baselines = protocol.baselines if is_measured else _OF_FEATURES
    if adapter:
        kind = protocol.model if is_measured else Encoder
        model = _adapter(adapter, kind)(name, random_weights=is_random, **options)
    elif name in baselines:
        if is_random:
            raise InvalidValueError(explain(f"control of baseline {name}", "random weights", "none: it learns nothing"))
        return Subject(baselines[name](**options), name, "1")
    elif is_measured:
        model = protocol.from_zoo(name, is_random, **options)
    elif read_config(zoo.resolve(name, weights=False)).get("model_type") == MultisensoryConfig.model_type:
        model = SceneEncoder(name, is_random, **options)
    else:
        model = load_encoder(name, is_random, isinstance(protocol, TrainedProtocol), **options)
    known = None if adapter else zoo.catalogue().get(name)
    title = name if known else _title(name)
    if is_random:
        return Subject(model, title, f"random-seed{random_seed}")
    return Subject(
        model, title, (known and known.hub.revision) or model.fingerprint()["weights_sha256"].split()[0][:12]
    )


def _title(name: str) -> str:
    """Name a model that is not of the catalogue: a folder or a file by its own name, a repository by its whole one."""
    path = Path(name)
    if path.exists():
        return path.name if path.is_dir() else path.stem
    return name.removeprefix("hf://").replace("/", "--")


def _adapter(place: str, kind: type[ScoredModel]) -> type[ScoredModel]:
    module, _, name = place.partition(":")
    if str(Path.cwd()) not in sys.path:
        # As for a script: one's own adapter lies where the command is given.
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        rule = "module:Class, of a module that can be imported"
        raise InvalidValueError(explain("--adapter", f"{place!r} ({error})", rule)) from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        rule = f"a subclass of {kind.__module__}.{kind.__name__}"
        raise InvalidValueError(explain("--adapter", repr(found), rule))
    return found
