"""Whether what an index says can be: of its data files, of places in them, and of partitioned variables."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from avssl_hub.errors import explain

from .dtypes import stored_as
from .entries import Entry, Slice, slice_key
from .errors import AGAIN, Malformed, TruncatedError


def check_places(entries: Mapping[bytes, Entry], files: Sequence[Path]) -> None:
    """Check that every entry has its bytes for itself, as many as its type and shape ask for.

    Raises:
        TruncatedError: A data file is too short.
        Malformed: Sizes and places contradict each other.
    """
    sizes = [file.stat().st_size for file in files]
    places = []
    for key, entry in entries.items():
        label = repr(key.decode(errors="replace"))
        if entry.shard >= len(files):
            raise Malformed(f"{label} in data file {entry.shard}", f"one of {len(files)}, counted from 0")
        if dtype := stored_as(entry.dtype):
            needed = math.prod(entry.shape) * dtype.itemsize
            if entry.size != needed:
                raise Malformed(f"{entry.size} bytes for {label}", f"{needed} for shape {entry.shape}")
        end = entry.offset + entry.size
        if end > sizes[entry.shard]:
            got = f"{sizes[entry.shard]} bytes"
            raise TruncatedError(explain(f"reading {files[entry.shard]}", got, f"{label} to end at {end}", AGAIN))
        places.append((entry.shard, entry.offset, end, label))
    places = sorted(place for place in places if place[1] < place[2])
    for (shard, _, end, before), (other, begin, _, label) in pairwise(places):
        if shard == other and begin < end:
            raise Malformed(f"{label} beginning within {before}", "variables that do not share bytes")


def check_slices(variables: Mapping[str, Entry], slices: Mapping[bytes, Entry]) -> None:
    """Check that partitioned variables and the entries of slices belong together.

    Raises:
        Malformed: A slice is missing, of another form than its variable says, or of no variable.
    """
    claimed = set()
    for name, whole in variables.items():
        total = 0
        for part in whole.slices:
            key = slice_key(name, part)
            if key not in slices or key in claimed:
                got = f"slice {part} of {name!r} {'listed twice' if key in claimed else 'without an entry'}"
                raise Malformed(got, "each slice once, with an entry")
            claimed.add(key)
            shape = tuple(place.stop - place.start for place in extents(part, whole.shape))
            if slices[key].slices or (slices[key].dtype, slices[key].shape) != (whole.dtype, shape):
                raise Malformed(f"an entry of another kind for slice {part} of {name!r}", "type and shape of the slice")
            total += math.prod(shape)
        if whole.slices and total != math.prod(whole.shape):
            raise Malformed(f"slices of {name!r} with {total} values", f"{math.prod(whole.shape)}, as its shape has")
    if stray := slices.keys() - claimed:
        raise Malformed(f"a slice {min(stray)[:80]!r} of no variable", "slices of the variables listed")


def extents(part: Slice, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Where a slice lies in its variable.

    Raises:
        Malformed: Outside.
    """
    places = tuple(
        slice(start, length if size < 0 else start + size) for (start, size), length in zip(part, shape, strict=True)
    )
    if any(not 0 <= place.start <= place.stop <= length for place, length in zip(places, shape)):
        raise Malformed(f"slice {part} of a variable of shape {shape}", "slices inside")
    return places
