"""What is where around the camera: every direction of a 360° film given a class (AVSA, section 4.3)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import atan, pi
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..media import MediaSource
from ..models.avsa import AvsaForSemanticSegmentation
from ..video.equirectangular import pixel_directions
from ..video.view_mosaic import ViewMosaic, covering_views
from ..video.views import Views
from ._loading import find_processor, ready_model
from ._segmentation_stream import Moment, SegmentationStream
from ._sphere_source import VideoLayout

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel


@dataclass(frozen=True)
class Segmentation:
    """Classes of what is seen around the camera, in N moments evenly spaced in time.

    Attributes:
        file: Name of the film.
        classes: Names of the C classes.
        times: Where each moment begins, float64 ``(N,)`` in seconds on the file's clock.
        every: Seconds from one moment to the next.
        shares: Share of the sphere, by solid angle, that each class has, float64 ``(N, C)``.
        maps: uint8 ``(N, H, 2 * H)`` of class numbers, equirectangular; None where they were painted and not kept.
        notes: What was taken for granted, is missing or odd, and where; empty if nothing is.
    """

    file: str
    classes: tuple[str, ...]
    times: torch.Tensor
    every: float
    shares: torch.Tensor
    maps: torch.Tensor | None
    notes: tuple[str, ...]

    def per_second(self) -> tuple[list[int], torch.Tensor]:
        """Average the shares of the moments that begin in the same second: these seconds ``(S,)``, and ``(S, C)``."""
        seconds, owners = self.times.floor().long().unique(return_inverse=True)
        sums = torch.zeros(len(seconds), len(self.classes), dtype=torch.float64).index_add_(0, owners, self.shares)
        return seconds.tolist(), sums / owners.bincount()[:, None]


class SegmentationPipeline:
    """Tell what is seen in every direction of a 360° film of any length.

    Views as wide as the processor's, which together see the whole sphere, are cut from clips that follow each other;
    where views overlap, their probabilities are averaged, the more of a view the nearer to its middle. Views enter the
    network as many at a time as the processor looks at, spread around the sphere, since those of a model with context
    attend to each other.

    Args:
        model: An ``AvsaForSemanticSegmentation``, or a name that :func:`avssl_hub.load` knows.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.

    Raises:
        InvalidValueError: A model object came without its processor, or is of another kind.
        UnknownNameError: No model has that name.
        WeightsNotFoundError: The model is known, but its weights are not here.

    Example:
        >>> segment = SegmentationPipeline("./runs/segmentation_video")  # doctest: +SKIP
        >>> found = segment("street360.mp4")
        >>> found.classes[found.shares.mean(0).argmax()]
    """

    def __init__(
        self,
        model: "PreTrainedModel | str | Path",
        processor: "FeatureExtractionMixin | None" = None,
        device: str | torch.device = "cpu",
    ):
        self.device = torch.device(device)
        self.processor = find_processor(model, processor)
        self.model = _checked(ready_model(model, self.device))
        names = self.model.config.id2label
        self.classes = tuple(names[number] for number in range(len(names)))
        self.hears = self.model.config.segmentation_condition is not None
        half = pi * self.processor.view_width
        # Pixels are as wide as in the middle of a view.
        self.height = 2 * round(self.processor.view_size * pi / (4 * atan(half)))
        views = covering_views(half)
        groups = -(-len(views.rows) // self.processor.num_views)
        self._groups = [Views(views.rows[number::groups]) for number in range(groups)]
        self._mosaic = ViewMosaic(Views(torch.cat([group.rows for group in self._groups])), self.height)
        level = pixel_directions(self.height, 2 * self.height)[1].double().cos()
        self._areas = level / level.sum()

    def __call__(
        self,
        source: MediaSource,
        every: float | None = None,
        layout: VideoLayout | None = None,
        channels: Sequence[int] | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> Segmentation:
        """Segment one film; its maps are held in memory, a byte a pixel.

        Where the model hears, four channels of ambisonic sound belong to the film: in it, or in ``NAME.m4a`` beside it.
        Where it ends before the picture, silence is heard, and a note says so.

        Args:
            source: Path, bytes, or a seekable binary file object.
            every: Seconds from one clip's start to the next, at least a clip's length, which is the default.
            layout: How the picture covers the sphere; by default the film tells, or it is twice as wide as high.
            channels: Which channels are W, Y, Z, X, counted from 0; by default metadata or the codec tell.
            progress: Called with the moments done and of all.

        Raises:
            InvalidValueError: ``every`` is too short, or the picture is not of 360 degrees, as far as can be told.
            MissingStreamError: There is no picture, or no sound for a model that hears.
            MediaError: The film cannot be read, or its sound is not ambisonic.
        """
        moments = []
        with heard_interrupts() as check, self.open(source, every, layout, channels) as stream:
            for moment in stream:
                moments.append(moment)
                check()
                if progress:
                    progress(len(moments), max(stream.count, len(moments)))
        return self.told(stream, moments, keep_maps=True)

    @contextmanager
    def open(
        self,
        source: MediaSource,
        every: float | None = None,
        layout: VideoLayout | None = None,
        channels: Sequence[int] | None = None,
    ) -> Iterator[SegmentationStream]:
        """Give a stream that segments one film moment by moment in bounded memory; see ``__call__``."""
        length = self.processor.video_duration
        if every is not None and not length <= every < float("inf"):
            raise InvalidValueError(explain("every", every, f"seconds, at least the clip's {length:g}"))
        with ExitStack() as stack:
            yield SegmentationStream(self, source, stack, every or length, layout or VideoLayout(), channels)

    @torch.inference_mode()
    def segment(self, frames: torch.Tensor, ambisonics: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Segment one clip.

        Args:
            frames: uint8 ``(T, 3, H, 2 * H)``, equirectangular.
            ambisonics: ``(4, n)`` around them, W, Y, Z and X; None for a model that only sees.

        Returns:
            Class of each pixel, uint8 ``(height, 2 * height)``, and the share of the sphere that each class has.
        """
        frames, found = frames.to(self.device), []
        for group in self._groups:
            views = Views(group.rows.to(self.device))
            pixels = self.processor.pixels(frames, views)[None].to(self.model.dtype)
            log_mels = None
            if ambisonics is not None:
                log_mels = self.processor.log_mels(ambisonics.to(self.device), views)[None].to(self.model.dtype)
            found.append(self.model(pixels, log_mels).logits[0].float().softmax(1).cpu())
        classes = self._mosaic(torch.cat(found)).argmax(0)
        shares = torch.zeros(len(self.classes), dtype=torch.float64)
        shares.index_add_(0, classes.flatten(), self._areas.flatten())
        return classes.to(torch.uint8), shares

    def told(self, stream: SegmentationStream, moments: Sequence[Moment], keep_maps: bool) -> Segmentation:
        """Say what was found in a film that was gone through."""
        return Segmentation(
            stream.file,
            self.classes,
            torch.tensor([moment.time for moment in moments], dtype=torch.float64),
            stream.every,
            torch.stack([moment.shares for moment in moments]),
            torch.stack([moment.classes for moment in moments]) if keep_maps else None,
            stream.notes,
        )


def _checked(model: "PreTrainedModel") -> AvsaForSemanticSegmentation:
    if isinstance(model, AvsaForSemanticSegmentation):
        return model
    got, step = type(model).__name__, "Train one with avssl train avsa/segmentation_video, or avsa/tiny_segmentation."
    raise InvalidValueError(explain("model to segment with", got, "AvsaForSemanticSegmentation", step))
