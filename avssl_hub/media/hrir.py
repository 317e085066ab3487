"""Reading head-related impulse responses: SOFA files, and the wav files of Google's Omnitone."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from avssl_hub.audio.ambisonics import unit_vectors
from avssl_hub.audio.ambisonics.conventions import FULL_SPHERES
from avssl_hub.audio.head_responses import HeadResponses, SymmetricHead
from avssl_hub.errors import MissingExtraError, explain
from avssl_hub.media.errors import MediaOpenError
from avssl_hub.media.sound import read_sound

if TYPE_CHECKING:
    import h5py

# Larger than any measured head; a few bytes of a compressed file can claim any number.
_MOST_VALUES = 2**28

# A head answers within milliseconds; longer is a recording, taken for a head by mistake.
_MOST_SECONDS = 1


def read_hrir(path: str | os.PathLike) -> HeadResponses | SymmetricHead:
    """Read a head: ``.sofa`` (SimpleFreeFieldHRIR), or ``.wav`` with one channel for each ambisonic one (Omnitone).

    Delays of a SOFA file are rounded to whole samples and become part of the responses.

    Args:
        path: The file; the suffix decides.

    Returns:
        Something with ``filters(order, sampling_rate)``.

    Raises:
        MediaOpenError: The file is missing, damaged, or of another kind.
        MissingExtraError: It is a SOFA file, and h5py is not installed.
    """
    path = Path(path)
    if path.suffix.lower() == ".sofa":
        return _read_sofa(path)
    left, sampling_rate = read_sound(path)
    if len(left) not in FULL_SPHERES:
        raise _unusable(path, f"{len(left)} channels", "a .sofa file, or wav with 4, 9 or 16 channels of responses")
    _check_length(path, left.shape[1], sampling_rate)
    return SymmetricHead(left, sampling_rate)


def _read_sofa(path: Path) -> HeadResponses:
    try:
        import h5py
    except ModuleNotFoundError as error:
        step = "Run: pip install 'avssl-hub[sofa]'"
        raise MissingExtraError(explain(f"reading {path}", error, "the extra 'sofa'", step)) from error
    try:
        with h5py.File(path, "r") as file:
            return _head(path, file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise _unusable(path, str(error) or repr(error), "a SOFA file, which is HDF5") from error


def _head(path: Path, file: "h5py.File") -> HeadResponses:
    convention = _text(file.attrs.get("SOFAConventions", ""))
    if convention != "SimpleFreeFieldHRIR":
        raise _unusable(path, f"convention {convention!r}", "SOFA convention 'SimpleFreeFieldHRIR'")
    responses = _values(path, file, "Data.IR")
    if responses.ndim != 3 or responses.shape[1] != 2 or 0 in responses.shape:
        raise _unusable(path, f"Data.IR of shape {responses.shape}", "shape (directions, 2 ears, taps)")
    directions = len(responses)
    rates = _values(path, file, "Data.SamplingRate").ravel()
    if len(rates) != 1 or rates[0] < 1:
        raise _unusable(path, f"Data.SamplingRate {rates[:3].tolist()}", "one number of hertz")
    _check_length(path, responses.shape[2], rates[0])
    vectors = _vectors(path, file, "SourcePosition")
    if len(vectors) != directions:
        raise _unusable(path, f"{len(vectors)} positions", f"as many as there are responses, {directions}")
    if "ListenerView" in file and (_vectors(path, file, "ListenerView")[:, 0] < 1 - 1e-6).any():
        raise _unusable(path, "a ListenerView other than forward", "a listener who looks along the x axis")
    delays = _values(path, file, "Data.Delay")
    if delays.shape not in {(1, 2), (directions, 2)} or (delays < 0).any() or (delays > rates[0]).any():
        raise _unusable(path, f"Data.Delay of shape {delays.shape}", "delays of 0 to 1 s for both ears, in samples")
    delayed = _delayed(responses, np.broadcast_to(delays, (directions, 2)).round().astype(int))
    return HeadResponses(vectors, torch.from_numpy(delayed).float(), round(float(rates[0])))


def _check_length(path: Path, taps: int, sampling_rate: float) -> None:
    if not 0 < taps <= _MOST_SECONDS * sampling_rate:
        expected = f"responses of a head, at most {_MOST_SECONDS} s"
        raise _unusable(path, f"responses of {taps / sampling_rate:.1f} s", expected)


def _vectors(path: Path, file: "h5py.File", name: str) -> torch.Tensor:
    """Unit vectors ``(n, 3)`` of positions, spherical in degrees or cartesian."""
    positions, kind = torch.from_numpy(_values(path, file, name)), _text(file[name].attrs.get("Type", "cartesian"))
    if positions.ndim != 2 or positions.shape[1] != 3 or kind not in ("spherical", "cartesian"):
        got = f"{name} of shape {tuple(positions.shape)} and type {kind!r}"
        raise _unusable(path, got, "shape (n, 3), spherical or cartesian")
    if kind == "spherical":
        return unit_vectors(*torch.deg2rad(positions[:, :2]).T).float()
    return torch.nn.functional.normalize(positions, dim=1).float()


def _values(path: Path, file: "h5py.File", name: str) -> np.ndarray:
    if name not in file:
        raise _unusable(path, f"no {name}", "a SOFA file that has it")
    stored = file[name]
    if getattr(stored, "size", None) is None or stored.dtype.kind not in "fiu" or stored.size > _MOST_VALUES:
        raise _unusable(path, f"{name}, {stored}", f"at most {_MOST_VALUES} numbers")
    values = stored[()].astype(np.float64)
    if not np.isfinite(values).all():
        raise _unusable(path, f"{name} with NaN or infinity", "finite numbers")
    return values


def _delayed(responses: np.ndarray, delays: np.ndarray) -> np.ndarray:
    """Shift ``(directions, 2, taps)`` by ``(directions, 2)`` samples, with room for the longest."""
    directions, _, taps = responses.shape
    delayed = np.zeros((directions, 2, taps + delays.max()))
    np.put_along_axis(delayed, delays[..., None] + np.arange(taps), responses, -1)
    return delayed


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _unusable(path: Path, got: str, expected: str) -> MediaOpenError:
    step = "Take another file of head-related impulse responses."
    return MediaOpenError(explain(f"reading {path}", got, expected, step), str(path))
