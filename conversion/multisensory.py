"""The multisensory networks of the authors' release, TensorFlow checkpoints in one zip archive.

Takes the archive, or what was unpacked of it: a folder, an ``.index`` file, or the path that a checkpoint's files begin
with. The archive's other checkpoints are not unpacked.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from avssl_hub.errors import CheckpointError, InvalidValueError, explain, some_of
from avssl_hub.models.multisensory import (
    MultisensoryConfig,
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryPreTrainedModel,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)

from ._archive import is_archive, take_out
from ._multisensory_names import RULES, to_state_dict
from ._multisensory_parity import compare
from ._rename import check_fits, targets
from ._tensorflow import TensorBundle, find_prefix
from ._tensorflow.errors import NotACheckpointError
from ._tensorflow.paths import index_of
from .report import ParityReport


@dataclass(frozen=True)
class Network:
    """A network of the release: where its files lie in the archive, and what it becomes."""

    prefix: str
    model_class: type[MultisensoryPreTrainedModel]
    config: MultisensoryConfig
    processor: MultisensoryProcessor


NETWORKS = {
    "multisensory.audioset": Network(
        "nets/shift/net.tf-650000", MultisensoryForAlignment, MultisensoryConfig(), MultisensoryProcessor()
    ),
    "multisensory_localization.audioset": Network(
        "nets/cam/net.tf-675000",
        MultisensoryForAlignment,
        MultisensoryConfig.localization(),
        MultisensoryProcessor.localization(),
    ),
    "multisensory_separation.voxceleb": Network(
        "nets/sep/full/net.tf-160000",
        MultisensoryForSourceSeparation,
        MultisensoryConfig.separation(),
        MultisensoryProcessor.separation(),
    ),
    "unet_pit.voxceleb": Network(
        "nets/sep/unet-pit/net.tf-160000",
        SpectrogramUNetForSeparation,
        MultisensoryConfig.blind_separation(),
        MultisensoryProcessor.separation(),
    ),
}
NAMES = tuple(NETWORKS)

# How many times its weights a checkpoint may take: optimisers keep two more numbers for each, and there may be two.
ROOM = 8

# The optimiser's own variables; those that it keeps for each of the network's lie below that one's name.
OPTIMIZER = r"beta[12]_power(_\d+)?"


def unpacked(name: str, checkpoint: Path) -> list[Path]:
    """The files that ``checkpoint`` stands for if it is not the archive but was taken out of it.

    Raises:
        CheckpointError: There is no such checkpoint.
    """
    if is_archive(checkpoint):
        return []
    bundle = TensorBundle(_prefix(checkpoint, NETWORKS[name]))
    return [index_of(bundle.prefix), *bundle.files]


def convert(name: str, checkpoint: Path, out: Path, *, banks: bool = False) -> ParityReport:
    """Write config, processor and weights into ``out``.

    Raises:
        InvalidValueError: Memory banks are asked for; this family has none.
        CheckpointError: The file cannot be read or does not hold this network.
        AvsslError: The converted model and the restatement on the authors' variables disagree.
    """
    if banks:
        raise InvalidValueError(explain("memory banks", name, "a family that was trained with them", "Leave them out."))
    network, report = NETWORKS[name], ParityReport(name, tolerance=1e-5)
    with torch.device("meta"):
        model = network.model_class(network.config).eval()
    if is_archive(checkpoint):
        most = ROOM * sum(value.nbytes for value in model.state_dict().values())
        with TemporaryDirectory(dir=out) as folder:
            bundle = TensorBundle(take_out(checkpoint, network.prefix, Path(folder), most))
            variables = _read(bundle, model, report, str(checkpoint))
    else:
        variables = _read(TensorBundle(_prefix(checkpoint, network)), model, report, str(checkpoint))
    state = to_state_dict(variables, str(checkpoint))
    report.renamed = len(state)
    _fill_scales(state, model, report)
    check_fits(state, model, str(checkpoint))
    model.load_state_dict(state, assign=True)
    compare(report, model, {name: torch.from_numpy(array) for name, array in variables.items()})
    model.save_pretrained(out)
    network.processor.save_pretrained(out)
    return report


def _prefix(checkpoint: Path, network: Network) -> Path:
    """The prefix that a user names; in a folder only a network's own, as others there may be of the same shapes."""
    if not checkpoint.is_dir():
        return find_prefix(checkpoint)
    parts = Path(network.prefix).parts
    for begin in range(len(parts)):
        prefix = checkpoint.joinpath(*parts[begin:])
        if index_of(prefix).is_file():
            return prefix
    held = sorted(path.stem for path in checkpoint.glob("*.index"))
    got = f"checkpoints {some_of(held)}" if held else "no TensorFlow checkpoint"
    expected = f"{network.prefix} or the end of that path"
    next_step = "For a checkpoint of another name give its .index file."
    raise NotACheckpointError(explain(f"reading {checkpoint}", got, expected, next_step))


def _read(
    bundle: TensorBundle, model: MultisensoryPreTrainedModel, report: ParityReport, what: str
) -> dict[str, np.ndarray]:
    """Read what belongs to the model; note the rest in the report."""
    known, own = bundle.variables, model.state_dict()
    kept, of_optimizer = [], 0
    for name in known:
        if name == "global_step" and not known[name].shape:
            report.training["global_step"] = bundle.read(name).item()
        elif re.fullmatch(OPTIMIZER, name) or any(parent in known for parent in _parents(name)):
            of_optimizer += 1
        # What the network has no place for is left for the check of names: the scales of normalisations matter.
        elif any(place in own or place.startswith("multisensory.") for place in targets(name, RULES)):
            kept.append(name)
        else:
            report.extra_keys.append(name)
    report.training["optimizer_variables"] = of_optimizer
    for name in kept:
        if known[name].dtype != "float32":
            raise CheckpointError(explain(f"variable {name} of {what}", known[name].dtype, "float32"))
    return {name: bundle.read(name) for name in kept}


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _fill_scales(state: dict[str, torch.Tensor], model: MultisensoryPreTrainedModel, report: ParityReport) -> None:
    """Let a network that was trained without scales in its normalisations take the place of one with them."""
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    scales = [name for name in shapes if re.fullmatch(r"multisensory\..*norm\.weight", name)]
    if not any(name in state for name in scales):
        state |= {name: torch.ones(shapes[name]) for name in scales}
        report.set_to_one = scales
