"""A file of ambisonics into another file: rotated, converted, or for two ears."""

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path

import torch

from ...audio.ambisonics import AMBIX, convert, harmonics_rotation, named_convention, rotation_matrix
from ...audio.binaural import binauralize_blocks
from ...audio.head_model import spherical_head
from ...audio.head_responses import HeadResponses, SymmetricHead
from ...jobs.interrupts import heard_interrupts
from ...media import write_sound
from ...outputs import check_suffix
from .source import AmbisonicSound

Progress = Callable[[int, int], object]


def rotate_file(
    sound: AmbisonicSound,
    out: str | PathLike,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    convention: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> float:
    """Write the scene turned: by ``roll``, then ``pitch``, then ``yaw``; all 0 only converts it.

    Args:
        sound: The opened file.
        out: A .wav file, in floats; appears when complete.
        yaw: Radians; positive moves what is ahead to the left.
        pitch: Radians; positive moves what is ahead up.
        roll: Radians; positive moves what is left up.
        convention: Of the file to write, ``"ambix"``, ``"n3d"`` or ``"fuma"``; that of ``sound`` by default.
        force: Replace a file that is there.
        progress: Called with the seconds done and of all.

    Returns:
        The largest magnitude of a sample.

    Raises:
        UnknownNameError: There is no such convention.
        OutputError: ``out`` is no .wav, or exists and ``force`` is not given.
        MediaError: Reading or writing failed.
    """
    target = named_convention(convention or sound.convention)
    turn = harmonics_rotation(rotation_matrix(yaw, pitch, roll), sound.order).float()
    turned = (convert(turn @ block, AMBIX, target) for block in sound.blocks(sound.sampling_rate))
    return _write(sound, out, turned, force, progress)


def binauralize_file(
    sound: AmbisonicSound,
    out: str | PathLike,
    head: HeadResponses | SymmetricHead | None = None,
    yaw: float = 0.0,
    force: bool = False,
    progress: Progress | None = None,
) -> float:
    """Write the scene for headphones: two channels, left ear first, with the end of the last echo.

    Args:
        sound: The opened file.
        out: A .wav file, in floats; appears when complete.
        head: What is heard from where, of :func:`avssl_hub.media.hrir.read_hrir`; a rigid sphere by default.
        yaw: Radians by which the head is turned to the left.
        force: Replace a file that is there.
        progress: Called with the seconds done and of all.

    Returns:
        The largest magnitude of a sample.

    Raises:
        InvalidValueError: The head is made for another ambisonic order.
        OutputError: ``out`` is no .wav, or exists and ``force`` is not given.
        MediaError: Reading or writing failed.
    """
    rate = sound.sampling_rate
    return _write(sound, out, two_ears(sound.blocks(rate), sound.order, rate, head, yaw), force, progress)


def two_ears(
    blocks: Iterable[torch.Tensor],
    order: int,
    sampling_rate: int,
    head: HeadResponses | SymmetricHead | None = None,
    yaw: float = 0.0,
) -> Iterator[torch.Tensor]:
    """Render blocks of ambisonics that follow each other, as ``binauralize_blocks``, for a head that is turned.

    Args:
        blocks: ``(channels, n)`` each, in ACN and SN3D.
        order: Their ambisonic order.
        sampling_rate: Their samples per second.
        head: See ``binauralize_file``.
        yaw: The same.

    Raises:
        InvalidValueError: The head is made for another ambisonic order.
    """
    filters = (head or spherical_head(sampling_rate)).filters(order, sampling_rate)
    turn = harmonics_rotation(rotation_matrix(-yaw), order).float()
    return binauralize_blocks((turn @ block for block in blocks), filters)


def _write(
    sound: AmbisonicSound,
    out: str | PathLike,
    blocks: Iterable[torch.Tensor],
    force: bool,
    progress: Progress | None,
) -> float:
    out, peak, done = Path(out), 0.0, 0
    check_suffix(out, [".wav"], force)

    def watched() -> Iterator[torch.Tensor]:
        nonlocal peak, done
        for block in blocks:
            check()
            peak, done = max(peak, block.abs().amax().item()), done + block.shape[1]
            yield block
            if progress:
                progress(done // sound.sampling_rate, max(done, sound.length) // sound.sampling_rate)

    with heard_interrupts() as check:
        write_sound(out, watched(), sound.sampling_rate, overwrite=force)
    return peak
