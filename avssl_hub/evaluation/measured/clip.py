"""The one clip of a recording that is scored: its middle, seen and heard."""

from contextlib import ExitStack
from typing import NamedTuple

import torch

from ...data.manifest import ManifestItem
from ...errors import explain
from ...media import MediaReader, MissingStreamError
from ...models.multisensory import MultisensoryProcessor
from .protocol import LeftOut

TOO_SHORT = "a recording is shorter than a clip"


class ClipForm(NamedTuple):
    """Form of the clips that a model takes.

    Attributes:
        num_frames: Pictures.
        fps: Pictures a second.
        num_samples: Samples of sound.
        sampling_rate: Samples a second.
    """

    num_frames: int
    fps: float
    num_samples: int
    sampling_rate: int

    @classmethod
    def of(cls, processor: MultisensoryProcessor) -> "ClipForm":
        """Take the form of a processor's clips."""
        return cls(processor.num_frames, processor.fps, processor.num_samples, processor.sampling_rate)

    def described(self) -> dict[str, float]:
        """Say it as a model's description of its input does."""
        return {
            "seconds": self.num_frames / self.fps,
            "frames": self.num_frames,
            "fps": self.fps,
            "sampling_rate": self.sampling_rate,
        }

    @property
    def seconds(self) -> float:
        """Length of the longer of picture and sound."""
        return max(self.num_frames / self.fps, self.num_samples / self.sampling_rate)


class Clip(NamedTuple):
    """Frames ``(T, H, W, 3)`` uint8, as many as the form has or one of a still, and mono sound ``(n,)``."""

    frames: torch.Tensor
    sound: torch.Tensor


def middle_clip(item: ManifestItem, form: ClipForm, still: str | None = None) -> Clip:
    """Read the middle of a recording.

    Args:
        item: The recording, of picture and sound, or of sound alone beside a still.
        form: Of the clip.
        still: File of a picture that is seen in place of the recording's own.

    Raises:
        LeftOut: The recording is shorter than a clip.
        MediaError: It cannot be read, or lacks picture or sound.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(MediaReader(stack.enter_context(item.open())))
        pictures = stack.enter_context(MediaReader(still)) if still else reader
        for kind, stream, name in (("picture", pictures.video, still or item.name), ("sound", reader.audio, item.name)):
            if stream is None:
                raise MissingStreamError(explain(name, f"no {kind}", "a recording with picture and sound"), name)
        streams = [reader.audio] if still else [reader.audio, reader.video]
        start = max([stream.start for stream in streams] + [item.start or 0.0])
        end = min([stream.end for stream in streams] + ([] if item.end is None else [item.end]))
        spare = end - start - form.seconds
        # Containers are a little vague about where streams end.
        if spare < -1.5 / form.fps:
            raise LeftOut(TOO_SHORT)
        start += max(spare, 0.0) / 2
        sound = reader.read_audio(start, form.num_samples / form.sampling_rate, form.sampling_rate).samples[0]
        if still:
            return Clip(pictures.read_video(pictures.video.start, 1.0, 1.0, 1).frames, sound)
        # A reader leaves out frames wanted in the last half period of the source; none is to be missing here.
        slack = 0.5 / reader.video.fps
        frames = reader.read_video(start, form.num_frames / form.fps + slack, form.fps, form.num_frames).frames
        return Clip(frames, sound)
