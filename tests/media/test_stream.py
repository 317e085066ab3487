import gc
import logging
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import DecodeError, MediaReader
from tests.media.corpus import Sound, make, noise, numbers_in, picture


def windows(path, *args, **kwargs):
    with MediaReader(path) as reader:
        return list(reader.stream(*args, **kwargs))


def spans(found):
    return [(round(window.start, 6), round(window.end, 6)) for window in found]


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "long_gop",
        "vfr",
        "mpeg4",
        "offset",
        "late_sound",
        "late_picture",
        "short_sound",
        "mono_8k",
        "aac_in_mkv",
        "unfinished",
    ],
)
@pytest.mark.parametrize(
    ("duration", "hop", "video_duration"), [(1.0, 1.0, 0.5), (2.0, 0.5, None), (0.4, 1.0, 0.3), (9.0, 9.0, 0.5)]
)
def test_a_window_holds_what_reading_it_gives(corpus, name, duration, hop, video_duration):
    with MediaReader(corpus[name]) as reader:
        for window in reader.stream(duration, hop, 16, 24000, video_duration):
            length = video_duration or duration
            start = window.start + max(0.0, (window.end - window.start - length) / 2)
            sound = reader.read_audio(window.start, duration, 24000)
            assert torch.equal(window.audio.samples, sound.samples)
            assert window.audio.present == sound.present
            if window.video is None:
                with pytest.raises(DecodeError):
                    reader.read_video(start, length, 16)
            else:
                clip = reader.read_video(start, length, 16)
                assert torch.equal(window.video.frames, clip.frames)
                assert torch.equal(window.video.times, clip.times)


def test_windows_start_every_hop_from_the_file_s_start(corpus):
    assert spans(windows(corpus["plain"], 1, 1, 10, 16000)) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert spans(windows(corpus["plain"], 2, 1, 10, 16000)) == [(0, 2), (1, 3), (2, 4)]
    assert spans(windows(corpus["late_picture"], 3, 3, 10, 16000)) == [(0, 3), (3, 6)]
    assert windows(corpus["offset"], 1, 1, 10, 16000)[1].start == pytest.approx(5.978)


def test_a_last_window_stays_when_it_lacks_at_most_half_a_hop(corpus):
    # Four seconds: at a hop of 1.6 the third window lacks 0.8, at 1.7 it lacks 1.1.
    assert spans(windows(corpus["plain"], 1.6, 1.6, 10, 16000)) == [(0, 1.6), (1.6, 3.2), (3.2, 4)]
    assert spans(windows(corpus["plain"], 1.7, 1.7, 10, 16000)) == [(0, 1.7), (1.7, 3.4)]
    # Overlapping: the window from 2.4 lacks 0.4 of a hop of 0.8, the one from 3.2 would lack 1.2.
    assert spans(windows(corpus["plain"], 2, 0.8, 10, 16000))[-1] == (2.4, 4)
    # Far apart: the window from 3 lacks 1 of 2 seconds.
    assert spans(windows(corpus["plain"], 2, 3, 10, 16000)) == [(0, 2), (3, 4)]
    # The only one stays however short.
    assert spans(windows(corpus["plain"], 60, 60, 10, 16000)) == [(0, 4)]


def test_video_is_the_middle_of_what_the_window_has(corpus):
    found = windows(corpus["plain"], 1.6, 1.6, 10, 16000, video_duration=0.4)
    # Middles of (0, 1.6), (1.6, 3.2) and (3.2, 4): frames from 0.6, 2.2 and 3.4 s on.
    assert [numbers_in(window.video) for window in found] == [[6, 7, 8, 9], [22, 23, 24, 25], [34, 35, 36, 37]]
    assert found[2].audio.samples.shape == (1, 25600)
    # AAC comes in whole frames, the last of which reaches a little beyond the end.
    assert found[2].audio.present == pytest.approx(0.5, abs=1024 / 48000 / 1.6)


def test_picture_only_and_sound_only(corpus):
    assert all(window.audio is None for window in windows(corpus["picture_only"], 1, 1, 10, 16000))
    assert [numbers_in(window.video) for window in windows(corpus["picture_only"], 2, 2, 2, 16000)] == [
        [0, 5, 10, 15],
        [20, 25, 30, 35],
    ]
    found = windows(corpus["sound_only"], 1, 1, 10, 16000)
    assert [(window.video, window.audio.present) for window in found] == [(None, 1.0)] * 4


