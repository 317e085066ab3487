"""Does the sound of a 360° film come from where the picture has its sources? A score for each turn of the sound."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel

from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..media import MediaSource, PictureReader
from ..models.avsa import AvsaProcessor
from ..video.views import Views
from ._loading import find_processor, ready_model
from ._sphere_film import TOLD_BY_FILE, find_film
from ._sphere_source import VideoLayout
from ._sphere_windows import SphereWindows
from ._view_judges import judge_of
from ._windows import check_sampling, nothing_to_compare
from ._yaw_scores import YawScorer, rings, yaw_grid
from .orientation import Orientation


class OrientationPipeline:
    """Tell whether the sound of a 360° film is turned against its picture, and by how much.

    Views are cut out of the picture all around, and the sound is turned to face them, as in the training of AVSA. The
    score of an angle is what that training optimised: how well a network tells which view a sound belongs to, once all
    the sound has been turned by that angle. A network trained to tell turned sound (``AvsaForSpatialAlignment``) is
    asked just that.

    The network hears how loud each channel is and not its sign. For sources near the horizon, sound from ahead and
    from behind are then alike, and the best angle may be off by half a turn.

    Args:
        model: An ``AvsaForPreTraining`` or ``AvsaForSpatialAlignment``, or a name that :func:`avssl_hub.load` knows.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.
        views: S sets of K views ``(S, K, 4)`` to compare within; by default two rings of the processor's number of
            views, above the horizon and below it.

    Raises:
        InvalidValueError: A model object came without its processor, cannot compare, or there are too few views.
        UnknownNameError: No model has that name.
        WeightsNotFoundError: The model is known, but its weights are not here.

    Example:
        >>> orient = OrientationPipeline("avsa.yt360")  # doctest: +SKIP
        >>> result = orient("street360.mp4")
        >>> result.aligned, math.degrees(result.best_yaw), result.sure
    """

    def __init__(
        self,
        model: PreTrainedModel | str | Path = "avsa_tiny.avworld",
        processor: AvsaProcessor | None = None,
        device: str | torch.device = "cpu",
        views: Views | None = None,
    ):
        self.processor = find_processor(model, processor)
        if not isinstance(self.processor, AvsaProcessor):
            got = type(self.processor).__name__
            raise InvalidValueError(explain("processor to cut views with", got, "AvsaProcessor"))
        self.device = torch.device(device)
        self.model = ready_model(model, self.device)
        self.judge = judge_of(self.model)
        self.views = rings(self.processor) if views is None else views
        shape, least = tuple(self.views.rows.shape), self.judge.least_views
        if len(shape) != 3 or shape[1] < least:
            expected = f"(sets, views, 4) with {least} views or more a set"
            raise InvalidValueError(explain("views to compare", f"shape {shape}", expected))

    def scorer(self, step: float = math.radians(15)) -> tuple[torch.Tensor, YawScorer]:
        """Give the angles ``(Y,)`` of a step, and what scores a clip of frames and ambisonics at each.

        Raises:
            InvalidValueError: A turn is not a whole number of steps.
        """
        yaws = yaw_grid(step)
        return yaws, YawScorer(self.judge, self.processor, self.views, yaws, self.device)

    def __call__(
        self,
        source: MediaSource,
        step: float = math.radians(15),
        every: float | None = None,
        layout: VideoLayout = TOLD_BY_FILE,
        channels: Sequence[int] | None = None,
        stored_order: bool = False,
        progress: Callable[[int, int], object] | None = None,
    ) -> Orientation:
        """Score one film of any length, in one pass and bounded memory.

        Args:
            source: Path, bytes, or a seekable binary file object: a 360° film with ambisonic sound (ACN, SN3D) in it,
                or in a file beside it.
            step: Radians from one angle to the next; divides a turn.
            every: Seconds from one window's start to the next; the length of the network's clip by default.
            layout: How the picture covers the sphere; by default the film tells, or it is twice as wide as high.
            channels: Which channels are W, Y, Z, X, counted from 0; by default metadata or the codec tell.
            stored_order: Count channels in the order in which Vorbis and Opus files hold them.
            progress: Called with the number of windows done and of all windows.

        Raises:
            InvalidValueError: A number is out of its range, or the picture is not of 360 degrees as far as can be told.
            MissingStreamError: The film lacks picture or sound.
            MediaError: The film cannot be opened, its sound is not ambisonic, or no window of it can be compared.
        """
        check_sampling(every, None)
        yaws, scorer = self.scorer(step)
        rules = self.processor
        starts, ends, scores, reasons = [], [], [], []
        with heard_interrupts() as check:
            film = find_film(source, layout, channels, stored_order)
            with PictureReader(source) as picture, film.open_sound(rules.sampling_rate) as sound:
                windows = SphereWindows(film, picture, sound, rules, every or rules.audio_duration)
                for number, window in enumerate(windows):
                    check()
                    if progress:
                        progress(number, len(windows))
                    unknown = torch.full((len(yaws),), torch.nan)
                    scores.append(unknown if window.reason else scorer(window.frames, window.ambisonics))
                    starts.append(window.start)
                    ends.append(window.end)
                    reasons.append(window.reason)
        if progress:
            progress(len(windows), len(windows))
        if all(reasons):
            raise nothing_to_compare(film.name, reasons[0])
        times = (torch.tensor(values, dtype=torch.float64) for values in (starts, ends))
        return Orientation(film.name, *times, yaws, torch.stack(scores), tuple(reasons), film.notes)
