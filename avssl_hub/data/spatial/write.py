"""Writing a prepared 360° video, which appears whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

import torch

from ...audio.blocks import of_length
from ...errors import explain
from ...media import write_sound
from ...media.jpeg import write_jpeg
from ...outputs import making
from .errors import UnequalLengthsError
from .folder import PICTURES, POWERS, SOUND, SpatialFolder
from .powers import format_powers, measure_powers
from .rules import ChunkRules


def write_folder(
    path: str | Path,
    ambisonics: Iterable[torch.Tensor],
    frames: Iterable[torch.Tensor],
    rules: ChunkRules | None = None,
    quality: int = 95,
) -> SpatialFolder:
    """Write sound, frames and powers as :class:`SpatialFolder` reads them.

    Whole seconds are written that have both sound and frames; what is left over is dropped.

    Args:
        path: The folder; there may be none yet.
        ambisonics: W, Y, Z, X (SN3D) in blocks (4, n) that follow each other; what is beyond ±1 is cut.
        frames: uint8 (3, H, W) each, at ``rules.fps``.
        rules: Sampling rate, frame rate and start of chunks.
        quality: Of the JPEG frames, 1 to 100.

    Returns:
        The folder.

    Raises:
        OutputError: The folder is there already, or cannot be written.
        UnequalLengthsError: Sound or frames last less than a second.
    """
    rules, path = rules or ChunkRules(), Path(path)
    with making(path) as folder:
        (folder / SOUND).mkdir()
        (folder / PICTURES).mkdir()
        seconds = pictures = 0
        for samples in of_length(ambisonics, rules.sampling_rate):
            if samples.shape[1] < rules.sampling_rate:
                break
            target = folder / SOUND / f"{seconds:06d}.wav"
            write_sound(target, samples, rules.sampling_rate, sample_format="int16")
            seconds += 1
        for frame in frames:
            # Sound that has ended needs no more pictures.
            if pictures >= seconds * rules.fps:
                break
            write_jpeg(folder / PICTURES / f"{pictures:06d}.jpg", frame, quality)
            pictures += 1
        whole = min(seconds, int(pictures / rules.fps))
        if not whole:
            got = f"{seconds} whole seconds of sound and {pictures} frames"
            rule = f"at least a second of sound and {rules.fps:g} frames"
            raise UnequalLengthsError(explain(f"preparing {path}", got, rule))
        for second in range(whole, seconds):
            (folder / SOUND / f"{second:06d}.wav").unlink()
        for picture in range(round(whole * rules.fps), pictures):
            (folder / PICTURES / f"{picture:06d}.jpg").unlink()
        written = SpatialFolder(folder, rules)
        powers = measure_powers(written.sound, whole, rules)
        (folder / POWERS).write_text(format_powers(powers), encoding="utf-8")
    return SpatialFolder(path, rules)
