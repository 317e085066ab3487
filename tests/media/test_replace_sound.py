"""A film with another sound: the picture untouched, the sound in its place in time."""

import numpy as np
import pytest

from avssl_hub.media import MediaReader, MediaWriteError, MissingStreamError, probe
from avssl_hub.media.replace_sound import replace_sound
from tests.media.corpus import Sound, clicks, make, numbers_in

from .test_write import packets

RATE = 21000


@pytest.fixture
def recording(tmp_path):
    return make(tmp_path / "clicks.wav", None, (Sound(clicks(0, 4, RATE), RATE, "pcm_s16le"),))


def test_h264_is_copied_and_the_sound_is_new(corpus, recording, tmp_path):
    path = replace_sound(corpus["long_gop"], recording, tmp_path / "new.mp4", 0.0)
    assert packets(path, "video") == packets(corpus["long_gop"], "video")
    info = probe(path)
    (audio,) = info.audio
    assert (audio.codec, audio.sampling_rate, audio.channels) == ("aac", 22050, 1)
    assert info.duration == pytest.approx(4.0, abs=0.001)
    assert audio.duration == pytest.approx(4.0, abs=0.001)
    assert _loud_times(path) == pytest.approx(np.arange(0.5, 4, 0.5), abs=0.003)


@pytest.mark.parametrize("name", ["aac_in_mkv", "mpeg4", "rotated_90", "vfr", "picture_only"])
def test_pictures_of_all_kinds_keep_their_times(corpus, recording, tmp_path, name):
    path = replace_sound(corpus[name], recording, tmp_path / "new.mp4", 0.0)
    with MediaReader(corpus[name]) as before, MediaReader(path) as after:
        rate = before.video.fps
        wanted, found = before.read_video(0, 4, rate), after.read_video(0, 4, rate)
    assert numbers_in(found) == numbers_in(wanted)
    assert found.times.numpy() == pytest.approx(wanted.times.numpy(), abs=0.002)


def test_both_keep_their_offset_and_the_file_begins_at_zero(corpus, recording, tmp_path):
    path = replace_sound(corpus["offset"], recording, tmp_path / "new.mp4", 5.25)
    info = probe(path)
    assert info.start == pytest.approx(0.0, abs=0.001)
    assert info.video[0].start == pytest.approx(0.0, abs=0.001)
    assert _loud_times(path) == pytest.approx(0.25 + np.arange(0.5, 4, 0.5), abs=0.003)
    late = probe(replace_sound(corpus["late_picture"], recording, tmp_path / "late.mp4", 0.0))
    assert (late.video[0].start, late.audio[0].start) == pytest.approx((2.0, 0.0), abs=0.001)


def test_what_cannot_be_done_is_told(corpus, recording, tmp_path):
    with pytest.raises(MissingStreamError):
        replace_sound(corpus["sound_only"], recording, tmp_path / "a.mp4", 0.0)
    with pytest.raises(MissingStreamError):
        replace_sound(corpus["plain"], corpus["picture_only"], tmp_path / "a.mp4", 0.0)
    (tmp_path / "there.mp4").touch()
    with pytest.raises(MediaWriteError, match="exists already"):
        replace_sound(corpus["plain"], recording, tmp_path / "there.mp4", 0.0)
    assert [path.name for path in tmp_path.glob("*.mp4")] == ["there.mp4"]


def test_a_cut_film_gives_what_it_has(corpus, recording, tmp_path):
    info = probe(replace_sound(corpus["truncated"], recording, tmp_path / "new.mp4", 0.0))
    assert 0 < info.video[0].duration < 4
    assert info.audio[0].duration == pytest.approx(4.0, abs=0.001)


def _loud_times(path):
    """Times of the clicks, by the middle of each loud stretch."""
    with MediaReader(path) as reader:
        info, rate = reader.audio, 48000
        sound = reader.read_audio(info.start, info.duration, rate).samples[0].abs().numpy()
    loud = np.flatnonzero(sound > 0.45)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > rate // 10) + 1)
    return [info.start + (group[0] + group[-1]) / 2 / rate for group in groups]
