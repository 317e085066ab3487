"""What of a file becomes which sound: level, length, edges, order of tracks, and what is missing or wrong."""

import io
from math import ceil

import numpy as np
import pytest
import torch

import avssl_hub
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import MediaOpenError, MediaReader, MissingStreamError
from avssl_hub.models.avid import AvidConfig, AvidModel
from avssl_hub.models.multisensory import MultisensoryConfig, MultisensoryProcessor, SpectrogramUNetForSeparation
from avssl_hub.pipelines.separate import SeparationPipeline
from tests.media.corpus import Sound, make, sine

from .readable import TENTHS
from .separating import RATE, ByPitch, Shares, blind, processor, seeing

# 991 hops of 21 samples and a frame of 84 come out of a window; at both ends 63 of them fade.
SIZE, EDGE = 991 * 21 + 84, 63
HOP = ceil((SIZE - 2 * EDGE) / 2)


def chord(seconds, rate=24000, channels=1):
    """A low and a high tone that swell and fade, each in its own time."""
    t = np.arange(round(seconds * rate)) / rate
    swell = [0.3 + 0.2 * np.sin(2 * np.pi * t / period) for period in (1.7, 1.1)]
    wave = swell[0] * np.sin(2 * np.pi * 500 * t) + swell[1] * np.sin(2 * np.pi * 6000 * t)
    return np.repeat(0.5 * wave[None], channels, 0).astype(np.float32)


def film(path, sound, rate=24000, times=TENTHS, layout=None, **kwargs):
    layout = layout or {1: "mono", 2: "stereo"}[len(sound)]
    return make(path, times, (Sound(sound, rate, "flac", layout, **kwargs),))


def loudness(sound):
    return sound.square().mean().sqrt().item()


def relative_error(found, wanted):
    return (found - wanted).abs().max().item() / wanted.abs().max().item()


@pytest.mark.parametrize("channels", [1, 2])
def test_tracks_are_as_long_and_as_loud_as_the_sound(tmp_path, channels):
    file = film(tmp_path / "a.mp4", chord(3.77, channels=channels))
    separation = SeparationPipeline(seeing(Shares()), processor())(file)
    assert (separation.sampling_rate, separation.start, separation.notes) == (RATE, 0.0, ())
    assert separation.names == ("on_screen", "off_screen")
    assert separation.times[-1].item() == pytest.approx(3.77 - 1 / RATE, abs=1e-6)
    with MediaReader(file) as reader:
        expected = reader.read_audio(0, 3.77, RATE).samples[0]
    # 16 bit and FFmpeg's mixing to mono leave this much.
    torch.testing.assert_close(separation.mixture, expected, atol=1e-4, rtol=0)
    # To the very ends: 6 and 12 decibels below the mixture.
    assert relative_error(separation.on_screen, 10 ** (-6 / 20) * expected) < 0.01
    assert relative_error(separation.off_screen, 10 ** (-12 / 20) * expected) < 0.01


def test_a_channel_that_is_quiet_stays_quiet(tmp_path):
    loud, quiet = sine(2.0, 24000, 500), 0.01 * sine(2.0, 24000, 900)
    file = film(tmp_path / "a.mp4", np.concatenate([loud, quiet]))
    model = seeing(Shares())
    separation = SeparationPipeline(model, processor())(file)
    expected = (loud[0] + quiet[0]) / 2
    assert loudness(separation.on_screen) == pytest.approx(np.sqrt((expected**2).mean()) * 10 ** (-6 / 20), rel=0.01)
    left, right = (loudness(channel) for channel in model.heard[1])
    assert right / left == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("seconds", [0.05, 0.4, 1.0, 1.31, 2.2])
def test_every_length_comes_out_whole(tmp_path, seconds):
    file = film(tmp_path / "a.mp4", chord(seconds))
    separation = SeparationPipeline(seeing(Shares()), processor(), batch_size=2)(file)
    assert separation.tracks.shape == (2, round(seconds * RATE))
    assert relative_error(separation.on_screen, 10 ** (-6 / 20) * separation.mixture) < 0.02


def test_the_released_rule_is_too_loud_and_loses_the_end(tmp_path):
    file = film(tmp_path / "a.mp4", np.concatenate([chord(3.77), 0.5 * chord(3.77)]))
    model = seeing(Shares())
    separation = SeparationPipeline(model, processor(), windows="released")(file)
    # Windows of 30 frames have a nominal length of 31 / 29.97 s cut to milliseconds, and start every half of it.
    starts = [round(int(k * 1.034 / 2 * 29.97) / 29.97 * RATE) for k in range(7)]
    last = [start for start in starts if start + 21021 <= round(3.77 * RATE)][-1]
    end = (last + SIZE) / RATE
    assert separation.notes == (f"no window of the released rule covers the end: {end:.2f} to 3.77 s",)
    assert separation.tracks.shape == (2, round(3.77 * RATE))
    assert not separation.tracks[:, last + SIZE :].any()
    # Each window of each channel has the processor's loudness, and the first is separated, 1.5 times as loud.
    assert [loudness(channel) for channel in model.heard[0]] == pytest.approx([0.1, 0.1], abs=1e-6)
    inside = slice(EDGE, SIZE - EDGE)
    torch.testing.assert_close(separation.mixture[:SIZE], model.heard[0][0, :SIZE], atol=1e-6, rtol=0)
    expected = 1.5 * 10 ** (-6 / 20) * model.heard[0][0, inside]
    assert relative_error(separation.on_screen[inside], expected) < 0.01


