"""What processors of short clips share: which part of a recording is looked at, and which is heard around it."""

import torch
from transformers import FeatureExtractionMixin

from ..data.clips import Span, center_start
from ..media import MediaReader, VideoClip
from ._raw_media import Array, Source, checked_frames, checked_samples, is_file


class ClipProcessor(FeatureExtractionMixin):
    """Base of processors whose clip is ``num_frames`` at ``fps`` in the middle of ``audio_duration`` seconds.

    A subclass says how sound is read from a file, and how given samples become those of a file.
    """

    num_frames: int
    fps: float
    sampling_rate: int
    audio_duration: float

    @property
    def video_duration(self) -> float:
        """Seconds of picture in a clip."""
        return self.num_frames / self.fps

    def _read_sound(self, reader: MediaReader, start: float) -> torch.Tensor:
        """Read ``audio_duration`` seconds at ``sampling_rate`` from ``start`` on."""
        raise NotImplementedError

    def _own_sound(self, samples: torch.Tensor, sampling_rate: int) -> torch.Tensor:
        """Bring samples ``(channels, n)`` to the channels and rate of the model."""
        raise NotImplementedError

    def read_clip(
        self, reader: MediaReader, start: float | None = None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Read the picture and sound of one clip from an open file.

        Args:
            reader: The open file.
            start: Start of the sound window in seconds; None reads the middle of the file. The picture lies in the
                middle of the window, and the window then moves by as much as the first frame found is off the time
                asked for (section 5.2).

        Returns:
            Frames ``(T, H, W, 3)`` and samples as the model takes them; None for a modality the file lacks.

        Raises:
            MediaError: The file cannot be read there.
        """
        start = self._window_start(reader) if start is None else start
        frames = samples = None
        if reader.info.has_video:
            clip = self._read_video(reader, start)
            frames = clip.frames
            start += clip.times[0].item() - clip.start
        if reader.info.has_audio:
            samples = self._read_sound(reader, start)
        return frames, samples

    def _raw(
        self, video: Source | Array | None, sound: Source | Array | None, sampling_rate: int | None, start: float | None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        if is_file(video) and is_file(sound) and video == sound:
            with MediaReader(video) as reader:
                if reader.info.has_video:
                    return self.read_clip(reader, start)
        if is_file(video):
            with MediaReader(video) as reader:
                start = self._window_start(reader) if start is None else start
                video = self._read_video(reader, start).frames
        if is_file(sound):
            with MediaReader(sound) as reader:
                start = self._window_start(reader) if start is None else start
                samples = self._read_sound(reader, start) if reader.info.has_audio else None
            return checked_frames(video), samples
        if sound is not None:
            sound = self._own_sound(checked_samples(sound, sampling_rate, self.sampling_rate), sampling_rate)
        return checked_frames(video), sound

    def _window_start(self, reader: MediaReader) -> float:
        # The picture decides where the middle is: sound can be padded, missing frames cannot.
        stream = reader.video or reader.audio
        return center_start(Span(stream.start, stream.end), self.audio_duration)

    def _read_video(self, reader: MediaReader, window_start: float) -> VideoClip:
        middle = window_start + (self.audio_duration - self.video_duration) / 2
        if reader.video is not None:
            middle = min(middle, max(reader.video.start, reader.video.end - self.video_duration))
        return reader.read_video(middle, self.video_duration, self.fps, self.num_frames)
