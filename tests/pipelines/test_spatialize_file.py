"""What a spatialised film becomes: films that players know for what they are, sounds, heat; whole or not at all."""

import math

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import encode, rotate
from avssl_hub.audio.binaural import binauralize
from avssl_hub.audio.head_model import spherical_head
from avssl_hub.audio.head_responses import HeadResponses
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import (
    MediaReader,
    MissingStreamError,
    SpatialAudio,
    SpatialMetadata,
    SphericalVideo,
    probe,
    read_sound,
    read_spatial_metadata,
    write_media,
    write_sound,
    write_spatial_metadata,
)
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines.spatial_heat import RelativePower, write_heat
from avssl_hub.pipelines.spatialize_file import SpatialFiles, spatialize_file
from avssl_hub.video.equirectangular import direction_pixels
from tests.media.test_write import packets

from .spatializing import RATE, film, network, noise, pictures, pipeline


@pytest.fixture(scope="module")
def pipe():
    return pipeline(use_running_stats=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film") / "a.mp4")


def test_a_film_becomes_one_that_players_know_for_what_it_is(pipe, source, tmp_path):
    stages = []
    files = SpatialFiles(*(tmp_path / name for name in ("film.mp4", "sound.wav", "ears.wav", "heat.mp4")))
    report = spatialize_file(pipe, source, files, progress=lambda *words: stages.append(words))
    assert report.files == tuple(path for path, _ in files)
    assert sorted(tmp_path.iterdir()) == sorted(report.files)
    assert report.seconds == pytest.approx(1.6, abs=0.2)
    assert {stage for _, _, stage in stages} == {"hearing", "drawing"}
    result = pipe(source)
    sound, rate = read_sound(files.wav)
    assert rate == RATE
    assert torch.equal(sound, result.ambisonics)
    assert read_spatial_metadata(files.film) == SpatialMetadata(SphericalVideo(), SpatialAudio())
    assert packets(files.film, "video") == packets(source, "video")
    (audio,) = probe(files.film).audio
    assert (audio.codec, audio.channels) == ("aac", 4)
    with MediaReader(files.heat) as drawn, MediaReader(source) as plain:
        assert drawn.read_video(0, 1.6, 10).frames.shape == plain.read_video(0, 1.6, 10).frames.shape
        assert drawn.audio.channels == 1


def test_lossless_films_hold_the_ambisonics(pipe, source, tmp_path):
    quiet = pipeline(network())
    quiet.rule.place, place = lambda *words: place(*words) / 50, quiet.rule.place
    files = SpatialFiles(tmp_path / "film.mp4", tmp_path / "sound.wav")
    spatialize_file(quiet, source, files, lossless=True)
    held, rate = read_sound(files.film)
    sound, _ = read_sound(files.wav)
    assert rate == RATE
    assert sound.abs().max() < 1
    assert (held[:, : sound.shape[1]] - sound).abs().max() < 1e-4


def test_a_film_s_own_words_are_kept(pipe, tmp_path, source):
    said = SphericalVideo(pose=(30.0, 0.0, 0.0), software="Rig")
    write_spatial_metadata(source, tmp_path / "said.mp4", said)
    spatialize_file(pipe, tmp_path / "said.mp4", SpatialFiles(tmp_path / "film.mp4"))
    assert read_spatial_metadata(tmp_path / "film.mp4").video == said


@pytest.mark.parametrize(("yaw", "louder"), [(0, "left"), (90, "neither"), (180, "right"), (-90, "neither")])
def test_two_ears_turn_with_the_head(source, tmp_path, yaw, louder):
    # A source on the left, whatever the network says, and a head that hears one side with each ear.
    left = encode(torch.ones(1, 1), torch.tensor([math.pi / 2]), torch.zeros(1))[1:]
    beside = pipeline(use_running_stats=True)
    beside.rule.join = lambda pieces: (torch.cat([sound[None], left * sound]) for sound, _ in pieces)
    vectors = torch.tensor([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    gains = torch.stack([1 + vectors[:, 1], 1 - vectors[:, 1]], 1)[..., None] / 2
    head = HeadResponses(vectors, gains, RATE)
    spatialize_file(beside, source, SpatialFiles(binaural=tmp_path / "a.wav"), yaw=math.radians(yaw), head=head)
    ears = read_sound(tmp_path / "a.wav")[0].square().mean(1).sqrt()
    ratio = (ears[0] / ears[1]).item()
    expected = {"left": ratio > 3, "right": ratio < 1 / 3, "neither": ratio == pytest.approx(1, rel=0.05)}
    assert expected[louder]


def test_the_head_is_a_sphere_by_default(pipe, source, tmp_path):
    files = SpatialFiles(wav=tmp_path / "a.wav", binaural=tmp_path / "ears.wav")
    spatialize_file(pipe, source, files, yaw=0.7)
    expected = binauralize(rotate(read_sound(files.wav)[0], -0.7), spherical_head(RATE).filters(1, RATE))
    assert torch.allclose(read_sound(files.binaural)[0], expected, atol=1e-4)


def test_heat_lies_where_the_sound_comes_from(tmp_path):
    azimuth, elevation = (torch.tensor([math.radians(angle)]) for angle in (-60.0, 25.0))
    sound = encode(noise(1, 2.0, 8000), azimuth, elevation)
    write_sound(tmp_path / "a.wav", sound, 8000)
    grey = torch.full((20, 60, 120, 3), 60, dtype=torch.uint8)
    write_media(tmp_path / "a.mp4", grey, 10, sound[:1], 8000, crf=1)
    with MediaReader(write_heat(tmp_path / "a.mp4", tmp_path / "a.wav", tmp_path / "heat.mp4")) as reader:
        frame = reader.read_video(1.0, 0.1, 10).frames[0].float()
    # The last colours, and they alone, have no green.
    row, column = (int(places[0]) for places in direction_pixels(azimuth, elevation, 60, 120))
    top, left = np.unravel_index(int(frame[..., 1].argmin()), (60, 120))
    assert abs(top - row) <= 3
    assert abs(left - column) <= 3
    # On the other side of the sphere there is nothing.
    assert (frame[59 - row, (column + 60) % 120] - 60).abs().max() < 8


def test_maps_of_a_long_sound_are_those_of_its_parts():
    sound = noise(4, 2.3, 8000)
    maps = RelativePower(sound.split(777, 1), 8000, start=5.0)
    assert len(maps) == 5
    alone = RelativePower([sound[:, 4000:8000]], 8000)
    assert torch.allclose(maps.at(5.75), alone.at(0.0))
    assert torch.allclose(maps.at(0.0), RelativePower([sound[:, :4000]], 8000).at(9.0))
    between = (maps.at(5.25) + maps.at(5.75)) / 2
    assert torch.allclose(maps.at(5.5), between)


def test_films_stay_as_they_are_when_something_is_wrong(pipe, source, tmp_path):
    (tmp_path / "there.mp4").write_bytes(b"mine")
    for files, text in (
        (SpatialFiles(), "one or more"),
        (SpatialFiles(tmp_path / "there.mp4"), "exists already"),
        (SpatialFiles(tmp_path / "a.mov"), "suffix"),
        (SpatialFiles(wav=tmp_path / "a.wav", binaural=tmp_path / "a.wav"), "two files"),
        (SpatialFiles(tmp_path / "no" / "a.mp4"), "folder"),
    ):
        with pytest.raises((OutputError, InvalidValueError), match=text):
            spatialize_file(pipe, source, files)
    with pytest.raises(OutputError, match="the film itself"):
        spatialize_file(pipe, source, SpatialFiles(source), force=True)
    deaf = write_sound(tmp_path / "sound.wav", noise(1, 1.0), 8000)
    only = pipeline(network(encoders=("audio",)))
    with pytest.raises(MissingStreamError, match="no picture"):
        spatialize_file(only, deaf, SpatialFiles(tmp_path / "a.mp4"))
    cube = film(tmp_path / "cube.mp4", frames=pictures(16, 64, 96))
    with pytest.raises(InvalidValueError, match="heat"):
        spatialize_file(pipe, cube, SpatialFiles(heat=tmp_path / "a.mp4"), projection="eac")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"there.mp4", "sound.wav", "cube.mp4"}
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    spatialize_file(only, deaf, SpatialFiles(wav=tmp_path / "a.wav"))
    assert probe(tmp_path / "a.wav").audio[0].channels == 4


@pytest.mark.parametrize("stage", ["hearing", "drawing"])
def test_an_interrupt_leaves_nothing(pipe, source, tmp_path, stage):
    def press(done, total, name):
        if name == stage and done:
            raise KeyboardInterrupt

    files = SpatialFiles(*(tmp_path / name for name in ("film.mp4", "sound.wav", "ears.wav", "heat.mp4")))
    with pytest.raises(KeyboardInterrupt):
        spatialize_file(pipe, source, files, progress=press)
    assert not list(tmp_path.iterdir())
