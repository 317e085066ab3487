"""Random clips of recordings, raw: pictures in order, and the sounds tried on them in all their channels."""

import torch
from torch import Tensor

from ...data.manifest import ManifestItem
from ...media import MediaReader
from ...models.multisensory import MultisensoryProcessor
from ..clip_reader import opened, span_of
from .recipe import SceneDataSettings
from .windows import AlignedWindows, ShiftedWindows


class SceneReader:
    """Reads random clips.

    Args:
        processor: Length and rates of a clip.
        windows: Choose the moments.
        data: Length of the piece that they are chosen from, and which frames are seen.
        needs_sound: Whether a recording without sound is refused.
        needs_picture: Whether pictures are wanted; without, recordings of sound alone will do.
    """

    def __init__(
        self,
        processor: MultisensoryProcessor,
        windows: AlignedWindows | ShiftedWindows,
        data: SceneDataSettings,
        needs_sound: bool = True,
        needs_picture: bool = True,
    ):
        self.processor, self.windows, self.data = processor, windows, data
        self.needs_sound, self.needs_picture = needs_sound, needs_picture

    def read(self, item: ManifestItem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Read a clip.

        Args:
            item: The recording, or the part of it to stay within.
            generator: Source of randomness.

        Returns:
            Frames, uint8 ``(T, H, W, 3)``, every ``frame_stride``-th of a clip, the last one held where the recording
            ends, or none of them; and sounds ``(K, channels, n)``, which are NaN where it has none.

        Raises:
            MediaError: The recording cannot be read there, or lacks picture or, if needed, sound.
            NoWindowError: It is too short.
        """
        processor = self.processor
        with opened(item) as reader:
            spans = []
            if self.needs_picture:
                spans.append(span_of("picture", item, reader, reader.video))
            if reader.audio is not None or self.needs_sound:
                spans.append(span_of("sound", item, reader, reader.audio))
            begin, end = max(span.start for span in spans), min(span.end for span in spans)
            # The last frame lasts until the next one would come.
            available = int((end - begin) * processor.fps + 1e-6)
            if available > self.data.piece_frames:
                spare = available - self.data.piece_frames + 1
                begin += torch.randint(spare, (), generator=generator).item() / processor.fps
                available = self.data.piece_frames
            chosen = self.windows.draw(available, generator)
            frames = torch.empty(0, 1, 1, 3, dtype=torch.uint8)
            if self.needs_picture:
                frames = self._frames(reader, begin + chosen.picture / processor.fps)
            sounds = [self._sound(reader, begin + first / processor.fps) for first in chosen.sounds]
        return frames, torch.stack(sounds)

    def _frames(self, reader: MediaReader, start: float) -> Tensor:
        processor, stride = self.processor, self.data.frame_stride
        wanted, length = -(-processor.num_frames // stride), processor.video_duration + 0.5 / reader.video.fps
        frames = reader.read_video(start, length, processor.fps / stride, wanted).frames
        held = frames[-1:].expand(wanted - len(frames), *frames.shape[1:])
        return torch.cat([frames, held])

    def _sound(self, reader: MediaReader, start: float) -> Tensor:
        processor = self.processor
        if reader.audio is None:
            return torch.full((processor.num_channels, processor.num_samples), torch.nan)
        return processor.waveform(processor.read_sound(reader, start).samples)
