"""Small media files with readable contents: pictures that show their number, sound whose samples tell the time.

Written with PyAV alone, so that the tests of the reader lean on nothing of the package.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

import av
import numpy as np

BLOCK = 16  # pixels a side of one bit of a picture's number
CLICK = 0.5  # seconds from one click to the next, on the container's clock


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Show ``number`` in black and white blocks, lowest bit first, row by row."""
    columns = width // BLOCK
    image = np.zeros((height, width, 3), np.uint8)
    for bit in range(columns * (height // BLOCK)):
        row, column = divmod(bit, columns)
        if number >> bit & 1:
            image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = 255
    return image


def number_in(image) -> int:
    """Read a picture's number back."""
    image = np.asarray(image)
    rows, columns = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    blocks = image[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3).mean((1, 3, 4))
    return sum(int(value > 127) << bit for bit, value in enumerate(blocks.reshape(-1)))


def numbers_in(clip) -> list[int]:
    """Read the numbers of a clip's frames."""
    return [number_in(frame) for frame in clip.frames]


def sine(seconds: float, rate: int, frequency: float = 440.0, channels: int = 1) -> np.ndarray:
    """Make a steady tone of amplitude 0.5."""
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[None], channels, 0).astype(np.float32)


def clicks(start: float, seconds: float, rate: int) -> np.ndarray:
    """Make short clicks at the multiples of ``CLICK`` seconds, for sound that begins at ``start``."""
    wave = np.zeros(round(seconds * rate), np.float32)
    length = rate // 500
    for k in range(1, int((start + seconds) / CLICK) + 1):
        centre = round((k * CLICK - start) * rate)
        if length < centre < len(wave) - length:
            wave[centre - length : centre + length] = 0.9 * np.hanning(2 * length)
    return wave[None]


def noise(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Make noise that differs everywhere, so that a shift by one sample shows."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, round(seconds * rate))).astype(np.float32)


@dataclass
class Sound:
    """One sound stream to write: float samples ``(channels, n)`` and where they begin."""

    samples: np.ndarray
    rate: int
    codec: str = "aac"
    layout: str = "mono"
    start: float = 0.0


def make(
    path: Path,
    times: list[float] | None = None,
    sounds: tuple[Sound, ...] = (),
    *,
    fps: int = 10,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    options: dict | None = None,
    turn: tuple[int, bool, bool] | None = None,
    pictures=None,
    cover: bool = False,
    interleave: bool = True,
    format: str | None = None,
    sound_options: dict | None = None,
    gap: tuple[float, np.ndarray] | None = None,
    container_options: dict | None = None,
) -> Path:
    """Write a file: frame ``i`` shows ``i`` (or ``pictures(i)``) and stands at ``times[i]`` seconds.

    ``turn`` is the display rotation (degrees counter-clockwise, horizontal flip, vertical flip); ``gap`` continues
    the (16-bit) sound with other samples at a later time.
    """
    packets = []
    tick = Fraction(1, 1000)
    with av.open(str(path), "w", format=format, options=container_options or {}) as output:
        if times is not None:
            video = output.add_stream(
                codec, rate=fps, options={"crf": "10", **(options or {})} if codec == "libx264" else options
            )
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.time_base = tick if codec == "libx264" else Fraction(1, fps)
            if turn:
                video.set_display_rotation(turn[0], hflip=turn[1], vflip=turn[2])
            for i, time in enumerate(times):
                image = pictures(i) if pictures else picture(i, *size)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts, frame.time_base = round(time * 1000), tick
                packets += video.encode(frame)
            packets += video.encode(None)
        if cover:
            art = output.add_stream("png")
            art.width, art.height, art.pix_fmt = 64, 48, "rgb24"
            art.disposition = av.stream.Disposition.attached_pic
        for sound in sounds:
            # Noise substitution would make the decoder's output depend on what it decoded before.
            plain = {"aac_pns": "0"} if sound.codec == "aac" else {}
            audio = output.add_stream(
                sound.codec, rate=sound.rate, layout=sound.layout, options={**plain, **(sound_options or {})}
            )
            for start, samples in [(sound.start, sound.samples), *([gap] if gap else [])]:
                # Packed, since PyAV makes no frames of eight planes.
                kind, block = "flt", np.asarray(samples, np.float32)
                if sound.codec in ("pcm_s16le", "flac"):
                    kind, block = "s16", np.round(block * 32767).astype(np.int16)
                block, step = block.T.reshape(1, -1), 4096 * len(samples)
                for begin in range(0, block.shape[1], step):
                    piece = np.ascontiguousarray(block[:, begin : begin + step])
                    frame = av.AudioFrame.from_ndarray(piece, format=kind, layout=sound.layout)
                    frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
                    frame.pts = round(start * sound.rate) + begin // step * 4096
                    packets += audio.encode(frame)
            packets += audio.encode(None)
        if cover:
            packets += art.encode(av.VideoFrame.from_ndarray(picture(5), format="rgb24")) + art.encode(None)
        if interleave:
            packets.sort(key=lambda packet: packet.dts * packet.time_base)
        for packet in packets:
            (output.mux if interleave else output.mux_one)(packet)
    return path


def wanted_numbers(times, start, duration, fps, source_fps, stream_start, stream_end) -> list[int]:
    """Which frames a window wants, straight from the words of the rule, for frames at ``times``."""
    chosen = []
    for k in range(int(duration * fps + 1e-9)):
        time = start + k / fps
        if not time < min(start + duration - 0.5 / source_fps, stream_end) - 1e-9:
            break
        wanted = floor((time - stream_start) * source_fps + 1e-9)
        reached = [i for i, t in enumerate(times) if floor((t - stream_start) * source_fps + 0.5 + 1e-9) >= wanted]
        chosen += reached[:1]
    return chosen
