"""Synchrony: windows, offsets and their sign, and what happens where picture or sound is missing."""

import math

import matplotlib.image
import pytest
import torch

import avssl_hub
from avssl_hub import MediaReader, SynchronizationPipeline
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import DecodeError, MediaOpenError, MissingStreamError
from avssl_hub.models.avid import AvidProcessor
from avssl_hub.pipelines.synchronize import Synchrony
from avssl_hub.pipelines.synchrony_figure import draw_synchrony
from tests.media.corpus import Sound, make, noise

from .alignment import FPS, RATE, FlashReader, flashing_film, small_processor

NAN = math.nan


@pytest.fixture
def synchronize():
    return SynchronizationPipeline(FlashReader(), small_processor())


@pytest.fixture
def by_name(alignment_folder):
    return SynchronizationPipeline(alignment_folder)


def synchrony(shifted, offsets):
    """Make a result of these logits, one row a window; the middle offset is 0."""
    shifted = torch.tensor(shifted)
    rows = len(shifted)
    times = torch.arange(rows, dtype=torch.float64)
    own = shifted[:, len(offsets) // 2]
    padded = torch.zeros(rows, dtype=torch.bool)
    offsets = torch.tensor(offsets, dtype=torch.float64)
    return Synchrony("film", times, times + 1, own, offsets, shifted, padded, ("",) * rows)


@pytest.mark.parametrize("delay", [0.0, 0.5, -0.75])
def test_the_best_offset_is_the_delay_of_the_sound(synchronize, tmp_path, delay):
    result = synchronize(flashing_film(tmp_path / "a.mkv", delay=delay), max_offset=1.0, step=0.25)
    assert result.offsets.tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    assert result.best_offset == delay
    assert result.aligned == (delay == 0)
    # The loudness follows the brightness but for the noise itself.
    assert result.scores.max() > 0.3


@pytest.mark.parametrize(
    ("seconds", "every", "starts"),
    [
        (5.0, None, [0, 1, 2, 3]),
        (5.5, None, [0, 1, 2, 3, 3.5]),
        (5.0, 2.0, [0, 2, 3]),
        (2.0, None, [0]),
        (1.5, None, [0]),
    ],
)
def test_windows_slide_and_the_last_ends_with_the_picture(synchronize, tmp_path, seconds, every, starts):
    result = synchronize(flashing_film(tmp_path / "a.mkv", seconds=seconds), every=every, max_offset=0)
    assert result.start.tolist() == starts
    assert result.end.tolist() == pytest.approx([min(start + 2, seconds) for start in starts], abs=1e-3)
    assert result.padded.tolist() == [seconds < 2] * len(starts)
    assert result.offsets.tolist() == [0]
    assert result.best_offset == 0


def test_a_file_is_judged_as_its_clips_are(by_name, alignment_folder, tmp_path):
    file = flashing_film(tmp_path / "a.mkv", channels=2)
    seen = []
    result = by_name(file, max_offset=0.5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 4) for i in range(5)]
    model, processor = avssl_hub.load(alignment_folder), avssl_hub.load_processor(alignment_folder)
    with torch.inference_mode(), MediaReader(file) as reader:
        for row, start in enumerate([0.0, 1.0, 2.0, 3.0]):
            inputs = processor(videos=file, audio=file, starts=[start])
            torch.testing.assert_close(model(**inputs).logits[0], result.logits[row], rtol=0, atol=1e-5)
        shifted = reader.read_audio(1.5, 2.0, RATE, 2).samples[None]
        pixels = processor(videos=file, starts=[1.0])["pixel_values_videos"]
        expected = model(pixels, shifted).logits[0]
    torch.testing.assert_close(result.shifted_logits[1, 2], expected, rtol=0, atol=1e-5)
    assert by_name(file.read_bytes(), max_offset=0).logits.equal(by_name(file, max_offset=0).logits)


def test_what_only_sees_runs_once_a_window(by_name, tmp_path, monkeypatch):
    calls = []
    encode = by_name.model.multisensory.encode_video

    def counted(pixels, **kwargs):
        calls.append(len(pixels))
        return encode(pixels, **kwargs)

    monkeypatch.setattr(by_name.model.multisensory, "encode_video", counted)
    result = by_name(flashing_film(tmp_path / "a.mkv", seconds=3.0), max_offset=0.5, step=0.25)
    assert result.shifted_logits.shape == (2, 5)
    assert calls == [1, 1]


def test_an_offset_is_scored_by_its_change_in_the_windows_that_have_it():
    # Without the second window at -1, its mean logit would be 1; the change in the first is -2, the mean score 3.
    result = synchrony([[1.0, 3.0, 4.0], [NAN, 3.0, 1.0]], [-1, 0, 1])
    assert (result.score, result.aligned) == (3.0, True)
    assert result.scores.tolist() == [1.0, 3.0, 2.5]
    assert result.best_offset == 0
    result = synchrony([[1.0, 9.0, 8.0], [NAN, -13.0, NAN]], [-1, 0, 1])
    assert (result.score, result.aligned) == (-2.0, False)
    assert result.scores.tolist() == [-10.0, -2.0, -3.0]


