"""Ambisonics from files, block by block, brought into ACN order and SN3D scale."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from os import PathLike

import torch

from ...audio.ambisonics import convert, named_convention
from ...audio.ambisonics.conventions import FULL_SPHERES
from ...audio.blocks import of_length
from ...errors import InvalidValueError, explain
from ...media import DecodeError, SoundReader, SpatialAudio, read_spatial_metadata

Files = str | PathLike | Sequence[str | PathLike]


class AmbisonicSound:
    """Ambisonic sound of one file, or of several that hold its channels in turn.

    Args:
        files: The file or files.
        convention: ``"ambix"``, ``"n3d"`` or ``"fuma"``; by default what the file says of itself (SA3D), else ambix.
        stored_order: Take the channels in the order in which Vorbis and Opus files hold them. Decoders take 3 or 5 to
            8 of them for loudspeakers and sort those, which is wrong if whoever wrote the file did not.

    Attributes:
        files: Names of the files.
        convention: Name of the convention.
        stated: Whether the file says so itself.
        order: Ambisonic order.
        sampling_rate: Samples per second.
        length: Samples a channel, as the header of the first file has it.
        other_order: Where each channel stands if ``stored_order`` is the other way; None if that changes nothing.
        notes: What is odd about the files; empty if nothing is.

    Raises:
        InvalidValueError: The channels are not 4, 9 or 16 together, or files differ in sampling rate.
        UnknownNameError: There is no such convention.
        MediaError: A file cannot be read or has no sound.
    """

    def __init__(self, files: Files, convention: str | None = None, stored_order: bool = False):
        paths = [files] if isinstance(files, str | PathLike) else list(files)
        self._convention = named_convention(convention or "ambix")
        metadata = read_spatial_metadata(paths[0]) if len(paths) == 1 and not convention else None
        said = metadata.audio if metadata else None
        with ExitStack() as stack:
            self._readers = [stack.enter_context(SoundReader(path)) for path in paths]
            self.files = tuple(reader.name for reader in self._readers)
            self.sampling_rate = self._common_rate()
            self.notes: tuple[str, ...] = ()
            self._places = self._stacked(stored_order)
            other = self._stacked(not stored_order)
            if said:
                self._places = self._mapped(said)
            self.order = self._checked_order()
            self._stack = stack.pop_all()
        self.convention = convention or "ambix"
        self.stated = said is not None
        self.length = self._readers[0].length
        differs = not said and other != self._places
        self.other_order = [self._places.index(place) for place in other] if differs else None

    def __enter__(self) -> "AmbisonicSound":
        return self

    def __exit__(self, *exception) -> None:
        self._stack.close()

    @property
    def name(self) -> str:
        """Names of the files, with commas between them."""
        return ", ".join(self.files)

    def blocks(self, samples: int) -> Iterator[torch.Tensor]:
        """Yield the sound in ACN and SN3D, in blocks ``(channels, samples)`` of which only the last may be shorter.

        Raises:
            DecodeError: A sample is not a finite number, or files differ in length.
            MediaError: A file cannot be decoded.
        """
        for block in self.raw_blocks(samples):
            yield self.in_ambix(block)

    def in_ambix(self, block: torch.Tensor) -> torch.Tensor:
        """Convert what ``raw_blocks`` gave to ACN and SN3D."""
        return convert(block, self._convention)

    def raw_blocks(self, samples: int) -> Iterator[torch.Tensor]:
        """As ``blocks``, in the files' own convention."""
        begin = 0
        for rows in zip_longest(*(of_length(reader, samples) for reader in self._readers)):
            lengths = {0 if row is None else row.shape[1] for row in rows}
            if len(lengths) > 1:
                step = "Give files that belong together."
                raise self._broken(begin, "files that differ in length", "equally long channels", step)
            block = torch.cat(rows)[self._places]
            if not block.isfinite().all():
                bad = begin + int((~block.isfinite()).any(0).nonzero()[0, 0])
                raise self._broken(bad, "NaN or infinity", "finite samples", "Export the sound again.")
            yield block
            begin += block.shape[1]

    def _common_rate(self) -> int:
        rates = {reader.sampling_rate for reader in self._readers}
        if len(rates) > 1:
            got = " and ".join(f"{rate} Hz" for rate in sorted(rates))
            raise InvalidValueError(explain(f"sampling rates of {self.name}", got, "one rate", "Resample the sound."))
        return rates.pop()

    def _stacked(self, stored_order: bool) -> list[int]:
        """Where each channel stands among all that are read."""
        places: list[int] = []
        for reader in self._readers:
            own = reader.stored_places if stored_order else range(reader.channels)
            places += [len(places) + place for place in own]
        return places

    def _mapped(self, said: SpatialAudio) -> list[int]:
        """The channels that the file's own map lists, which may leave some out."""
        if (said.ordering, said.normalization) != ("acn", "sn3d"):
            got = f"ordering {said.ordering}, normalization {said.normalization}"
            step = "Name it yourself with --convention."
            raise InvalidValueError(explain(f"convention stated in {self.name}", got, "acn and sn3d", step))
        wanted = said.channel_map[: (said.order + 1) ** 2]
        if max(wanted) >= len(self._places):
            got = f"channel {max(wanted)} of {len(self._places)}"
            raise InvalidValueError(explain(f"channel map stated in {self.name}", got, "channels that there are"))
        if said.head_locked:
            self.notes = ("two channels of stereo that does not turn with the head are left out",)
        return [self._places[place] for place in wanted]

    def _checked_order(self) -> int:
        channels = len(self._places)
        if channels not in FULL_SPHERES:
            expected = "4, 9 or 16 of a full sphere of order 1, 2 or 3"
            step = "If its channels lie in several files, give them all."
            raise InvalidValueError(explain(f"channels of {self.name}", channels, expected, step))
        return FULL_SPHERES[channels]

    def _broken(self, sample: int, got: str, expected: str, step: str) -> DecodeError:
        time = sample / self.sampling_rate
        what = f"reading {self.name} at {time:.3f} s"
        return DecodeError(explain(what, got, expected, step), self.name, None, time)
