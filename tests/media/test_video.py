import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import DecodeError, MediaReader, MissingStreamError, SeekError
from tests.media.conftest import REGULAR, TURNS, VFR_TIMES
from tests.media.corpus import number_in, numbers_in, wanted_numbers


def read(path, *args, **kwargs):
    with MediaReader(path) as reader:
        return reader.read_video(*args, **kwargs)


@pytest.mark.parametrize("start", [0.0, 0.05, 0.3, 1.23, 2.0, 3.5, 3.9, 3.97])
@pytest.mark.parametrize("fps", [4, 10, 16, 30])
@pytest.mark.parametrize("name", ["plain", "long_gop", "mpeg4"])
def test_frames_follow_the_rule(corpus, name, start, fps):
    clip = read(corpus[name], start, 0.5, fps)
    expected = wanted_numbers(REGULAR, start, 0.5, fps, 10, 0, 4)
    assert numbers_in(clip) == expected
    assert clip.times.tolist() == pytest.approx([REGULAR[i] for i in expected], abs=1e-9)
    assert (clip.start, clip.fps) == (start, fps)
    assert clip.frames.dtype == torch.uint8
    assert clip.times.dtype == torch.float64


def test_eight_frames_at_16_fps_by_hand(corpus):
    # Wanted: 0.3 + k/16, while below 0.3 + 0.5 - 0.05; numbers floor(10 t) of 0.3, 0.3625, ..., 0.7375.
    assert numbers_in(read(corpus["plain"], 0.3, 0.5, 16)) == [3, 3, 4, 4, 5, 6, 6, 7]


def test_a_time_exactly_on_a_frame_takes_that_frame(corpus):
    # 0.1 + 0.2 is a hair above 0.3 and 2.3 * 10 a hair below 23.
    for start, number in ((0.1 + 0.2, 3), (2.3, 23), (2.9, 29)):
        assert numbers_in(read(corpus["plain"], start, 0.1, 10)) == [number]


@pytest.mark.parametrize("start", [0.0, 0.4, 0.95, 1.5, 2.4, 2.51, 2.93, 3.4])
def test_variable_frame_rate_counts_frames_by_timestamps(corpus, start):
    clip = read(corpus["vfr"], start, 0.5, 16)
    # 30 frames in 4 seconds: 7.5 a second on average.
    assert numbers_in(clip) == wanted_numbers(VFR_TIMES, start, 0.5, 16, 7.5, 0, 4)
    assert clip.times.tolist() == pytest.approx([VFR_TIMES[i] for i in numbers_in(clip)])


def test_max_frames_replaces_the_count(corpus):
    assert numbers_in(read(corpus["plain"], 1.0, 1.0, 10, max_frames=3)) == [10, 11, 12]
    assert len(read(corpus["plain"], 1.0, 1.0, 10).frames) == 10


@pytest.mark.parametrize("name", list(TURNS))
def test_rotated_and_mirrored_films_come_out_upright(corpus, name):
    clip = read(corpus[name], 1.0, 1.0, 10)
    assert numbers_in(clip) == list(range(10, 20))
    sides = (64, 48) if "90" in name or "270" in name else (48, 64)
    assert clip.frames.shape[1:] == (*sides, 3)


def test_one_frame_is_a_clip_of_one_frame_and_may_be_repeated(corpus):
    assert numbers_in(read(corpus["one_frame"], 0.0, 0.1, 10)) == [0]
    assert numbers_in(read(corpus["one_frame"], 0.0, 0.5, 40)) == [0, 0, 0, 0]


def test_start_offset_is_honoured(corpus):
    assert numbers_in(read(corpus["offset"], 6.2, 0.3, 10)) == [12, 13, 14]
    assert numbers_in(read(corpus["late_picture"], 2.5, 0.3, 10)) == [5, 6, 7]


def test_the_first_frame_stands_for_times_before_it(corpus):
    assert numbers_in(read(corpus["late_picture"], 1.8, 0.5, 10)) == [0, 0, 0, 1, 2]


@pytest.mark.parametrize(("name", "start"), [("plain", 4.0), ("plain", 99.0), ("late_picture", 1.0)])
def test_a_window_outside_the_stream_is_an_error_that_names_the_span(corpus, name, start):
    with pytest.raises(DecodeError) as caught:
        read(corpus[name], start, 0.5, 16)
    begin = 2 if name == "late_picture" else 0
    text = str(caught.value)
    assert f"cannot read video from {start:.3f} s to {start + 0.5:.3f} s" in text
    assert f"{begin:.3f} s to {begin + 4:.3f} s" in text
    assert f"{corpus[name].name}" in text
    assert (caught.value.source, caught.value.stream, caught.value.time) == (str(corpus[name]), 0, start)


def test_a_truncated_file_gives_what_decodes_and_then_an_error(corpus):
    with MediaReader(corpus["truncated"]) as reader:
        assert numbers_in(reader.read_video(0.5, 0.5, 10)) == [5, 6, 7, 8, 9]
        with pytest.raises(DecodeError, match=r"truncated.mp4.*cut short holds less than its header says"):
            reader.read_video(3.5, 0.5, 10)
        assert numbers_in(reader.read_video(1.0, 0.2, 10)) == [10, 11]


def test_sound_only_has_no_frames(corpus):
    with pytest.raises(MissingStreamError, match=r"no video stream in .*got streams 0 \(audio\)"):
        read(corpus["sound_only"], 0, 1, 10)


def test_the_order_of_reads_does_not_matter(corpus):
    with MediaReader(corpus["long_gop"]) as reader:
        for start in (3.0, 0.0, 2.0, 2.0, 0.5):
            assert numbers_in(reader.read_video(start, 0.2, 10)) == [round(start * 10), round(start * 10) + 1]
            reader.read_audio(start, 0.1, 24000)


def test_more_threads_give_the_same_frames(corpus):
    with MediaReader(corpus["long_gop"], threads=2) as reader:
        assert torch.equal(reader.read_video(1.0, 1.0, 16).frames, read(corpus["long_gop"], 1.0, 1.0, 16).frames)


def test_a_late_index_entry_is_noticed_and_passed_over(corpus, monkeypatch):
    with MediaReader(corpus["plain"]) as reader:
        track = reader._video
        seek = track.seek
        # A container that always lands one second late, but for its very beginning.
        monkeypatch.setattr(track, "seek", lambda pts: seek(pts if pts <= 0 else pts + int(1 / track.time_base)))
        assert number_in(reader.read_video(1.5, 0.1, 10).frames[0]) == 15


def test_a_container_that_cannot_move_is_named(corpus, monkeypatch):
    with MediaReader(corpus["plain"]) as reader:
        monkeypatch.setattr(reader._video, "seek", lambda pts: False)
        with pytest.raises(SeekError, match=r"cannot move to 0.950 s in .*plain.mp4.*Convert it with prepare_media"):
            reader.read_video(1.0, 0.5, 10)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((0, 0, 10), "duration"), ((0, 1, -1), "fps"), ((float("nan"), 1, 10), "start"), ((0, 1, 10, 0), "max_frames")],
)
def test_senseless_numbers_are_refused(corpus, arguments, name):
    with pytest.raises(InvalidValueError, match=f"^{name}: got"):
        read(corpus["plain"], *arguments)
