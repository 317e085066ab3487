"""What ``avssl doctor`` looks at; every check reports what it met, also where the thing checked is broken."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Literal

from ._devices import core_count

# One set of builds that fit each other; see constraints.txt.
_MATCHING_SET = "'torch==2.11.*' 'torchvision==0.26.*' 'torchaudio==2.11.*'"
_TIED_TO_TORCH = ("torchvision", "torchaudio")
_DISTRIBUTION = "avssl-hub"

_DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "aac", "mp3", "opus", "vorbis", "flac", "pcm_s16le")
_ENCODERS = ("libx264", "aac")


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``repair`` says what to do about state "repair"."""

    what: str
    found: str
    state: Literal["ok", "note", "repair"] = "ok"
    repair: str = ""


def all_findings() -> Iterator[Finding]:
    """Run every check; one that fails itself becomes a finding."""
    for check in (_system, _packages, _torch_family, _device, _decoder, _round_trip, _caches, _catalogue):
        try:
            yield from check()
        except Exception as error:
            what = check.__name__.strip("_").replace("_", " ")
            yield Finding(what, _first_line(error), "repair", "this check itself failed; see the lines above it first")


def _system() -> Iterator[Finding]:
    from .. import __version__

    yield Finding("avssl_hub", f"{__version__} in {Path(__file__).resolve().parents[1]}")
    yield Finding("Python", f"{platform.python_version()} on {platform.platform()}, {sys.executable}")


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in metadata.requires(_DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        yield Finding(_DISTRIBUTION, "used without being installed", "note")
        return
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, install = requirement.name, f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding(name, "not installed", "repair", install)
            continue
        if requirement.specifier.contains(version, prereleases=True):
            yield Finding(name, version)
        else:
            yield Finding(name, f"{version}, but {requirement.specifier} is needed", "repair", install)


def _torch_family() -> Iterator[Finding]:
    reinstall = f"pip install --force-reinstall {_MATCHING_SET}"
    broken = _import_error("torch")
    if broken:
        yield Finding("import torch", broken, "repair", reinstall)
        return
    import torch

    yield Finding("import torch", f"{torch.__version__}, built for {_build(torch)}")
    for name in _TIED_TO_TORCH:
        broken = _import_error(name)
        if not broken:
            yield Finding(f"import {name}", "fits torch")
        elif _is_build_mismatch(broken):
            found = f"a build for CUDA beside a torch built for {_build(torch)}, or for another torch ({broken})"
            yield Finding(f"import {name}", found, "repair", f"install one matching set: {reinstall}")
        else:
            yield Finding(f"import {name}", broken, "repair", reinstall)


def _device() -> Iterator[Finding]:
    import torch

    cores = core_count()
    yield Finding("CPU", f"{cores} cores usable, {torch.get_num_threads()} threads of torch")
    if not torch.cuda.is_available():
        yield Finding("GPU", "none that torch can use; everything runs on the CPU", "note")
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(number)
        yield Finding(f"GPU cuda:{number}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB")


def _decoder() -> Iterator[Finding]:
    broken = _import_error("av")
    if broken:
        yield Finding("decoder", broken, "repair", "pip install --force-reinstall av")
        return
    import av

    yield Finding("decoder", f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}")
    for mode, what, names in (("r", "decoders", _DECODERS), ("w", "encoders", _ENCODERS)):
        missing = [name for name in names if not _has_codec(name, mode)]
        if missing:
            repair = "pip install --force-reinstall av, whose wheels bring them"
            yield Finding(what, f"missing: {', '.join(missing)}", "repair", repair)
        else:
            yield Finding(what, ", ".join(names))


def _round_trip() -> Iterator[Finding]:
    import torch

    from ..media import MediaReader, write_media

    with tempfile.TemporaryDirectory() as folder:
        frames = torch.full((8, 32, 32, 3), 128, dtype=torch.uint8)
        clip = write_media(Path(folder, "clip.mp4"), frames, 8.0, torch.zeros(1, 16000), 16000)
        with MediaReader(clip) as reader:
            seen = reader.read_video(0.0, 1.0, 8.0).frames
            heard = reader.read_audio(0.0, 1.0, 16000)
    level = seen.float().mean().item()
    if len(seen) == 8 and abs(level - 128) < 4 and heard.present > 0.9:
        yield Finding("write and read a clip", "8 frames and 1 s of sound came back")
    else:
        found = f"{len(seen)} of 8 frames, grey {level:.0f} of 128, {heard.present:.0%} of the sound came back"
        yield Finding("write and read a clip", found, "repair", "pip install --force-reinstall av")


def _caches() -> Iterator[Finding]:
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    from .. import zoo

    yield _folder("converted weights", zoo.converted_path("").resolve(), "AVSSL_HOME")
    yield _folder("Hub cache", Path(HF_HUB_CACHE), "HF_HOME")
    mode = "HF_HUB_OFFLINE is set: only what is here is used" if HF_HUB_OFFLINE else "downloads are allowed"
    yield Finding("network", mode, "note" if HF_HUB_OFFLINE else "ok")


def _catalogue() -> Iterator[Finding]:
    from .. import zoo
    from .._weights import weights_here

    names = zoo.list_models()
    here = [name for name in names if weights_here(zoo.card(name))]
    yield Finding("models", f"{len(names)} known; weights here: {', '.join(here) or 'none'}", "ok" if here else "note")


def _folder(what: str, folder: Path, variable: str) -> Finding:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free / 1e9
    if not os.access(existing, os.W_OK):
        repair = f"make {existing} writable, or set {variable} to a folder that is"
        return Finding(what, f"{folder} cannot be written", "repair", repair)
    if not folder.exists():
        return Finding(what, f"{folder} is not there yet; {free:.0f} GB free")
    used = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e9
    return Finding(what, f"{folder} holds {used:.2f} GB; {free:.0f} GB free", "ok" if free > 1 else "note")


def _import_error(name: str) -> str:
    """Import a module; return why that fails, in one line, or nothing."""
    try:
        import_module(name)
    except Exception as error:
        # A broken extension module raises whatever its loader does.
        return _first_line(error)
    return ""


def _is_build_mismatch(error: str) -> bool:
    """Recognise extension modules that were compiled for another torch."""
    return bool(re.search(r"torchvision::nms|lib(c10|torch|cudart)\S*\.so|undefined symbol|CUDA version", error))


def _build(torch) -> str:
    return f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU only"


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    import av

    try:
        av.Codec(name, mode)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