def test_a_blind_model_keeps_the_tracks_apart(tmp_path):
    file = film(tmp_path / "a.wav", chord(4.4), times=None)
    separation = SeparationPipeline(blind(ByPitch()), processor())(file)
    assert separation.names == ("track_1", "track_2")
    spectra = torch.fft.rfft(separation.tracks).abs().square()
    low = torch.fft.rfftfreq(separation.tracks.shape[1], 1 / RATE) < 3000
    assert (spectra[0, low].sum() / spectra[0].sum()).item() > 0.99
    assert (spectra[1, ~low].sum() / spectra[1].sum()).item() > 0.99
    with pytest.raises(InvalidValueError, match=r"on_screen: got tracks of a blind model"):
        separation.on_screen  # noqa: B018


def test_a_mask_hides_half_of_the_picture(tmp_path):
    file = film(tmp_path / "a.mp4", chord(1.5), times=TENTHS[:15])
    grey = 128 * 2 / 255 - 1
    pictures = {}
    for mask in (None, "left", "right"):
        model = seeing()
        SeparationPipeline(model, processor())(file, mask=mask)
        pictures[mask] = torch.stack(model.seen)
    assert (pictures["left"][..., :16] - grey).abs().max() < 1e-6
    assert (pictures["right"][..., 16:] - grey).abs().max() < 1e-6
    assert pictures["left"][..., 16:].equal(pictures[None][..., 16:])
    assert pictures["right"][..., :16].equal(pictures[None][..., :16])
    assert (pictures[None] - grey).abs().min() > 0.1


@pytest.mark.parametrize(("multiple", "num_frames", "steps"), [(None, 63, 128), (1, 63, 128), (4, 248, 512)])
def test_longer_windows_have_the_released_sizes(multiple, num_frames, steps):
    # The paper's spectrograms and a u-net of its depth, but thin.
    model = SpectrogramUNetForSeparation(MultisensoryConfig.blind_separation(unet_hidden_sizes=(2,) * 9))
    pipe = SeparationPipeline(model, MultisensoryProcessor.separation(), duration_multiple=multiple)
    assert pipe.processor.num_frames == num_frames
    assert pipe.size == 336 * (steps - 1) + 1344


def test_the_released_clip_lasts_two_seconds_and_a_bit():
    model = SpectrogramUNetForSeparation(MultisensoryConfig.blind_separation(unet_hidden_sizes=(2,) * 9))
    pipe = SeparationPipeline(model, MultisensoryProcessor.separation(), windows="released")
    # Every half of 2.135 s, at a frame.
    assert pipe.rule.starts(110000) == [round(frame * 21000 / 29.97) for frame in (0, 31, 63)]


