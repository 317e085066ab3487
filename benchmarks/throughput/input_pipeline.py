"""Clips a second from a file to the model's inputs: this library, the plain way, and bare decoding.

All paths read the same clips by turns in one process on one thread, and share the training draws.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import av
import torch

from avssl_hub.data.clips import Span, sample_start
from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media import MediaReader, prepare_media, probe
from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.video.augment import ClipAugmentation, ClipChanges
from avssl_hub.video.transforms import repeat_to_length

from . import _straightforward as plain
from ._measure import Laps, bar, by_turns, torch_threads

# How many times the straightforward path on files as found, by mode and by the files that the library reads.
BARS = {
    ("eval", "as found"): 1.5,
    ("train", "as found"): 1.9,
    ("eval", "re-encoded"): 3.5,
    ("train", "re-encoded"): 4.0,
}
# Clips read in a row before it is another path's turn, as a loader would read them.
BLOCK = 10


@dataclass(frozen=True)
class Clip:
    """What is read of one file, as found and re-encoded, and what happens to it in training."""

    paths: dict[str, Path]
    sound_start: float
    video_start: float
    changes: ClipChanges
    volume: float


@dataclass(frozen=True)
class Inputs:
    """What the model gets: ``(T, 3, H, W)`` pixels and a ``(time, rows)`` spectrogram."""

    pixels: torch.Tensor
    features: torch.Tensor


def choose_clips(videos: Sequence[Path], count: int, folder: Path, processor: AvidProcessor) -> list[Clip]:
    """Draw one clip from each of ``count`` files spread over ``videos``, and re-encode these into ``folder``."""
    usable = [path for path in videos if _common_span(path) is not None]
    usable = usable[:: max(1, len(usable) // count)][:count]
    if not usable:
        raise InvalidValueError(
            explain("videos to measure on", f"{len(videos)} files", "one with picture and sound at least 3 s long")
        )
    generator = torch.Generator().manual_seed(0)
    clips = []
    for index, path in enumerate(usable):
        print(f"\rre-encoding {index + 1}/{len(usable)} ", end="", file=sys.stderr, flush=True)
        picture = probe(path).video[0]
        start = sample_start(_common_span(path), processor.audio_duration, generator)
        prepared = prepare_media(path, folder / f"{index}.mp4", sampling_rate=processor.sampling_rate)
        clips.append(
            Clip(
                {"as found": path, "re-encoded": prepared},
                start,
                start + (processor.audio_duration - processor.video_duration) / 2,
                ClipAugmentation().sample(picture.height, picture.width, generator),
                0.9 + 0.2 * torch.rand((), generator=generator).item(),
            )
        )
    print(file=sys.stderr)
    return clips


def _common_span(path: Path) -> Span | None:
    info = probe(path)
    # The plain path knows nothing of rotation.
    if not (info.has_video and info.has_audio) or info.video[0].rotation:
        return None
    picture, sound = info.video[0], info.audio[0]
    span = Span(max(picture.start, sound.start), min(picture.end, sound.end))
    return span if span.end - span.start > 3 else None


def library(clip: Clip, files: str, mode: str, processor: AvidProcessor, laps: Laps, label: str) -> Inputs:
    """Read and transform one clip with this library."""
    with MediaReader(clip.paths[files]) as reader:
        with laps.lap(f"{label}: video"):
            video = reader.read_video(clip.video_start, processor.video_duration, processor.fps, processor.num_frames)
        with laps.lap(f"{label}: video transform"):
            if mode == "eval":
                pixels = processor.pixels(video.frames).contiguous()
            else:
                pixels = ClipAugmentation(processor.crop_size).apply(video.frames, clip.changes)
                pixels = repeat_to_length(pixels, processor.num_frames)
        with laps.lap(f"{label}: sound"):
            start = clip.sound_start + video.times[0].item() - clip.video_start
            samples = reader.read_audio(start, processor.audio_duration, processor.sampling_rate).samples[0]
    with laps.lap(f"{label}: spectrogram"):
        features = processor.spectrogram(samples * clip.volume if mode == "train" else samples)
    return Inputs(pixels, features)


def straightforward(clip: Clip, files: str, mode: str, processor: AvidProcessor, laps: Laps, label: str) -> Inputs:
    """Read and transform one clip the plain way."""
    path = clip.paths[files]
    with laps.lap(f"{label}: video"):
        images, first = plain.read_frames(path, clip.video_start, processor.num_frames, processor.fps)
    with laps.lap(f"{label}: video transform"):
        if mode == "eval":
            pixels = plain.transform_eval(images, processor)
        else:
            pixels = plain.transform_train(images, processor, clip.changes)
    with laps.lap(f"{label}: sound"):
        start = clip.sound_start + first - clip.video_start
        samples = plain.read_sound(path, start, processor.audio_duration, processor.sampling_rate)
    with laps.lap(f"{label}: spectrogram"):
        features = plain.spectrogram(samples * clip.volume if mode == "train" else samples, processor)
    return Inputs(pixels, features)


def bare_decode(clip: Clip, files: str, processor: AvidProcessor) -> None:
    """Open, seek and decode up to the clip's last frame on one thread, doing nothing with the pictures."""
    with av.open(str(clip.paths[files])) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type, stream.codec_context.thread_count = "NONE", 1
        container.seek(int(clip.video_start / stream.time_base), stream=stream)
        last = clip.video_start + (processor.num_frames - 1) / processor.fps
        for frame in container.decode(stream):
            if frame.time >= last:
                break


