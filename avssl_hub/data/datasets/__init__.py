"""Manifests of public data sets, from their official lists and the copy that is here: one file a data set."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...errors import explain, unknown_name
from ..dataset_tables import is_dataset, read_dataset
from ..manifest import ManifestError
from . import (
    audioset,
    dcase2013,
    esc10,
    esc50,
    flickr_soundnet,
    folder,
    hmdb51,
    kinetics,
    kinetics_sounds,
    prepared_360,
    shards,
    spatial_audio_gen,
    speakers,
    ucf101,
    vggsound,
    vggss,
    yt360,
)
from ._match import Found

__all__ = ["DATASETS", "Found", "build"]

DATASETS: dict[str, Callable[..., Found]] = {
    module.__name__.rpartition(".")[2]: module.build
    for module in (
        folder,
        shards,
        kinetics,
        kinetics_sounds,
        audioset,
        vggsound,
        ucf101,
        hmdb51,
        esc50,
        esc10,
        dcase2013,
        speakers,
        vggss,
        flickr_soundnet,
        prepared_360,
        yt360,
    )
} | {name: partial(spatial_audio_gen.build, name) for name in spatial_audio_gen.NAMES}
_FILES = ("folder", "shards", "speakers", "prepared_360")
_WITHOUT_LIST = (*_FILES, "dcase2013")
# Copies of these as data sets have the columns of the list, row by row.
_LISTS_ITSELF = ("esc50", "esc10", "kinetics", "kinetics_sounds")


def build(kind: str, root: str | Path, listing: str | Path | None = None, split: str | None = None) -> Found:
    """Match a copy of a data set with its official list.

    Args:
        kind: One of :data:`DATASETS`.
        root: Folder of the files; or a data set, as :func:`avssl_hub.data.dataset_tables.read_dataset` takes it.
        listing: The official list, or the folder of lists; none for a folder, for shards and for DCASE, and not needed
            for a data set that has the list's columns.
        split: Keep this split only, where the list tells.

    Returns:
        The manifest, and what was not found.

    Raises:
        UnknownNameError: There is no such data set.
        ManifestError: The list is missing or cannot be read, or nothing in it fits.
        NoMediaError: ``root`` is no folder.
        AvsslError: As :func:`read_dataset` raises.
    """
    if kind not in DATASETS:
        raise unknown_name("data set", kind, DATASETS)
    if kind not in (*_FILES, *spatial_audio_gen.NAMES) and is_dataset(root):
        root = read_dataset(root)
        listing = root if listing is None and kind in _LISTS_ITSELF else listing
    if kind in _WITHOUT_LIST:
        for name, value in (("list", listing), ("split", split)):
            if value is not None:
                got, step = repr(str(value)), f"Drop --{name}."
                raise ManifestError(explain(f"manifest of kind {kind}, {name}", got, "none", step))
        return DATASETS[kind](root)
    if listing is None:
        step = "Pass it with --list, or take the kind 'folder' for all files as they are."
        raise ManifestError(explain(f"manifest of {kind}", "no list", "the official one", step))
    return DATASETS[kind](root, listing, split)
