"""Tar files in WebDataset's form."""

from pathlib import Path

from ..tar_index import read_shards
from ._match import Found


def build(root: str | Path) -> Found:
    """List the media inside a tar file or the tar files of a folder, as :func:`avssl_hub.data.tar_index.read_shards`.

    Raises:
        NoMediaError: There is no tar file, or no medium in any.
        ManifestError: A tar file is refused.
    """
    manifest = read_shards(root)
    return Found(manifest, len(manifest), [], 0, [])
