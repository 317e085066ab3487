"""Films with their sound turned: the picture untouched, every channel where it belongs, metadata as they were."""

import errno
import math

import pytest
import torch

from avssl_hub.audio.ambisonics import rotate
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import (
    SpatialAudio,
    SpatialMetadata,
    SpatialMetadataError,
    SphericalVideo,
    probe,
    read_sound,
    read_spatial_metadata,
    write_media,
    write_spatial_metadata,
)
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines import turn_film as module
from avssl_hub.pipelines._sphere_film import find_film
from avssl_hub.pipelines.turn_film import turn_film
from tests.media.corpus import Sound, make
from tests.media.test_write import packets

from .orienting import RATE, bright_towards, film, pipeline, sound_from

DEGREE = math.pi / 180
SEEN = -70 * DEGREE


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A film whose sound lies 90 degrees to the left of where it belongs."""
    return film(tmp_path_factory.mktemp("film") / "a.mp4", SEEN, sound_from(SEEN + 90 * DEGREE))


def many_channels(path, sound, kind, **settings):
    """Write a film of any number of channels that no layout of loudspeakers has."""
    track = Sound(sound.numpy(), RATE, kind, f"{len(sound)} channels")
    picture = bright_towards(SEEN).numpy()
    times = [number / 8 for number in range(16)]
    return make(path, times, (track,), fps=8, size=(64, 32), pictures=lambda number: picture, **settings)


def levels(sound):
    """What lies in each channel relative to W, which lossy codecs hardly change."""
    return sound @ sound[0] / sound[0].square().sum()


def test_what_was_found_puts_the_film_right(source, tmp_path):
    orient = pipeline()
    found = orient(source).best_yaw
    assert found == pytest.approx(-90 * DEGREE)
    seconds = []
    report = turn_film(find_film(source), tmp_path / "b.mp4", found, progress=lambda *told: seconds.append(told))
    assert (report.path, report.notes) == (tmp_path / "b.mp4", ())
    assert list(tmp_path.iterdir()) == [report.path]
    assert seconds[-1] == (2, 2)
    assert orient(report.path).aligned
    assert packets(report.path, "video") == packets(source, "video")
    assert read_spatial_metadata(report.path) == read_spatial_metadata(source)
    (audio,) = probe(report.path).audio
    assert (audio.codec, audio.channels) == ("aac", 4)
    lossless = turn_film(find_film(source), tmp_path / "c.mp4", found, lossless=True).path
    heard, wanted = read_sound(lossless)[0], rotate(read_sound(source)[0], -90 * DEGREE)
    assert (heard[:, : wanted.shape[1]] - wanted).abs().max() < 1e-4


def test_a_film_s_own_words_are_kept(source, tmp_path):
    said = SphericalVideo(stereo="top-bottom", pose=(30.0, 0.0, 0.0), software="Rig")
    order = SpatialAudio(channel_map=(0, 2, 3, 1))
    told = write_spatial_metadata(source, tmp_path / "told.mp4", said, order)
    path = turn_film(find_film(told), tmp_path / "b.mp4", 90 * DEGREE).path
    assert read_spatial_metadata(path) == SpatialMetadata(said, order)
    # The channels that the film calls Y, Z and X are its third, fourth and second.
    was, now = (levels(read_sound(name)[0]) for name in (source, path))
    torch.testing.assert_close(now, torch.stack([was[0], -was[2], was[1], was[3]]), rtol=0, atol=0.05)
    with pytest.raises(InvalidValueError, match=r"got order \(0, 2, 3, 1\); expected channels in ACN order"):
        turn_film(find_film(told), tmp_path / "c.mp4", 90 * DEGREE, lossless=True)


def test_words_that_are_not_understood_are_kept_too(source, tmp_path):
    content = source.read_bytes()
    # Of the same length, since boxes say how long they are.
    there, other = (
        b"<GSpherical:Stitched>true</GSpherical:Stitched>",
        b"<GSpherical:SourceCnt>12</GSpherical:SourceCnt>",
    )
    assert len(there) == len(other)
    assert there in content
    (tmp_path / "a.mp4").write_bytes(content.replace(there, other))
    path = turn_film(find_film(tmp_path / "a.mp4"), tmp_path / "b.mp4", 1.0).path
    assert other in path.read_bytes()
    assert read_spatial_metadata(path) == read_spatial_metadata(source)


def test_what_a_film_does_not_say_is_added(tmp_path):
    bare = film(tmp_path / "a.mp4", sound=sound_from(0.0)[[0, 3, 1, 2]], metadata=False)
    path = turn_film(find_film(bare, channels=[0, 2, 3, 1]), tmp_path / "b.mp4", 1.0).path
    assert read_spatial_metadata(path) == SpatialMetadata(SphericalVideo(), SpatialAudio(channel_map=(0, 2, 3, 1)))


@pytest.mark.parametrize("order", [2, 3])
def test_all_channels_of_a_higher_order_are_turned(tmp_path, order):
    sound = sound_from(20 * DEGREE, order=order)
    many = many_channels(tmp_path / "many.mkv", sound, "pcm_f32le")
    path = turn_film(find_film(many), tmp_path / "b.mp4", 60 * DEGREE).path
    assert read_spatial_metadata(path).audio == SpatialAudio(order, tuple(range((order + 1) ** 2)))
    heard, _ = read_sound(path)
    wanted = sound_from(80 * DEGREE, order=order)
    torch.testing.assert_close(levels(heard), levels(wanted), rtol=0, atol=0.05)
    with pytest.raises(InvalidValueError, match="channels of lossless sound"):
        turn_film(find_film(many), tmp_path / "c.mp4", 1.0, lossless=True)
    assert not (tmp_path / "c.mp4").exists()


def test_stereo_that_does_not_turn_with_the_head_stays(tmp_path):
    stereo = 0.2 * torch.rand(2, 2 * RATE, generator=torch.Generator().manual_seed(3))
    six = many_channels(tmp_path / "six.mp4", torch.cat([sound_from(0.0), stereo]), "flac")
    said = SpatialAudio(1, (0, 1, 2, 3, 4, 5), head_locked=True)
    told = write_spatial_metadata(six, tmp_path / "told.mp4", SphericalVideo(), said)
    path = turn_film(find_film(told), tmp_path / "b.mp4", 90 * DEGREE, lossless=True).path
    assert read_spatial_metadata(path).audio == said
    was, now = (read_sound(name)[0][:, :15000] for name in (told, path))
    assert (now[4:] - was[4:]).abs().max() < 1e-4
    assert (now[:4] - rotate(was[:4], 90 * DEGREE)).abs().max() < 1e-4


def test_other_tracks_stay_and_sound_beside_comes_in(source, tmp_path):
    (tmp_path / "video").mkdir()
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "clip.m4a").write_bytes(source.read_bytes())
    stereo = sound_from(0.0)[:2]
    frames = bright_towards(SEEN).expand(16, -1, -1, -1)
    clip = write_media(tmp_path / "video" / "clip.mp4", frames, 8, stereo, RATE, crf=1)
    report = turn_film(find_film(clip), tmp_path / "b.mp4", -90 * DEGREE)
    assert [track.channels for track in probe(report.path).audio] == [4, 2]
    assert report.notes == ("the ambisonic track is the first; 1 other sound stays as it is",)
    assert read_spatial_metadata(report.path).audio == SpatialAudio()
    assert pipeline()(report.path).aligned
    # Lossy codecs of the two ways differ only by their noise.
    apart = turn_film(find_film(source), tmp_path / "c.mp4", -90 * DEGREE).path
    assert torch.equal(read_sound(apart)[0], read_sound(report.path)[0])


def test_loud_sound_and_foreign_pictures_are_told(tmp_path):
    loud = 2.4 * sound_from(45 * DEGREE, 0.0)
    report = turn_film(find_film(film(tmp_path / "a.mp4", sound=loud)), tmp_path / "b.mp4", -45 * DEGREE)
    assert report.notes == ()
    louder = 1.3 * loud / loud[3].abs().max()
    path = many_channels(tmp_path / "a.mkv", louder, "pcm_f32le", codec="mpeg4")
    notes = turn_film(find_film(path), tmp_path / "c.mp4", -45 * DEGREE).notes
    assert notes[0] == "the picture, mpeg4, had to be encoded again as h264"
    assert "what is beyond 1 was cut" in notes[1]


def test_films_stay_as_they_are_when_something_is_wrong(source, tmp_path, monkeypatch):
    found = find_film(source)
    (tmp_path / "there.mp4").write_bytes(b"mine")
    for out, text in (("there.mp4", "exists already"), ("a.mov", "suffix"), ("no/a.mp4", "folder")):
        with pytest.raises(OutputError, match=text):
            turn_film(found, tmp_path / out, 1.0)
    with pytest.raises(OutputError, match="the film itself"):
        turn_film(found, source, 1.0, force=True)
    with pytest.raises(InvalidValueError, match="yaw: got nan"):
        turn_film(found, tmp_path / "a.mp4", math.nan)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_spatial_metadata", full)
        with pytest.raises(OutputError, match="a full disk"):
            turn_film(found, tmp_path / "there.mp4", 1.0, force=True)
        patch.setattr(module, "write_spatial_metadata", lambda bare, out, *words, like: bare.rename(out))
        with pytest.raises(SpatialMetadataError, match="spatial metadata written to"):
            turn_film(found, tmp_path / "there.mp4", 1.0, force=True)

    def press(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turn_film(found, tmp_path / "there.mp4", 1.0, force=True, progress=press)
    assert [path.name for path in tmp_path.iterdir()] == ["there.mp4"]
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"


def test_an_unknown_ordering_is_refused(source, tmp_path, monkeypatch):
    from avssl_hub.pipelines import _sphere_film

    said = SpatialMetadata(SphericalVideo(), SpatialAudio(ordering="1"))
    monkeypatch.setattr(_sphere_film, "metadata_of", lambda source: said)
    with pytest.raises(InvalidValueError, match="got ordering 1, normalization sn3d; expected acn and sn3d"):
        find_film(source)
