"""The picture of a comparison: thumbnails down the side, spectrograms along the top, cosines between them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..audio.spectrogram import log_spectrogram
from ..data.clips import Span, center_start
from ..media import MediaReader
from ..outputs import replacing
from ._figure_style import BEST, FONT, INK
from .match import Matches

_SOUND_RATE = 12000  # samples per second of the strips: most of speech and of AVWorld lies below 6 kHz
_SOUND_SECONDS = 2.0

# Inches.
_CELL, _GAP, _STRIP, _BAR = 0.72, 0.05, 0.9, 0.25
_LETTER = 0.115
_HEAD, _FOOT, _RIGHT = 1.0, 1.0, 1.0
_LEAST_WIDTH = 8.0

_LEAST_RANGE = 0.5  # of the colours, so that a model to which all is alike looks that way


def draw_matches(matches: Matches, labels: Sequence[str], path: str | Path, subtitle: str) -> None:
    """Write the comparison as a PNG.

    Args:
        matches: What to draw; up to about 16 clips stay legible.
        labels: A short name for each of ``matches.files``.
        path: Where to write.
        subtitle: What was compared, for the second line of the title.

    Raises:
        MediaError: A thumbnail or a sound cannot be read.
        OutputError: The picture cannot be written.
    """
    rows, columns = matches.similarity.shape
    longest = max(map(len, labels)) * _LETTER
    left = max(longest, 10 * _LETTER) + 0.3 + _CELL + _GAP
    head = _HEAD + 0.75 * longest + 0.2
    width = max(_LEAST_WIDTH, left + _CELL * columns + _GAP + _BAR + _RIGHT)
    height = head + _STRIP + _GAP + _CELL * rows + _FOOT
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white")

    def place(x: float, y: float, w: float, h: float) -> Axes:
        """Add axes by the distances of their top left corner from that of the figure, in inches."""
        return figure.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))

    top = head + _STRIP + _GAP
    main = place(left, top, _CELL * columns, _CELL * rows)
    image = _draw_matrix(main, matches)
    for row, index in enumerate(matches.pictures):
        axes = place(left - _GAP - _CELL, top + _CELL * row + _GAP / 2, _CELL, _CELL - _GAP)
        axes.imshow(_thumbnail(matches.files[index]).numpy())
        axes.set_ylabel(labels[index], rotation=0, ha="right", va="center", fontsize=FONT, color=INK)
        _bare(axes)
    for column, index in enumerate(matches.sounds):
        axes = place(left + _CELL * column + _GAP / 2, head, _CELL - _GAP, _STRIP)
        decibels = _spectrogram(matches.files[index])
        loudest = decibels.max().item()
        axes.imshow(decibels.T.numpy(), origin="lower", aspect="auto", cmap="Greys", vmin=loudest - 60, vmax=loudest)
        axes.set_title(labels[index], fontsize=FONT, color=INK, rotation=45, ha="left", va="bottom", x=0.3)
        _bare(axes)
    _draw_corner(place(0, head, left - _GAP, _STRIP))
    bar = figure.colorbar(image, cax=place(left + _CELL * columns + _GAP, top, _BAR, _CELL * rows))
    bar.set_label("cosine similarity", fontsize=FONT - 1, color=INK)
    bar.ax.tick_params(labelsize=FONT - 3)
    _write_texts(figure, matches, subtitle, height)
    with replacing(Path(path)) as partial:
        figure.savefig(partial, format="png")


def _draw_matrix(axes: Axes, matches: Matches):
    values = matches.similarity.numpy()
    limit = max(_LEAST_RANGE, abs(values.min()), abs(values.max()))
    image = axes.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for row, picture in enumerate(matches.pictures):
        for column, sound in enumerate(matches.sounds):
            value = values[row, column]
            ink = "white" if abs(value) > 0.65 * limit else INK
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=FONT - 3)
            if picture == sound:
                corner = (column - 0.45, row - 0.45)
                axes.add_patch(Rectangle(corner, 0.9, 0.9, fill=False, edgecolor=BEST, linewidth=2.5))
        axes.scatter(values[row].argmax(), row - 0.3, s=45, c=INK, edgecolors="white", zorder=3)
    return image


def _draw_corner(axes: Axes) -> None:
    axes.axis("off")
    for height, text in ((0.5, "sounds →"), (0.12, "pictures ↓")):
        axes.text(0.97, height, text, ha="right", va="center", fontsize=FONT, weight="bold", color=INK)


def _write_texts(figure: Figure, matches: Matches, subtitle: str, height: float) -> None:
    found, found_back, both = matches.hits()
    question = "Which sound belongs to which picture?"
    result = f"picture finds its own sound: {found} of {both}     sound finds its own picture: {found_back} of {both}"
    key = "Rows are pictures, columns are sounds.  Red box: from one clip.  Dot: the nearest sound of each picture."
    figure.text(0.02, 1 - 0.2 / height, question, fontsize=FONT + 5, va="top", weight="bold")
    figure.text(0.02, 1 - 0.6 / height, subtitle, fontsize=FONT - 2, va="top", color=INK)
    figure.text(0.02, 0.5 / height, result, fontsize=FONT, va="bottom", weight="bold")
    figure.text(0.02, 0.2 / height, key, fontsize=FONT - 3, va="bottom", color=INK)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_edgecolor("#bbbbbb")


def _thumbnail(file: Path) -> torch.Tensor:
    """Return the middle square of the frame in the middle of the file, uint8 ``(side, side, 3)``."""
    with MediaReader(file) as reader:
        stream = reader.video
        middle = center_start(Span(stream.start, stream.end), 1 / stream.fps)
        frame = reader.read_video(middle, 1.0, stream.fps, max_frames=1).frames[0]
    side = min(frame.shape[:2])
    top, left = ((length - side) // 2 for length in frame.shape[:2])
    return frame[top : top + side, left : left + side]


def _spectrogram(file: Path) -> torch.Tensor:
    """Return the sound in the middle of the file in decibels, ``(time, frequency)``."""
    with MediaReader(file) as reader:
        stream = reader.audio
        start = center_start(Span(stream.start, stream.end), _SOUND_SECONDS)
        samples = reader.read_audio(start, _SOUND_SECONDS, _SOUND_RATE).samples[0]
    return log_spectrogram(samples, 512, 128, len(samples) // 128)
