"""Drawing on films: every frame reaches the painter in time, and everything else is as it was."""

import os

import numpy as np
import pytest
import torch

from avssl_hub.media import DecodeError, MediaReader, MediaWriteError, MissingStreamError, probe, repaint_media
from tests.media.conftest import REGULAR, VFR_TIMES
from tests.media.corpus import make, number_in, numbers_in, picture
from tests.media.test_write import decoded, packets


def next_number(frame, time):
    """Paint the picture whose number is one higher."""
    height, width = frame.shape[:2]
    return torch.from_numpy(picture(number_in(frame) + 1, width, height))


def test_the_painter_sees_every_frame_at_its_time_and_its_frames_are_shown_then(corpus, tmp_path):
    seen = []

    def paint(frame, time):
        seen.append((number_in(frame), time))
        return next_number(frame, time)

    path = repaint_media(corpus["vfr"], tmp_path / "film.mp4", paint)
    assert seen == [(i, pytest.approx(time)) for i, time in enumerate(VFR_TIMES)]
    assert [(time, number) for time, _, number in decoded(path)] == [
        (pytest.approx(time), i + 1) for i, time in enumerate(VFR_TIMES)
    ]


@pytest.mark.parametrize("name", ["long_gop", "offset", "aac_in_mkv"])
def test_sound_is_copied_bit_for_bit_at_its_times(corpus, tmp_path, name):
    path = repaint_media(corpus[name], tmp_path / "film.mp4", next_number)
    before, after = (packets(file, "audio") for file in (corpus[name], path))
    assert [packet[2] for packet in after] == [packet[2] for packet in before]
    times = ([float(packet[0]) for packet in found] for found in (after, before))
    np.testing.assert_allclose(*times, atol=2e-3)  # mkv counts milliseconds
    assert probe(path).video[0].start == pytest.approx(probe(corpus[name]).video[0].start, abs=1e-3)


def test_sound_that_mp4_cannot_hold_keeps_its_length_and_place(corpus, tmp_path):
    path = repaint_media(corpus["mono_8k"], tmp_path / "film.mp4", next_number)
    (sound,) = probe(path).audio
    assert (sound.codec, sound.sampling_rate) == ("aac", 8000)
    with MediaReader(corpus["mono_8k"]) as before, MediaReader(path) as after:
        expected, actual = (reader.read_audio(1, 2, 8000).samples for reader in (before, after))
    assert (actual - expected).abs().max() < 0.05


def test_a_film_may_be_cut_short(corpus, tmp_path):
    path = repaint_media(corpus["plain"], tmp_path / "film.mp4", next_number, until=1.5)
    assert [number for _, _, number in decoded(path)] == list(range(1, 16))
    # To within one frame of AAC.
    assert probe(path).audio[0].end == pytest.approx(1.5, abs=1024 / 48000 + 1e-3)


def test_frames_come_upright(corpus, tmp_path):
    path = repaint_media(corpus["rotated_90"], tmp_path / "film.mp4", next_number)
    with MediaReader(path) as reader:
        assert numbers_in(reader.read_video(0, 1, 10)) == list(range(1, 11))
        assert reader.info.video[0].rotation == 0


def test_odd_sides_lose_a_pixel(tmp_path):
    seen = set()

    def paint(frame, time):
        seen.add(tuple(frame.shape))
        return frame

    source = make(tmp_path / "odd.avi", REGULAR, size=(65, 49), codec="mpeg4")
    path = repaint_media(source, tmp_path / "film.mp4", paint)
    assert seen == {(49, 65, 3)}
    with MediaReader(path) as reader:
        clip = reader.read_video(0, 4, 10)
        assert clip.frames.shape[1:] == (48, 64, 3)
        assert numbers_in(clip) == list(range(40))


def test_films_without_a_picture_and_films_that_are_there_are_refused(corpus, tmp_path):
    with pytest.raises(MissingStreamError, match=r"sound_only\.m4a"):
        repaint_media(corpus["sound_only"], tmp_path / "film.mp4", next_number)
    with pytest.raises(DecodeError, match=r"long_gop\.mp4"):
        repaint_media(corpus["long_gop"], tmp_path / "film.mp4", next_number, until=-1.0)
    (tmp_path / "there.mp4").touch()
    with pytest.raises(MediaWriteError, match="exists already"):
        repaint_media(corpus["plain"], tmp_path / "there.mp4", next_number)
    assert os.listdir(tmp_path) == ["there.mp4"]


def test_a_painter_that_fails_leaves_nothing(corpus, tmp_path):
    def paint(frame, time):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        repaint_media(corpus["plain"], tmp_path / "film.mp4", paint)
    assert os.listdir(tmp_path) == []
