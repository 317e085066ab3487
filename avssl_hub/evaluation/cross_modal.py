"""Cross-modal retrieval among files with picture and sound, from their embeddings as ``avssl embed`` writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch.nn import functional as F

from ..errors import InvalidValueError, explain
from .retrieval import cross_modal_recall

_COLUMNS = ["file", "video_embeds", "audio_embeds"]


@dataclass(frozen=True)
class CrossModalScore:
    """How often a file's picture finds its own sound among those of all files, and the reverse.

    Attributes:
        files: Number of files among which each searches.
        left_out: Files without a window that has both, which take no part.
        recall: ``video_to_audio`` and ``audio_to_video``, each the share of files for each k, 0 to 1.
    """

    files: int
    left_out: list[str]
    recall: dict[str, dict[int, float]]


def cross_modal_retrieval(table: str | Path, ks: Sequence[int] = (1, 5, 10)) -> CrossModalScore:
    """Score a table of embeddings; a hit is a file's own pair.

    Each file counts once, by the mean of the embeddings of its windows that have picture and sound, each brought to
    length one before: it is the embeddings that are averaged, not similarities. Compared by cosine.

    Args:
        table: A .parquet file of ``avssl embed``.
        ks: Ranks to report.

    Raises:
        InvalidValueError: The table cannot be read, is of something else, or fewer than two files have both.

    Example:
        >>> cross_modal_retrieval("embeddings.parquet").recall["audio_to_video"][1]  # doctest: +SKIP
    """
    rows = _read(Path(table))
    both = rows.filter(pc.and_(rows["video_embeds"].is_valid(), rows["audio_embeds"].is_valid()))
    names, pair = np.unique(np.array(both["file"].to_pylist(), str), return_inverse=True)
    if len(names) < 2:
        raise InvalidValueError(
            explain(f"files of {table} with picture and sound", len(names), "at least two", "Embed more files.")
        )
    means = []
    for column in _COLUMNS[1:]:
        windows = F.normalize(torch.from_numpy(np.stack(both[column].to_numpy())).float(), dim=1)
        sums = torch.zeros(len(names), windows.shape[1]).index_add_(0, torch.from_numpy(pair), windows)
        means.append(sums / torch.from_numpy(np.bincount(pair))[:, None])
    recall = cross_modal_recall(*means, gallery_size=len(names), ks=ks)
    return CrossModalScore(len(names), sorted(set(rows["file"].to_pylist()) - set(names.tolist())), recall)


def _read(path: Path) -> pa.Table:
    try:
        rows = pq.read_table(path, columns=_COLUMNS, partitioning=None)
        if "view_video_embeds" in pq.read_schema(path).names:
            got = "embeddings of 360° films, whose picture and sound lie in spaces of their own"
        elif all(pa.types.is_list(rows.schema.field(name).type) for name in _COLUMNS[1:]):
            return rows
        else:
            got = "columns of another kind"
    except FileNotFoundError:
        got = "no such file"
    except (OSError, pa.ArrowInvalid) as error:
        got = str(error).splitlines()[0].split(". ")[0]
    rule = f"a .parquet table with the columns {', '.join(_COLUMNS)}"
    step = "Write it with: avssl embed FILES --model NAME --out embeddings.parquet"
    raise InvalidValueError(explain(f"embeddings {path}", got, rule, step))
