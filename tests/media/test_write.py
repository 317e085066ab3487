import os
import resource
import signal

import av
import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import (
    DecodeError,
    MediaOpenError,
    MediaReader,
    MediaWriteError,
    MissingStreamError,
    prepare_media,
    probe,
    write_media,
)
from tests.media.conftest import REGULAR, VFR_TIMES
from tests.media.corpus import Sound, make, noise, number_in, numbers_in, picture, sine


def film(count=30, width=64, height=48):
    return torch.from_numpy(np.stack([picture(i, width, height) for i in range(count)]))


def decoded(path):
    """Times, picture types and numbers of all frames, by PyAV alone."""
    with av.open(str(path)) as container:
        frames = [
            (f.time, f.pict_type.name if hasattr(f.pict_type, "name") else f.pict_type, f)
            for f in container.decode(video=0)
        ]
        return [(time, kind, number_in(f.to_ndarray(format="rgb24"))) for time, kind, f in frames]


def packets(path, kind):
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [
            (packet.pts * packet.time_base, packet.dts * packet.time_base, bytes(packet), packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.size
        ]


def test_what_is_written_reads_back(tmp_path):
    sound = torch.from_numpy(sine(2.0, 24000, 500, channels=2))
    path = write_media(tmp_path / "film.mp4", film(), 15, sound, 24000, gop=6)
    with MediaReader(path) as reader:
        (video,), (audio,) = reader.info.video, reader.info.audio
        assert (video.codec, video.width, video.height, video.fps, video.frames) == ("h264", 64, 48, 15.0, 30)
        assert (audio.codec, audio.sampling_rate, audio.channels) == ("aac", 24000, 2)
        assert (video.start, audio.start, video.duration) == (0.0, 0.0, 2.0)
        assert audio.duration == pytest.approx(2.0, abs=1e-3)
        assert numbers_in(reader.read_video(0, 2, 15)) == list(range(30))
        read = reader.read_audio(0.5, 1.0, 24000, channels=None).samples
    assert (read - sound[:, 12000:36000]).abs().max() < 0.05
    assert os.listdir(tmp_path) == ["film.mp4"]


def test_keyframes_are_close_and_no_frame_is_shown_out_of_order(tmp_path):
    path = write_media(tmp_path / "film.mp4", film(), 15, gop=6)
    found = packets(path, "video")
    assert all(pts == dts for pts, dts, _, _ in found)
    keys = [number for number, packet in enumerate(found) if packet[3]]
    assert keys[0] == 0
    assert np.diff([*keys, 30]).max() <= 6
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_frames_may_come_one_by_one_and_sound_may_be_absent(tmp_path):
    path = write_media(tmp_path / "film.mp4", (frame for frame in film(7)), 30000 / 1001)
    info = probe(path)
    assert not info.has_audio
    assert info.video[0].fps == pytest.approx(30000 / 1001, rel=1e-12)
    assert [number for _, _, number in decoded(path)] == list(range(7))


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (torch.zeros(3, 47, 64, 3, dtype=torch.uint8), r"uint8 of shape \(47, 64, 3\).*H and W even.*Crop or pad"),
        (torch.zeros(3, 48, 64, 3), r"frame: got float32"),
        (torch.zeros(3, 48, 64, dtype=torch.uint8), r"frame: got uint8 of shape \(48, 64\)"),
        (
            [torch.zeros(48, 64, 3, dtype=torch.uint8), torch.zeros(48, 32, 3, dtype=torch.uint8)],
            r"\(48, 32, 3\); expected uint8 of shape \(48, 64, 3\)",
        ),
        ([], "frames: got none; expected at least one frame"),
    ],
)
def test_unfit_frames_are_refused_and_leave_nothing(tmp_path, frames, words):
    with pytest.raises(InvalidValueError, match=words):
        write_media(tmp_path / "film.mp4", frames, 10)
    assert os.listdir(tmp_path) == []


def test_a_rate_of_nothing_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="fps: got 0; expected a number above 0"):
        write_media(tmp_path / "film.mp4", film(3), 0)


