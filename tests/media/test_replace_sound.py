"""A film with another sound: the picture untouched, the sound in its place in time."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MediaReader, MediaWriteError, MissingStreamError, probe, read_sound, write_sound
from avssl_hub.media.replace_sound import replace_sound
from tests.media.corpus import Sound, clicks, make, numbers_in, sine

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


@pytest.mark.parametrize("lossless", [False, True])
def test_four_channels_keep_their_order(corpus, tmp_path, lossless):
    # A tone a channel, so that none can be taken for another.
    rate = 48000
    tones = np.concatenate([sine(4, rate, frequency) for frequency in (300, 500, 700, 900)])
    sound = write_sound(tmp_path / "four.wav", torch.from_numpy(tones), rate)
    path = replace_sound(corpus["plain"], sound, tmp_path / "new.mp4", 0.0, channels=4, lossless=lossless)
    (audio,) = probe(path).audio
    assert (audio.codec, audio.channels) == ("flac" if lossless else "aac", 4)
    found = read_sound(path)[0][:, : tones.shape[1]].numpy()
    error = np.abs(found - tones)[:, 4800:-4800].max()
    assert error < (1e-4 if lossless else 0.02)


@pytest.mark.parametrize("channels", [6, 9])
def test_more_channels_are_coded_each_by_itself(corpus, tmp_path, channels):
    rate = 48000
    tones = np.concatenate([0.5 * sine(4, rate, frequency=4000 + 300 * number) for number in range(channels)])
    sound = write_sound(tmp_path / "many.wav", torch.from_numpy(tones), rate)
    path = replace_sound(corpus["plain"], sound, tmp_path / "new.mp4", 0.0, channels=channels)
    (audio,) = probe(path).audio
    assert (audio.codec, audio.channels) == ("opus", channels)
    found = read_sound(path)[0][:, : tones.shape[1]].numpy()
    # High tones too, in all of them; AAC leaves those out of the channel for a subwoofer.
    assert np.abs(found - tones)[:, 4800:-4800].max() < 0.02
    with pytest.raises(InvalidValueError, match="got 9; expected at most 8"):
        replace_sound(corpus["plain"], sound, tmp_path / "lossless.mp4", 0.0, channels=9, lossless=True)


def test_other_tracks_stand_behind_the_new_one(corpus, recording, tmp_path):
    source = corpus["offset"]
    (old,) = probe(source).audio
    path = replace_sound(source, recording, tmp_path / "new.mp4", 5.25, others=[old.index])
    new, kept = probe(path).audio
    assert (new.sampling_rate, kept.sampling_rate) == (22050, old.sampling_rate)
    assert kept.start == pytest.approx(old.start - min(5.25, probe(source).start), abs=0.03)
    with av.open(str(path)) as found, av.open(str(source)) as wanted:
        after, before = found.demux(found.streams.audio[1]), wanted.demux(wanted.streams.audio[0])
        assert [bytes(packet) for packet in after] == [bytes(packet) for packet in before]
    raw = make(tmp_path / "a.mkv", [0.0, 0.1], (Sound(clicks(0, 1, 48000), 48000, "pcm_s16le"),))
    with pytest.raises(InvalidValueError, match="got pcm_s16le; expected one that mp4 holds: aac"):
        replace_sound(raw, recording, tmp_path / "b.mp4", 0.0, others=[1])
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize(
    ("codec", "container", "options"),
    [
        ("libvpx-vp9", "webm", {"deadline": "realtime", "cpu-used": "8"}),
        ("libx265", "matroska", {"x265-params": "log-level=none:bframes=0"}),
    ],
)
def test_other_pictures_that_mp4_can_hold_are_copied(recording, tmp_path, codec, container, options):
    with av.open(str(tmp_path / "film"), "w", format=container) as output:
        stream = output.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 30 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    path = replace_sound(tmp_path / "film", recording, tmp_path / "new.mp4", 0.0)
    assert packets(path, "video") == packets(tmp_path / "film", "video")
    with MediaReader(path) as reader:
        values = reader.read_video(0, 0.8, 10).frames.float().mean((1, 2, 3))
    assert values.tolist() == pytest.approx([30 * number for number in range(8)], abs=3)
