"""Features of recordings, computed once: kept by the recording's content and all that decides them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..data.clips import Span
from ..data.manifest import Manifest, ManifestItem
from ..data.media_files import content_sha256
from ..errors import explain
from ..jobs.ranks import Ranks
from ..jobs.threads import map_in_threads
from ..media import MediaReader, MissingStreamError
from ..outputs import make_folder, replacing
from .encoder import Encoder, Modality
from .protocols import Protocol

AT_ONCE = 4  # recordings, which bounds memory
# Of each part of a protocol, the network's inputs by name, a row a clip.
Inputs = dict[str, dict[str, torch.Tensor]]


class Extracted(NamedTuple):
    """What :func:`extract` found.

    Attributes:
        keys: Where the store keeps each recording.
        reused: Number of recordings that were there before.
    """

    keys: list[str]
    reused: int


class FeatureStore:
    """Features on the disk, a file a recording, each written whole or not at all.

    Several processes may fill it at once, and a run that was cut goes on with what is there.

    Args:
        folder: Where features of all models and protocols are kept.
        settings: All that decides the features but the recording, as :func:`feature_settings` tells it.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        self.folder = folder / _sha256(settings)[:32]
        make_folder(self.folder)
        with replacing(self.folder / "settings.json") as partial:
            partial.write_text(json.dumps(settings, indent=2), encoding="utf-8")

    def __contains__(self, key: str) -> bool:
        return self._path(key).exists()

    def save(self, key: str, features: dict[str, torch.Tensor]) -> None:
        """Keep a recording's features by name."""
        with replacing(self._path(key)) as partial:
            save_file(features, partial)

    def names(self, key: str) -> list[str]:
        """Name the features of a recording."""
        with safe_open(self._path(key), "numpy") as file:
            return list(file.keys())

    def load(self, keys: Sequence[str], name: str) -> np.ndarray:
        """Return one of the features of several recordings, (recordings, clips, D)."""
        rows = []
        for key in keys:
            with safe_open(self._path(key), "numpy") as file:
                rows.append(file.get_tensor(name))
        return np.stack(rows)

    def note(self, settings: dict[str, Any], result: dict[str, Any]) -> None:
        """Keep what was computed from features, by all that decides it."""
        with replacing(self._note(settings)) as partial:
            partial.write_text(json.dumps(result), encoding="utf-8")

    def noted(self, settings: dict[str, Any]) -> dict[str, Any] | None:
        """Return what :meth:`note` kept under these settings, if anything."""
        path = self._note(settings)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _note(self, settings: dict[str, Any]) -> Path:
        return self.folder / f"note-{_sha256(settings)[:32]}.json"


def feature_settings(fingerprint: dict[str, str], protocol: Protocol, modality: Modality) -> dict[str, Any]:
    """Tell what decides features: weights, processor, and what the protocol says does.

    Args:
        fingerprint: That of the model, :meth:`Encoder.fingerprint`.
        protocol: The protocol.
        modality: What is looked at.
    """
    return {**fingerprint, "modality": modality, **protocol.feature_settings()}


def extract(
    manifest: Manifest,
    encoder: Encoder,
    protocol: Protocol,
    modality: Modality,
    store: FeatureStore,
    *,
    progress: Callable[[int, int], object] | None = None,
    ranks: Ranks | None = None,
) -> Extracted:
    """Compute the features of all recordings that ``store`` lacks.

    Args:
        manifest: The recordings.
        encoder: The model.
        protocol: Says which clips and features.
        modality: What is looked at.
        store: Where features are kept.
        progress: Called with the number of recordings done and of all in this process's share.
        ranks: The processes of the job; by default this one.

    Returns:
        In the first process, the key of each recording in ``store``, which begins with the sha256 of the file's
        content, and how many were there before.

    Raises:
        MediaError: A recording cannot be read, or lacks the modality. What is finished is kept.
        InvalidValueError: The model lacks the features.
    """
    ranks = ranks or Ranks()
    keys: dict[int, str] = {}
    reused = 0
    share = ranks.share(range(len(manifest)), seed=0)

    def work(index: int) -> tuple[str, bool]:
        item = manifest[index]
        key = content_key(item)
        known = key in store
        if not known:
            inputs = _inputs(item, key, encoder, protocol, modality)
            store.save(key, _features(inputs, encoder, protocol, modality))
        return key, known

    if progress and share:
        progress(0, len(share))
    with _threads(encoder.device) as (threads, begin), closing(map_in_threads(work, share, threads, begin)) as results:
        for number, (index, (key, known)) in enumerate(zip(share, results), start=1):
            keys[index] = key
            reused += known
            if progress:
                progress(number, len(share))
    parts = ranks.to_first((keys, reused))
    everyone = {index: key for keys, _ in parts for index, key in keys.items()}
    return Extracted([everyone[index] for index in sorted(everyone)], sum(reused for _, reused in parts))


def _sha256(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def content_key(item: ManifestItem) -> str:
    """Name a recording by the sha256 of its file, or of its folder, and the part of it that a row names.

    Raises:
        MediaOpenError: The file is missing or cannot be read.
    """
    if item.path.is_dir():
        digest = content_sha256(item.path)
    else:
        with item.open() as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest if item.start is None and item.end is None else f"{digest}-{item.start}-{item.end}"


@contextmanager
def _threads(device: torch.device) -> Iterator[tuple[int, Callable[[], None] | None]]:
    """Share a CPU's threads out among some recordings at once, which uses it better than one after the other.

    Yields:
        Number of recordings at once, and how a thread is told its share.
    """
    whole = torch.get_num_threads()
    threads = min(whole, AT_ONCE) if device.type == "cpu" else 1
    try:
        yield threads, partial(torch.set_num_threads, whole // threads) if threads > 1 else None
    finally:
        torch.set_num_threads(whole)


def _inputs(item: ManifestItem, key: str, encoder: Encoder, protocol: Protocol, modality: Modality) -> Inputs:
    with item.open() as file, MediaReader(file) as reader:
        # Of both at once it is the picture that has to be there.
        needed = "audio" if modality == "audio" else "video"
        stream = reader.audio if needed == "audio" else reader.video
        if stream is None:
            raise MissingStreamError(explain(item.name, f"no {needed}", f"a recording with {needed}"), item.name)
        start = stream.start if item.start is None else item.start
        span = Span(start, stream.end if item.end is None else min(item.end, stream.end))
        inputs = {}
        for part in protocol.parts:
            # By content, so that neither order nor resuming moves a draw.
            generator = torch.Generator().manual_seed(int(key[:15], 16))
            inputs[part] = protocol.inputs(reader, span, encoder, modality, part, generator)
    return inputs


@torch.inference_mode()
def _features(inputs: Inputs, encoder: Encoder, protocol: Protocol, modality: Modality) -> dict[str, torch.Tensor]:
    found = {}
    for part, clips in inputs.items():
        batches = zip(*(values.to(encoder.device).split(encoder.batch_size) for values in clips.values()))
        done = [protocol.features(encoder.encode(dict(zip(clips, batch)), modality)) for batch in batches]
        for layer in done[0]:
            found[f"{part}.{layer}"] = torch.cat([each[layer] for each in done]).cpu().contiguous()
    return found
