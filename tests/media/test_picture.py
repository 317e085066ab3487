"""Frames at rising times: those that windows give, held at both ends, scaled, and made as they are asked for."""

from itertools import count, islice

import pytest
import torch

from avssl_hub.media import DecodeError, MediaReader, MissingStreamError, PictureReader
from tests.media.corpus import number_in


@pytest.mark.parametrize("name", ["plain", "long_gop", "mpeg4", "offset", "vfr", "aac_in_mkv", "rotated_90"])
def test_frames_are_those_that_windows_give(corpus, name):
    with MediaReader(corpus[name]) as reader, PictureReader(corpus[name]) as picture:
        start = reader.video.start
        times = [start + k * 0.17 for k in range(int(reader.video.duration / 0.17))]
        expected = [reader.read_video(time, 1 / reader.video.fps, reader.video.fps).frames[0] for time in times]
        found = list(picture.at(times))
        assert [number_in(frame) for frame in found] == [number_in(frame) for frame in expected]
        assert all(map(torch.equal, found, expected))
        assert picture.held_from is None


def test_ends_are_held_and_told(corpus):
    with PictureReader(corpus["plain"]) as picture:
        end = picture.stream.end
        early, late, later = picture.at([-3.0, end + 1, end + 2])
        assert number_in(early) == 0
        assert number_in(late) == number_in(later) == round(picture.stream.duration * picture.stream.fps) - 1
        assert picture.held_from == pytest.approx(end)


def test_a_cut_film_tells_when_its_frames_run_out(corpus):
    with PictureReader(corpus["truncated"]) as picture:
        frames = picture.at([picture.stream.start, picture.stream.end - 0.1])
        next(frames)
        assert not picture.ended
        next(frames)
        assert picture.ended
    with PictureReader(corpus["plain"]) as picture:
        list(picture.at([picture.stream.start, picture.stream.end - 0.1]))
        assert not picture.ended


def test_times_may_be_endless(corpus):
    with PictureReader(corpus["plain"]) as picture:
        frames = list(islice(picture.at(k / 2 for k in count()), 30))
        assert len(frames) == 30
        assert torch.equal(frames[-1], frames[-2])


def test_frames_are_scaled_as_they_are_decoded(corpus):
    with PictureReader(corpus["plain"]) as picture:
        (whole,), (small,) = list(picture.at([0.5])), list(picture.at([0.5], (24, 64)))
    assert small.shape == (24, 64, 3)
    smaller = torch.nn.functional.interpolate(whole.permute(2, 0, 1)[None].float(), (24, 64), mode="area")[0]
    assert (small.permute(2, 0, 1) - smaller).abs().mean() < 6


def test_what_cannot_be_read_is_told(corpus, tmp_path):
    with pytest.raises(MissingStreamError):
        PictureReader(corpus["sound_only"])
    # The index is whole, but no picture is.
    content = bytearray(corpus["long_gop"].read_bytes())
    at = content.index(b"mdat") + 4
    content[at:] = bytes(len(content) - at)
    (tmp_path / "empty.mp4").write_bytes(content)
    with PictureReader(tmp_path / "empty.mp4") as picture, pytest.raises(DecodeError, match="no frame"):
        next(picture.at([0.0]))