def test_unfit_sound_is_refused_and_leaves_nothing(tmp_path):
    for samples, rate, words in (
        (torch.zeros(100), 24000, r"samples: got float32 of shape \(100,\)"),
        (torch.zeros(1, 100, dtype=torch.int16), 24000, "samples: got int16"),
        (torch.zeros(1, 100), None, "sampling_rate: got None"),
        (torch.zeros(1, 100), 10000, "sampling_rate: got 10000; expected one that AAC knows: 7350, 8000"),
    ):
        with pytest.raises(InvalidValueError, match=words):
            write_media(tmp_path / "film.mp4", film(3), 10, samples, rate)
    assert os.listdir(tmp_path) == []


def test_an_existing_file_is_replaced_only_on_request(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("precious")
    for attempt in (lambda: write_media(path, film(3), 10), lambda: prepare_media(path, path)):
        with pytest.raises(MediaWriteError, match=r"got a file that exists already.*pass overwrite=True") as caught:
            attempt()
        assert caught.value.source == str(path)
    assert path.read_text() == "precious"
    write_media(path, film(3), 10, overwrite=True)
    assert len(decoded(path)) == 3


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MediaWriteError, match=r"nowhere/film.mp4': got No such file or directory; expected a folder"):
        write_media(tmp_path / "nowhere" / "film.mp4", film(3), 10)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_write_leaves_nothing_and_keeps_the_old_file(tmp_path, interruption):
    def frames():
        yield from film(20)
        raise interruption

    path = tmp_path / "film.mp4"
    path.write_text("precious")
    with pytest.raises(interruption):
        write_media(path, frames(), 10, overwrite=True)
    assert os.listdir(tmp_path) == ["film.mp4"]
    assert path.read_text() == "precious"


@pytest.fixture
def full_disk():
    """Files may not grow beyond 100 kB, which writing notices as it notices a full disk."""
    old_limit, old_handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, old_limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
    signal.signal(signal.SIGXFSZ, old_handler)


def test_a_full_disk_leaves_nothing(tmp_path, full_disk):
    rng = np.random.default_rng(0)
    frames = (rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(40))
    with pytest.raises(MediaWriteError, match=r"with room on the disk.*Nothing was left behind"):
        write_media(tmp_path / "film.mp4", frames, 10)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("long_gop", REGULAR),
        ("vfr", VFR_TIMES),
        ("late_picture", [2 + t for t in REGULAR]),
        ("offset", [5 + t for t in REGULAR]),
        ("mpeg4", REGULAR),
    ],
)
def test_prepared_files_keep_every_frame_at_its_time(corpus, tmp_path, name, times):
    path = prepare_media(corpus[name], tmp_path / "prepared.mp4", gop=5)
    found = decoded(path)
    assert [number for _, _, number in found] == list(range(len(times)))
    assert [time for time, _, _ in found] == pytest.approx(times, abs=1.1e-3)
    before, after = probe(corpus[name]), probe(path)
    assert after.video[0].fps == pytest.approx(before.video[0].fps, rel=1e-3)
    assert after.video[0].end == pytest.approx(before.video[0].end, abs=2e-3)
    keys = [number for number, packet in enumerate(packets(path, "video")) if packet[3]]
    assert np.diff([*keys, len(times)]).max() <= 5


@pytest.mark.parametrize("name", ["long_gop", "late_sound", "short_sound", "late_picture", "offset"])
def test_prepared_files_keep_their_sound_bit_for_bit(corpus, tmp_path, name):
    path = prepare_media(corpus[name], tmp_path / "prepared.mp4")
    assert [data for _, _, data, _ in packets(path, "audio")] == [
        data for _, _, data, _ in packets(corpus[name], "audio")
    ]
    before, after = probe(corpus[name]).audio[0], probe(path).audio[0]
    assert after.start == pytest.approx(before.start, abs=1.1e-3)
    with MediaReader(path) as new, MediaReader(corpus[name]) as old:
        shift = after.start - before.start
        assert torch.equal(
            new.read_audio(before.start + shift + 0.5, 1, 24000).samples,
            old.read_audio(before.start + 0.5, 1, 24000).samples,
        )


