"""The SpatialAudioGen networks of the authors' release: a TensorFlow checkpoint and its settings in a tar archive.

Takes the archive or what was unpacked of it: a folder with both. Encoders, tracks and sizes are read from the files.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from avssl_hub.errors import CheckpointError, InvalidValueError, explain
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenModel, SpatialAudioGenProcessor

from ._rename import check_fits, targets
from ._spatial_audio_gen_names import RULES, to_state_dict
from ._spatial_audio_gen_parity import compare
from ._spatial_audio_gen_settings import SETTINGS_FILE, configuration, read_settings
from ._tarball import take_out
from ._tensorflow import TensorBundle
from ._tensorflow.errors import NotACheckpointError
from ._tensorflow.paths import index_of
from .report import ParityReport

NAMES = tuple(f"spatial_audio_gen.{data}" for data in ("rec_street", "yt_clean", "yt_music", "yt_all"))

# Bytes of an unpacked checkpoint: eight times those of the largest network, of which the optimiser keeps two copies.
MOST_BYTES = 8 * 4 * 49_005_763

# The optimiser's own variables, and the end of the names of those that it keeps for each of the network's.
OPTIMIZER = r"beta[12]_power|.+/Adam(_1)?"


def unpacked(name: str, checkpoint: Path) -> list[Path]:
    """The files that ``checkpoint`` stands for if it is not the archive but was taken out of it.

    Raises:
        CheckpointError: There is no such checkpoint.
    """
    if _is_archive(checkpoint):
        return []
    prefix = _prefix(checkpoint)
    return [prefix.with_name(SETTINGS_FILE), index_of(prefix), *TensorBundle(prefix).files]


def convert(name: str, checkpoint: Path, out: Path, *, banks: bool = False) -> ParityReport:
    """Write config, processor and weights into ``out``.

    Raises:
        InvalidValueError: Memory banks are asked for; this family has none.
        CheckpointError: The file cannot be read or does not hold a network of this family.
        AvsslError: The converted model and the restatement on the authors' variables disagree.
    """
    if banks:
        raise InvalidValueError(explain("memory banks", name, "a family that was trained with them", "Leave them out."))
    report = ParityReport(name, tolerance=1e-6, dtype="float64")
    with TemporaryDirectory(dir=out) as folder:
        if _is_archive(checkpoint):
            prefix = take_out(checkpoint, SETTINGS_FILE, Path(folder), MOST_BYTES)
        else:
            prefix = _prefix(checkpoint)
        settings = read_settings(prefix.with_name(SETTINGS_FILE))
        variables = _read(TensorBundle(prefix), report, str(checkpoint))
    config = configuration(settings, {key: array.shape for key, array in variables.items()}, str(checkpoint))
    report.settings = settings
    state = to_state_dict(variables, str(checkpoint))
    report.renamed = len(state)
    with torch.device("meta"):
        model = SpatialAudioGenModel(config).eval()
    check_fits(state, model, str(checkpoint))
    model.load_state_dict(state, assign=True)
    compare(report, model, {key: torch.from_numpy(array) for key, array in variables.items()})
    model.save_pretrained(out)
    processor = SpatialAudioGenProcessor(
        encoders=config.encoders,
        sampling_rate=config.sampling_rate,
        context_samples=config.context_samples,
        chunk_samples=config.chunk_samples,
        image_size=config.image_size,
    )
    processor.save_pretrained(out)
    return report


def _is_archive(path: Path) -> bool:
    """Whether a path is a file, and none of those that are unpacked."""
    return path.is_file() and path.name != SETTINGS_FILE and path.suffix != ".index"


def _prefix(checkpoint: Path) -> Path:
    """The path that the only checkpoint in a folder begins with; a file ``checkpoint`` there is not asked."""
    folder = checkpoint.parent if checkpoint.is_file() else checkpoint
    what = f"reading {folder}"
    found = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    if len(found) != 1:
        got = ", ".join(path.name for path in found) or "no .index file"
        raise NotACheckpointError(explain(what, got, "one checkpoint, or the authors' archive"))
    if not (folder / SETTINGS_FILE).is_file():
        raise CheckpointError(explain(what, f"no {SETTINGS_FILE}", "this file beside the checkpoint"))
    return found[0]


def _read(bundle: TensorBundle, report: ParityReport, what: str) -> dict[str, np.ndarray]:
    """Read what belongs to the model; note the rest in the report."""
    kept, of_optimizer = {}, 0
    for name, variable in bundle.variables.items():
        if name == "step" and not variable.shape:
            report.training["step"] = bundle.read(name).item()
        elif re.fullmatch(OPTIMIZER, name):
            of_optimizer += 1
        elif not targets(name, RULES):
            report.extra_keys.append(name)
        elif variable.dtype != "float32":
            raise CheckpointError(explain(f"variable {name} of {what}", variable.dtype, "float32"))
        else:
            kept[name] = bundle.read(name)
    report.training["optimizer_variables"] = of_optimizer
    return kept
