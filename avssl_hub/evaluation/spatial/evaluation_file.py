"""The authors' ``eval-detailed.txt``: figures of each chunk of each video."""

import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import InvalidValueError, explain
from ...outputs import replacing

ID = "SampleID"
BAR = " | "


class ScoredChunks(NamedTuple):
    """Figures of chunks.

    Attributes:
        videos: Of each chunk its video.
        times: Of each its beginning in seconds.
        figures: ``(chunks,)`` float64 each, by name.
    """

    videos: list[str]
    times: list[float]
    figures: dict[str, Tensor]

    def write(self, path: str | Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            InvalidValueError: A video's name has a space, which parts the columns.
            OutputError: The file cannot be written.
        """
        for video in self.videos:
            if len(video.split()) != 1:
                raise InvalidValueError(explain("name of a video", repr(video), "one without spaces"))
        rows = zip(self.videos, self.times, zip(*(values.tolist() for values in self.figures.values())))
        lines = [f"{ID}{BAR}{' '.join(self.figures)}"]
        lines += [f"{video} {time}{BAR}{' '.join(map(repr, values))}" for video, time, values in rows]
        with replacing(Path(path)) as partial:
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: str | Path) -> "ScoredChunks":
        """Read such a file.

        Raises:
            InvalidValueError: It is not one; the text names file and line.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidValueError(
                explain(f"reading {path}", error, "a file of figures, eval-detailed.txt")
            ) from error
        head, names = (lines[0] if lines else "").partition(BAR)[::2]
        if head != ID or not names:
            rule = f"'{ID}{BAR}' and names of figures"
            raise InvalidValueError(explain(f"{path}, line 1", repr(head), rule))
        rows = [_row(line, len(names.split()), f"{path}, line {number}") for number, line in enumerate(lines[1:], 2)]
        columns = torch.tensor([values for _, _, values in rows], dtype=torch.float64).reshape(len(rows), -1).unbind(1)
        return cls([video for video, _, _ in rows], [time for _, time, _ in rows], dict(zip(names.split(), columns)))


def _row(line: str, count: int, place: str) -> tuple[str, float, list[float]]:
    front, _, figures = line.partition(BAR)
    try:
        video, time = front.split()
        values = [float(value) for value in figures.split()]
        if len(values) != count or not math.isfinite(float(time)):
            raise ValueError
        return video, float(time), values
    except ValueError as error:
        raise InvalidValueError(explain(place, repr(line), f"<video> <time>{BAR}{count} numbers")) from error