def test_sound_that_mp4_cannot_hold_becomes_aac(corpus, tmp_path):
    path = prepare_media(corpus["mpeg4"], tmp_path / "prepared.mp4")
    with MediaReader(path) as new:
        assert new.info.audio[0].codec == "aac"
        heard = new.read_audio(1, 1, 24000).samples[0].numpy()
    stored = noise(4, 24000)[0, 24000:48000]
    assert np.corrcoef(heard, stored)[0, 1] > 0.9


def test_sound_prepared_at_a_rate_reads_the_same_there(tmp_path):
    sound = Sound(noise(4.0, 44100, channels=2), 44100, codec="flac", layout="stereo", start=0.5)
    source = make(tmp_path / "source.mp4", REGULAR, (sound,), format="mp4")
    prepared = prepare_media(source, tmp_path / "prepared.mp4", sampling_rate=24000)
    with MediaReader(source) as before, MediaReader(prepared) as after:
        (kept,) = after.info.audio
        assert (kept.codec, kept.sampling_rate, kept.channels, kept.start) == ("flac", 24000, 1, 0.5)
        # In front of the sound, across its start, inside, and past its end.
        for start in (0.0, 0.3, 1.2345, 3.9):
            expected, found = (reader.read_audio(start, 1.0, 24000) for reader in (before, after))
            assert torch.equal(found.samples, expected.samples)
            assert found.present == pytest.approx(expected.present, abs=1e-3)
        assert expected.samples.any()


def test_a_senseless_sampling_rate_is_refused(corpus, tmp_path):
    with pytest.raises(InvalidValueError, match=r"sampling_rate: got 0; expected 1000 to 65535 Hz"):
        prepare_media(corpus["plain"], tmp_path / "prepared.mp4", sampling_rate=0)


def test_prepared_files_stand_upright(corpus, tmp_path):
    path = prepare_media(corpus["rotated_90"], tmp_path / "prepared.mp4")
    (video,) = probe(path).video
    assert (video.width, video.height, video.rotation) == (48, 64, 0)
    assert [number for _, _, number in decoded(path)] == list(range(40))


def test_large_pictures_shrink_and_small_ones_stay(tmp_path):
    make(tmp_path / "large.mp4", [0, 0.1], size=(162, 96))
    (video,) = probe(prepare_media(tmp_path / "large.mp4", tmp_path / "small.mp4", short_side=48)).video
    assert (video.width, video.height) == (80, 48)
    (video,) = probe(prepare_media(tmp_path / "large.mp4", tmp_path / "same.mp4", short_side=500)).video
    assert (video.width, video.height) == (162, 96)


def test_a_short_side_of_nothing_is_refused(corpus, tmp_path):
    with pytest.raises(InvalidValueError, match="short_side: got 0; expected at least 2 pixels"):
        prepare_media(corpus["plain"], tmp_path / "prepared.mp4", short_side=0)


def test_prepare_needs_a_picture_that_decodes(corpus, tmp_path):
    with pytest.raises(MissingStreamError, match="no video stream"):
        prepare_media(corpus["sound_only"], tmp_path / "prepared.mp4")
    with pytest.raises(MediaOpenError, match="empty"):
        prepare_media(corpus["empty"], tmp_path / "prepared.mp4")
    whole = corpus["long_gop"].read_bytes()
    begin = whole.index(b"mdat") + 4
    with pytest.raises(DecodeError, match="no frame of stream 0 that decodes"):
        prepare_media(whole[:begin] + bytes(len(whole) - begin), tmp_path / "prepared.mp4")
    assert os.listdir(tmp_path) == []


def test_a_truncated_file_is_prepared_as_far_as_it_goes(corpus, tmp_path):
    found = decoded(prepare_media(corpus["truncated"], tmp_path / "prepared.mp4"))
    assert 10 < len(found) < 40
    assert [number for _, _, number in found[:10]] == list(range(10))