def test_a_truncated_file_ends_early_with_a_warning(corpus, caplog):
    with caplog.at_level(logging.WARNING):
        found = windows(corpus["truncated"], 0.5, 0.5, 10, 16000)
    assert 3 <= len(found) <= 6
    assert [numbers_in(window.video) for window in found[:3]] == [[*range(k, k + 5)] for k in (0, 5, 10)]
    assert any("nothing decodes from" in record.message and "4.000 s" in record.message for record in caplog.records)


def test_a_file_without_any_decodable_content_is_an_error(corpus, tmp_path):
    whole = bytearray(corpus["long_gop"].read_bytes())
    begin = whole.index(b"mdat") + 4
    whole[begin:] = bytes(len(whole) - begin)
    with pytest.raises(DecodeError, match="no frame and no sound"):
        windows(bytes(whole), 1, 1, 10, 16000)


def test_reading_between_windows_disturbs_nothing(corpus):
    undisturbed = windows(corpus["plain"], 1, 1, 10, 16000)
    with corpus["plain"].open("rb") as file, MediaReader(file) as reader:
        for window, expected in zip(reader.stream(1, 1, 10, 16000), undisturbed, strict=True):
            reader.read_video(3.0, 0.5, 10)
            reader.read_audio(0.2, 0.5, 16000)
            assert torch.equal(window.video.frames, expected.video.frames)
            assert torch.equal(window.audio.samples, expected.audio.samples)


def test_channels_and_sizes_are_those_of_reading(corpus):
    with MediaReader(corpus["surround_unnamed"]) as reader:
        window = next(reader.stream(1, 1, 10, 16000, channels=None))
        assert window.audio.samples.shape == (6, 16000)
        assert torch.equal(window.audio.samples, reader.read_audio(0, 1, 16000, channels=None).samples)
        with pytest.raises(InvalidValueError, match="channels: got 9"):
            reader.stream(1, 1, 10, 16000, channels=9)
    with MediaReader(corpus["plain"]) as whole, MediaReader(corpus["plain"], video_size=(24, 32)) as scaled:
        small = next(scaled.stream(1, 1, 10, 16000)).video.frames
        assert small.shape == (10, 24, 32, 3)
        assert torch.equal(small, scaled.read_video(0, 1, 10).frames)
        large = whole.read_video(0, 1, 10).frames
    smaller = torch.nn.functional.interpolate(large.permute(0, 3, 1, 2).float(), (24, 32), mode="area")
    assert (small.permute(0, 3, 1, 2) - smaller).abs().mean() < 6


def test_senseless_windows_are_refused_at_once(corpus):
    with MediaReader(corpus["plain"]) as reader:
        with pytest.raises(InvalidValueError, match="hop: got 0"):
            reader.stream(1, 0, 10, 16000)
        with pytest.raises(InvalidValueError, match=r"video_duration: got 2 s; expected .* at most duration, 1 s"):
            reader.stream(1, 1, 10, 16000, video_duration=2)


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """Twenty minutes of picture and sound; all sound lies behind all picture, the worst case for one pass."""
    seconds, fps = 1200, 5
    still = np.repeat(np.repeat(picture(1), 5, 0), 5, 1)
    return make(
        tmp_path_factory.mktemp("long") / "long.mkv",
        [k / fps for k in range(seconds * fps)],
        (Sound(noise(seconds, 8000), 8000, "pcm_s16le"),),
        fps=fps,
        size=(320, 240),
        options={"preset": "ultrafast"},
        pictures=lambda number: still,
        interleave=False,
    )


def resident():
    """Bytes of memory the process holds now, FFmpeg's included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to see the memory FFmpeg holds")
def test_memory_of_a_pass_does_not_grow_with_the_file(long_file):
    with MediaReader(long_file) as reader:
        next(reader.stream(4, 2, 5, 8000))
        gc.collect()
        before = resident()
        used = [resident() - before for _ in reader.stream(4, 2, 5, 8000)]
    assert len(used) == 599
    # Decoded in full, the file would hold 1.4 GB of frames and 38 MB of sound. A window has 20 frames of 230 kB, once
    # as they come and once stacked, and two or three windows are open or in the caller's hands at a time.
    assert max(used) < 60e6
    assert max(used[300:]) < max(used[:100]) + 10e6