PATHS: dict[str, Callable[..., Inputs]] = {"library": library, "straightforward": straightforward}


def label_of(path: str, mode: str, files: str) -> str:
    """Name under which a path's times are kept."""
    return f"{path}, {mode}, {files}"


def one_turn(block: Sequence[Clip], processor: AvidProcessor, laps: Laps, first: int) -> None:
    """Send a block of clips through every path once, beginning with path number ``first``."""

    def send(path: str, mode: str, files: str) -> None:
        label = label_of(path, mode, files)
        for clip in block:
            with laps.lap(label):
                PATHS[path](clip, files, mode, processor, laps, label)

    def decode(files: str) -> None:
        for clip in block:
            with laps.lap(f"bare video decoding, {files}"):
                bare_decode(clip, files, processor)

    turns = [partial(decode, files) for files in block[0].paths]
    turns += [partial(send, *choice) for choice in product(PATHS, ("eval", "train"), block[0].paths)]
    for turn in range(len(turns)):
        turns[(first + turn) % len(turns)]()


def compare(clips: Sequence[Clip], processor: AvidProcessor) -> dict[str, float]:
    """Mean differences of the two paths in evaluation mode, in standardised units, median over clips."""
    pixels, features = [], []
    for clip in clips:
        mine, other = (path(clip, "as found", "eval", processor, Laps(), "") for path in PATHS.values())
        pixels.append((mine.pixels - other.pixels).abs().mean().item())
        features.append((mine.features - other.features).abs().mean().item())
    return {"pixels": statistics.median(pixels), "spectrogram": statistics.median(features)}


@torch_threads(1)
def run(videos: Sequence[Path], count: int, rounds: int, folder: Path) -> dict:
    """Measure all paths.

    Args:
        videos: Files to draw clips from.
        count: Number of clips.
        rounds: How often each path reads each clip.
        folder: Where re-encoded files go.

    Returns:
        The section of the report.
    """
    processor = AvidProcessor()
    clips = choose_clips(videos, count, folder, processor)
    differences = compare(clips, processor)
    laps = Laps()
    for turn, begin in product(range(rounds), range(0, len(clips), BLOCK)):
        print(f"\rround {turn + 1}/{rounds}, clip {begin + 1}/{len(clips)} ", end="", file=sys.stderr, flush=True)
        one_turn(clips[begin : begin + BLOCK], processor, laps, first=begin // BLOCK + turn)
    print(file=sys.stderr)

    model = AvidModel(AvidConfig()).optimize_for_inference()
    inputs = library(clips[0], "as found", "eval", processor, Laps(), "")
    with torch.inference_mode():
        by_turns(
            {"model, both towers, one clip": lambda: model(inputs.pixels[None], inputs.features[None, None])}, 5, laps
        )

    figures = []
    for (mode, files), limit in BARS.items():
        wall, cpu = laps.ratio(label_of("straightforward", mode, "as found"), label_of("library", mode, files))
        name = f"{mode}: library on files {files} over straightforward path on files as found"
        figures.append(bar(name, wall, limit, cpu=cpu))
    figures += [
        bar(f"mean difference of {what} in eval mode, in standard deviations", value, 0.02, at_least=False, unit="")
        for what, value in differences.items()
    ]
    return {
        "title": "Input pipeline, one process, one thread",
        "setting": {"clips": len(clips), "rounds": rounds, "threads": 1},
        "rows": [laps.row(name) for name in sorted(laps.wall)],
        "figures": figures,
    }