def test_of_equal_offsets_the_smallest_is_best():
    assert synchrony([[2.0, 0.0, 2.0, 2.0, 1.0]], [-2, -1, 0, 1, 2]).best_offset == 0
    assert synchrony([[2.0, 0.0, 1.0, 2.0, 1.0]], [-2, -1, 0, 1, 2]).best_offset == 1


def test_offsets_that_leave_too_little_sound_are_not_scored(synchronize, tmp_path):
    result = synchronize(flashing_film(tmp_path / "a.mkv", seconds=2.0), max_offset=1.5, step=0.5)
    # Half of the only window is still covered one second away.
    assert result.scores.isnan().tolist() == [True, False, False, False, False, False, True]


def test_mono_sound_is_heard_in_both_channels(by_name, tmp_path):
    mono = by_name(flashing_film(tmp_path / "mono.mkv"), max_offset=0)
    stereo = by_name(flashing_film(tmp_path / "stereo.mkv", channels=2), max_offset=0)
    torch.testing.assert_close(mono.logits, stereo.logits, rtol=0, atol=2e-3)
    assert set(mono.reason) == {""}


def test_sound_of_another_rate_is_resampled(synchronize, tmp_path):
    result = synchronize(flashing_film(tmp_path / "a.mkv", delay=0.5, rate=48000), max_offset=1.0)
    assert result.best_offset == 0.5


def test_silence_is_sound_and_noted(synchronize, tmp_path):
    result = synchronize(flashing_film(tmp_path / "a.mkv", gain=0.0), max_offset=1.0)
    assert result.reason == ("sound is digital silence",) * 4
    assert result.logits.isfinite().all()
    assert result.best_offset == 0


def test_windows_without_sound_are_told(synchronize, tmp_path):
    frames = [i / FPS for i in range(5 * FPS)]
    file = make(tmp_path / "a.mkv", frames, (Sound(noise(2.5, RATE), RATE, "pcm_s16le"),), fps=FPS)
    result = synchronize(file, every=2.0, max_offset=0)
    assert result.logits.isnan().tolist() == [False, True, True]
    assert result.reason[1:] == ("the sound track covers 25% of the window", "the sound track covers 0% of the window")
    assert result.score == result.logits[0].item()


@pytest.mark.parametrize(("times", "sounds", "missing"), [(None, True, "picture"), ([0.0, 0.5], False, "sound")])
def test_a_file_without_sound_or_picture_is_named(synchronize, tmp_path, times, sounds, missing):
    file = make(tmp_path / "half.mkv", times, (Sound(noise(1, RATE), RATE, "pcm_s16le"),) if sounds else ())
    with pytest.raises(MissingStreamError, match=rf"half\.mkv.*got a file without {missing}; expected both"):
        synchronize(file)


def test_files_that_cannot_be_compared_are_refused(synchronize, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"not a film")
    with pytest.raises(MediaOpenError, match=r"broken\.mp4"):
        synchronize(tmp_path / "broken.mp4")
    frames = [i / FPS for i in range(2 * FPS)]
    late = make(tmp_path / "late.mkv", frames, (Sound(noise(1, RATE), RATE, "pcm_s16le", start=3.0),), fps=FPS)
    with pytest.raises(DecodeError, match=r"late\.mkv.*covers 0% of the window; expected a window with picture and"):
        synchronize(late)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"every": 0.0}, "every: got 0.0; expected seconds above 0"),
        ({"max_offset": -1.0}, "max_offset: got -1.0"),
        ({"max_offset": math.inf}, "max_offset: got inf"),
        ({"step": 0.0}, "step: got 0.0"),
    ],
)
def test_impossible_numbers_are_refused(synchronize, numbers, text):
    with pytest.raises(InvalidValueError, match=text):
        synchronize("never opened.mp4", **numbers)


def test_models_that_do_not_tell_synchrony_are_refused(avid_folder, tmp_path):
    with pytest.raises(InvalidValueError, match=r"got AvidProcessor; expected MultisensoryProcessor.*avssl ls --task"):
        SynchronizationPipeline(avid_folder)
    with pytest.raises(InvalidValueError, match="processor: got None"):
        SynchronizationPipeline(FlashReader())
    with pytest.raises(InvalidValueError, match="got AvidProcessor"):
        SynchronizationPipeline(FlashReader(), AvidProcessor())
    with pytest.raises(InvalidValueError, match="got AvidModel; expected MultisensoryForAlignment"):
        SynchronizationPipeline(avssl_hub.load(avid_folder), small_processor())


def test_the_figure_is_drawn_with_and_without_offsets(tmp_path):
    shifted = synchrony([[1.0, 3.0, 4.0], [NAN, -3.0, 1.0]], [-1, 0, 1])
    alone = synchrony([[1.0], [2.0]], [0])
    heights = []
    for name, result in (("shifted", shifted), ("alone", alone)):
        draw_synchrony(result, tmp_path / f"{name}.png", "a model on a film")
        image = matplotlib.image.imread(tmp_path / f"{name}.png")
        heights.append(image.shape[0])
        assert image[..., :3].std() > 0.05
    assert heights[0] > heights[1]


def test_real_talking_faces_can_be_scored(by_name, shared_data):
    result = by_name(shared_data("grid-mini/videos/bbaf2n.mpg"), max_offset=0.5)
    assert len(result) == 2
    assert result.logits.isfinite().all()
    assert set(result.reason) == {""}
