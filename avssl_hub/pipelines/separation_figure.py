"""The picture of a separation: spectrograms of the mixture and its two parts, one above the other."""

import wave
from collections.abc import Mapping
from math import ceil
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from ..audio.stft import stft, to_decibels
from ..outputs import replacing

_FRAME, _HOP, _FFT = 0.064, 0.016, 2048  # seconds and samples, the network's own at 21 kHz
_MOST_COLUMNS = 1500  # no screen shows more
_RANGE = 70  # decibels from white to the loudest
_WIDTH, _HEIGHT = 11.0, 2.3  # inches of one panel
_FONT, _INK = 12, "#222222"


def draw_separation(sounds: Mapping[str, Path], path: Path, title: str, start: float = 0.0) -> None:
    """Write spectrograms of mono 16-bit wav files of one rate and length as a PNG.

    Colours are one scale for all, in decibels relative to a full-scale sample. The files are read bit by bit, so
    that any length will do; columns of long ones are the mean power of their span.

    Args:
        sounds: Files by what to call them.
        path: Where to write.
        title: First line of the picture.
        start: Time of the first sample in seconds.

    Raises:
        OutputError: The picture cannot be written.
    """
    spectrograms = {name: _levels(file) for name, file in sounds.items()}
    loudest = max(levels.max().item() for levels, _, _ in spectrograms.values())
    figure = Figure(figsize=(_WIDTH, _HEIGHT * len(sounds) + 1.0), dpi=110, facecolor="white", layout="constrained")
    panels = figure.subplots(len(sounds), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, (levels, seconds, nyquist)) in zip(panels, spectrograms.items()):
        image = axes.imshow(
            levels.T.numpy(),
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=loudest - _RANGE,
            vmax=loudest,
            extent=(start, start + seconds, 0, nyquist / 1000),
        )
        axes.set_title(name, fontsize=_FONT, loc="left", color=_INK)
        axes.set_ylabel("kHz", fontsize=_FONT - 1, color=_INK)
    panels[-1].set_xlabel("seconds", fontsize=_FONT - 1, color=_INK)
    bar = figure.colorbar(image, ax=list(panels), pad=0.01, aspect=40)
    bar.set_label("dB relative to full scale", fontsize=_FONT - 1, color=_INK)
    figure.suptitle(title, fontsize=_FONT + 1, color=_INK, x=0.01, ha="left")
    with replacing(path) as partial:
        figure.savefig(partial, format="png")


def _levels(path: Path) -> tuple[torch.Tensor, float, float]:
    """Return a file's spectrogram in decibels ``(columns, bins)``, its seconds and its highest frequency in hertz."""
    with wave.open(str(path), "rb") as file:
        rate, samples = file.getframerate(), file.getnframes()
        frame, hop = round(_FRAME * rate), round(_HOP * rate)
        frames = max(1, (samples - frame) // hop + 1)
        group = ceil(frames / _MOST_COLUMNS)
        columns = []
        for first in range(0, frames, group):
            count = min(group, frames - first)
            file.setpos(first * hop)
            block = np.frombuffer(file.readframes((count - 1) * hop + frame), dtype="<i2") / np.float32(32767)
            sound = torch.from_numpy(np.pad(block, (0, max(0, frame - len(block)))))
            power = stft(sound, frame, hop, _FFT).abs().square().mean(0)
            columns.append(to_decibels(power.sqrt() * 2 / (frame / 2)))
    return torch.stack(columns), samples / rate, rate / 2
