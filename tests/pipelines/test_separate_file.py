"""The folder that a separation becomes: sounds, films, picture; whole or not at all."""

import signal
import wave

import matplotlib.image
import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MediaReader, probe
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines.separate import SeparationPipeline
from avssl_hub.pipelines.separate_file import separate_file
from avssl_hub.pipelines.separation_figure import draw_separation
from tests.media.corpus import Sound, make, numbers_in, sine

from .separating import RATE, Shares, blind, processor, seeing
from .test_separate import chord, film

FILES = ("mixture.wav", "off_screen.mp4", "off_screen.wav", "on_screen.mp4", "on_screen.wav", "spectrogram.png")


@pytest.fixture(scope="module")
def pipe():
    return SeparationPipeline(seeing(Shares()), processor())


def read_wav(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767


def test_a_film_becomes_two_and_their_sounds(pipe, tmp_path):
    source = film(tmp_path / "a.mp4", chord(4.0))
    report = separate_file(pipe, source, tmp_path / "out")
    assert (report.files, report.seconds, report.clipped, report.notes) == (FILES, 4.0, 0, ())
    assert tuple(sorted(path.name for path in (tmp_path / "out").iterdir())) == FILES
    separation = pipe(source)
    for name, expected in zip(("on_screen", "off_screen", "mixture"), (*separation.tracks, separation.mixture)):
        assert np.abs(read_wav(tmp_path / "out" / f"{name}.wav") - expected.numpy()).max() <= 0.51 / 32767
    for name, track in zip(separation.names, separation.tracks):
        path = tmp_path / "out" / f"{name}.mp4"
        info = probe(path)
        assert info.duration == pytest.approx(4.0, abs=0.001)
        with MediaReader(path) as reader:
            assert numbers_in(reader.read_video(0, 4, 10)) == list(range(40))
            sound = reader.read_audio(0, 4, RATE).samples[0]
        # AAC keeps the shape of a sound.
        likeness = torch.corrcoef(torch.stack([sound, track]))[0, 1]
        assert likeness > 0.99


def test_sound_alone_suits_a_blind_model(tmp_path):
    source = film(tmp_path / "a.wav", chord(1.5), times=None)
    report = separate_file(SeparationPipeline(blind(Shares()), processor()), source, tmp_path / "out")
    assert report.files == ("mixture.wav", "spectrogram.png", "track_1.wav", "track_2.wav")
    seen = separate_file(
        SeparationPipeline(blind(Shares()), processor()), film(tmp_path / "a.mp4", chord(1.5)), tmp_path / "seen"
    )
    assert {"track_1.mp4", "track_2.mp4"} < set(seen.files)


def test_samples_beyond_full_scale_are_counted(tmp_path):
    source = film(tmp_path / "a.mp4", chord(1.2))
    loud = SeparationPipeline(seeing(), processor())
    separation = loud(source)
    beyond = 1.01 * separation.tracks.abs().max()
    loud.run, run = lambda windows: [(start, tracks * 1.1 / beyond) for start, tracks in run(windows)], loud.run
    report = separate_file(loud, source, tmp_path / "out")
    again = loud(source)
    assert report.clipped == sum(int((track.abs() > 1).sum()) for track in (*again.tracks, again.mixture)) > 0
    assert np.abs(read_wav(tmp_path / "out" / "on_screen.wav")).max() <= 1


def test_a_folder_with_files_is_not_touched(pipe, tmp_path):
    source = film(tmp_path / "a.mp4", chord(1.2))
    out = tmp_path / "out"
    out.mkdir()
    (out / "on_screen.wav").write_text("mine")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="--force"):
        separate_file(pipe, source, out)
    assert (out / "on_screen.wav").read_text() == "mine"
    separate_file(pipe, source, out, force=True)
    assert (out / "notes.txt").read_text() == "mine"
    assert len(read_wav(out / "on_screen.wav")) == round(1.2 * RATE)


def test_a_folder_that_cannot_be_made_is_told(pipe, tmp_path):
    source = film(tmp_path / "a.mp4", chord(1.2))
    with pytest.raises(OutputError, match=r"making the folder .*a\.mp4/out"):
        separate_file(pipe, source, source / "out")


def test_a_key_press_leaves_nothing(pipe, tmp_path):
    source = film(tmp_path / "a.mp4", chord(3.0))

    def press(done, total):
        if done == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            separate_file(pipe, source, tmp_path / "out", progress=press)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_bad_file_leaves_nothing(pipe, tmp_path):
    source = film(tmp_path / "a.mp4", chord(1.2))
    with pytest.raises(InvalidValueError, match="mask"):
        separate_file(pipe, source, tmp_path / "out", mask="top")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_no_block_is_longer_than_a_window(pipe, tmp_path):
    source = make(tmp_path / "a.mp4", [i / 10 for i in range(120)], (Sound(chord(12.0), 24000, "flac"),))
    with pipe.open(source) as stream:
        lengths = [block.shape[1] for block in stream]
    assert sum(lengths) == 12 * RATE
    assert max(lengths) <= pipe.size


def test_the_picture_shows_a_tone_where_it_is(tmp_path):
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        tone = np.concatenate([np.zeros(2 * RATE), sine(2.0, RATE, 5250)[0]])
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    draw_separation({"tone": tmp_path / "tone.wav"}, tmp_path / "tone.png", "a tone", start=1.0)
    bright = matplotlib.image.imread(tmp_path / "tone.png")[..., :3].mean(2)
    height, width = bright.shape
    # The panel is dark but for the tone, in its right half at half of its height.
    panel = bright[:, : int(0.85 * width)]
    dark_rows, dark_columns = (np.flatnonzero((panel < 0.1).mean(axis) > 0.3) for axis in (1, 0))
    top, bottom, left, right = dark_rows[0], dark_rows[-1], dark_columns[0], dark_columns[-1]
    shown = np.argwhere(bright[top:bottom, left:right] > 0.4)
    assert shown[:, 0].mean() == pytest.approx((bottom - top) / 2, abs=0.05 * height)
    assert shown[:, 1].min() == pytest.approx((right - left) / 2, abs=0.05 * width)