def test_silence_stays_silent_and_is_told(tmp_path):
    sound = chord(4.0)
    sound[:, 24000:] = 0
    separation = SeparationPipeline(seeing(), processor())(film(tmp_path / "a.mp4", sound))
    assert separation.tracks[:, : RATE // 2].any()
    silent_from = 1 + HOP / RATE
    assert not separation.tracks[:, round(silent_from * RATE) + SIZE :].any()
    (note,) = separation.notes
    assert note.startswith("digital silence: 1.")
    assert note.endswith(" to 4.00 s")


def test_channels_that_cancel_out_are_silent(tmp_path):
    wave = chord(1.2)
    separation = SeparationPipeline(seeing(), processor())(film(tmp_path / "a.mp4", np.concatenate([wave, -wave])))
    assert not separation.tracks.any()
    assert separation.notes == ("digital silence: 0.00 to 1.20 s",)


def test_missing_picture_is_grey_and_told(tmp_path):
    file = film(tmp_path / "a.mp4", chord(4.0), times=TENTHS[:15])
    model = seeing(Shares())
    separation = SeparationPipeline(model, processor())(file)
    (note,) = separation.notes
    assert note.startswith("no picture decodes, taken for grey: 1.")
    assert note.endswith(" to 4.00 s")
    assert (model.seen[-1] - (128 * 2 / 255 - 1)).abs().max() < 1e-6
    assert relative_error(separation.on_screen, 10 ** (-6 / 20) * separation.mixture) < 0.01


def test_the_end_of_a_truncated_film_is_told(tmp_path):
    whole = film(tmp_path / "a.mkv", chord(4.0)).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    separation = SeparationPipeline(seeing(Shares()), processor())(tmp_path / "cut.mkv")
    assert separation.tracks.shape == (2, 4 * RATE)
    assert separation.tracks[:, :RATE].any()
    assert not separation.tracks[:, -RATE // 4 :].any()
    assert any(note.startswith("no sound decodes, silent: ") for note in separation.notes)


@pytest.mark.parametrize(
    ("sound", "start", "seconds"),
    [
        (Sound(sine(4, 8000, 1000), 8000, "flac"), 0, 4),
        (Sound(chord(2.0), 24000, "flac", start=1.0), 1, 2),
        (Sound(chord(1.5), 24000, "flac"), 0, 1.5),
        (Sound(np.repeat(chord(1.5), 6, 0), 24000, "flac", "5.1"), 0, 1.5),
        (Sound(sine(3, 44100, channels=2), 44100, "aac", "stereo"), 0, 3),
    ],
    ids=["8 kHz", "begins late", "ends early", "surround", "44.1 kHz"],
)
def test_sound_of_any_kind_is_taken(tmp_path, sound, start, seconds):
    separation = SeparationPipeline(seeing(Shares()), processor())(make(tmp_path / "a.mp4", TENTHS, (sound,)))
    assert separation.start == pytest.approx(start, abs=0.03)
    assert len(separation.mixture) / RATE == pytest.approx(seconds, abs=0.05)
    assert relative_error(separation.on_screen, 10 ** (-6 / 20) * separation.mixture) < 0.05


def test_bytes_and_file_objects_are_files_too(tmp_path):
    file = film(tmp_path / "a.mp4", chord(1.2))
    pipe = SeparationPipeline(seeing(), processor())
    expected = pipe(file).tracks
    assert pipe(file.read_bytes()).tracks.equal(expected)
    assert pipe(io.BytesIO(file.read_bytes())).tracks.equal(expected)


def test_progress_counts_windows(tmp_path):
    told = []
    pipe = SeparationPipeline(seeing(), processor())
    pipe(film(tmp_path / "a.mp4", chord(3.0)), progress=lambda done, total: told.append((done, total)))
    # The inner part of a window, less one hop for each further window, reaches the end.
    count = 1 + ceil((3 * RATE - (SIZE - 2 * EDGE)) / HOP)
    assert told[-1] == (count, count)
    assert len(told) == count


def test_files_that_cannot_be_separated(tmp_path):
    pipe = SeparationPipeline(seeing(), processor())
    with pytest.raises(MissingStreamError, match=r"got no sound track; expected a file with sound"):
        pipe(make(tmp_path / "mute.mp4", TENTHS))
    with pytest.raises(MissingStreamError, match=r"got no picture; .* a blind model such as unet_pit"):
        pipe(film(tmp_path / "sound.flac", chord(1.0), times=None))
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(MediaOpenError):
        pipe(tmp_path / "text.mp4")
    released = SeparationPipeline(seeing(), processor(), windows="released")
    with pytest.raises(InvalidValueError, match=r"got 0\.50 s of sound; expected at least 1\.00 s"):
        released(film(tmp_path / "a.mp4", chord(0.5)))


def test_arguments_that_make_no_sense(tmp_path):
    file = film(tmp_path / "a.mp4", chord(1.0))
    with pytest.raises(InvalidValueError, match=r"mask: got 'top'; expected one of left, right"):
        SeparationPipeline(seeing(), processor())(file, mask="top")
    with pytest.raises(InvalidValueError, match=r"mask: got 'left'; expected none, for a blind model"):
        SeparationPipeline(blind(), processor())(file, mask="left")
    with pytest.raises(UnknownNameError, match="Did you mean 'released'"):
        SeparationPipeline(seeing(), processor(), windows="release")
    with pytest.raises(InvalidValueError, match="duration_multiple: got 0"):
        SeparationPipeline(seeing(), processor(), duration_multiple=0)
    with pytest.raises(InvalidValueError, match="batch_size: got 0"):
        SeparationPipeline(seeing(), processor(), batch_size=0)
    with pytest.raises(InvalidValueError, match="processor: got None"):
        SeparationPipeline(seeing())
    with pytest.raises(InvalidValueError, match=r"clip length of the processor: got 0\.00 s \(0 spectrogram frames"):
        SeparationPipeline(seeing(), processor(num_frames=1, fps=300.0))


def test_other_models_are_refused():
    sizes = (8, 8, 16, 16)
    config = AvidConfig(10, video_hidden_sizes=sizes, audio_hidden_sizes=sizes, projection_sizes=(16, 16, 8))
    with pytest.raises(InvalidValueError, match="got AvidModel; expected MultisensoryForSourceSeparation or"):
        SeparationPipeline(AvidModel(config), processor())


def test_it_is_a_name_of_the_package():
    assert avssl_hub.SeparationPipeline is SeparationPipeline


def test_two_speakers_on_real_films(shared_data):
    file = sorted(shared_data("grid-mini/videos").iterdir())[0]
    separation = SeparationPipeline(seeing(Shares()), processor())(file)
    assert 2.5 < len(separation.mixture) / RATE < 3.5
    assert relative_error(separation.on_screen, 10 ** (-6 / 20) * separation.mixture) < 0.05
