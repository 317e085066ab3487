import io

import pytest

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MediaOpenError, MediaReader, MissingStreamError, probe
from tests.media.conftest import TURNS


def test_probe_tells_streams_sizes_rates_and_times(corpus):
    info = probe(corpus["plain"])
    (video,), (audio,) = info.video, info.audio
    assert (video.index, video.codec, video.width, video.height, video.frames) == (0, "h264", 64, 48, 40)
    assert (video.fps, video.start, video.end, video.rotation) == (10.0, 0.0, 4.0, 0)
    assert (audio.index, audio.codec, audio.sampling_rate, audio.channels) == (1, "aac", 48000, 1)
    assert (audio.layout, audio.start, audio.end) == ("mono", 0.0, 4.0)
    assert (info.name, info.start, info.duration, info.end) == (str(corpus["plain"]), 0.0, 4.0, 4.0)
    assert info.has_video
    assert info.has_audio


@pytest.mark.parametrize("name", ["plain_txt", "plain_jpg", "plain_mp3"])
def test_content_decides_not_the_extension(corpus, name):
    assert probe(corpus[name]).video == probe(corpus["plain"]).video


def test_bytes_file_objects_and_non_ascii_paths_give_the_same_streams(corpus):
    path = corpus["non_ascii"]
    expected = probe(path).video
    assert probe(str(path)).video == probe(path.read_bytes()).video == expected
    with path.open("rb") as file:
        file.seek(100)
        assert probe(file).video == expected
        assert not file.closed
    assert probe(path.read_bytes()).name == f"<{path.stat().st_size} bytes>"


@pytest.mark.parametrize(
    ("name", "degrees"),
    [("plain", 0), ("rotated_90", 90), ("rotated_180", 180), ("rotated_270", 270), ("mirrored", 0)],
)
def test_rotation_is_clockwise_and_sizes_stay_coded(corpus, name, degrees):
    (video,) = probe(corpus[name]).video
    assert (video.rotation, video.width, video.height) == (degrees, 64, 48)
    assert name == "plain" or name in TURNS


def test_rotation_is_known_after_sound_was_read(corpus):
    with MediaReader(corpus["rotated_90"]) as reader:
        reader.read_audio(1, 1, 24000)
        assert reader.info.video[0].rotation == 90


def test_cover_art_is_no_video(corpus):
    for name in ("cover_mp3", "cover_m4a"):
        info = probe(corpus[name])
        assert not info.has_video
        assert info.has_audio


def test_start_offsets_are_kept(corpus):
    info = probe(corpus["late_sound"])
    assert (info.start, info.video[0].start, info.audio[0].start) == (0.0, 0.0, 1.0)
    assert info.audio[0].end == pytest.approx(3.0, abs=1e-3)
    assert probe(corpus["late_picture"]).video[0].start == 2.0


def test_several_sound_tracks_are_all_listed(corpus):
    assert [audio.index for audio in probe(corpus["two_sounds"]).audio] == [1, 2]


def test_length_of_an_unfinished_recording_is_found_from_its_packets(corpus):
    info = probe(corpus["unfinished"])
    assert info.video[0].end == pytest.approx(4.0, abs=0.11)
    assert info.audio[0].end == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", ["empty.mp4", "an empty file (0 bytes)", "Fetch or export the file again"]),
        ("text", ["text.mp4", "2200 bytes that FFmpeg refuses", "the content counts, not the extension"]),
        ("headless", ["headless.mp4", "fetch or export it again if it was cut short"]),
    ],
)
def test_what_is_not_media_is_refused_with_the_next_step(corpus, name, words):
    with pytest.raises(MediaOpenError) as caught:
        probe(corpus[name])
    assert all(word in str(caught.value) for word in words)
    assert caught.value.source == str(corpus[name])


def test_missing_files_folders_and_other_objects_are_refused(corpus, tmp_path):
    with pytest.raises(MediaOpenError, match=r"nowhere.mp4': got no such file or directory.*Check the path"):
        probe(tmp_path / "nowhere.mp4")
    with pytest.raises(MediaOpenError, match="got a folder"):
        probe(tmp_path)
    with pytest.raises(MediaOpenError, match="got file name too long"):
        probe(tmp_path / ("x" * 300))
    with pytest.raises(MediaOpenError, match="got embedded null byte"):
        probe(tmp_path / "a\0.mp4")
    with pytest.raises(InvalidValueError, match="media source: got 3; expected a path, bytes"):
        probe(3)


def test_a_file_object_must_seek(corpus):
    class Pipe(io.BytesIO):
        def seek(self, *_):
            raise io.UnsupportedOperation("seek")

    with pytest.raises(MediaOpenError, match=r"cannot seek.*Read it whole and pass the bytes"):
        probe(Pipe(corpus["plain"].read_bytes()))


def test_a_playlist_cannot_make_us_read_another_file(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(corpus["plain"].parent)
    playlist = tmp_path / "list.mp4"
    playlist.write_text("ffconcat version 1.0\nfile 'plain.mp4'\n")
    with pytest.raises(MediaOpenError):
        probe(playlist)


def test_a_wrong_stream_index_names_the_streams_there_are(corpus):
    with pytest.raises(MissingStreamError, match=r"got streams 0 \(video\), 1 \(audio\), 2 \(audio\)") as caught:
        MediaReader(corpus["two_sounds"], audio_stream=0)
    assert caught.value.stream == 0
    with pytest.raises(MissingStreamError, match=r"no video stream 7 in"):
        MediaReader(corpus["two_sounds"], video_stream=7)
    with pytest.raises(MissingStreamError, match=r"cover art"), MediaReader(corpus["cover_m4a"]) as reader:
        reader.read_video(0, 1, 10)
