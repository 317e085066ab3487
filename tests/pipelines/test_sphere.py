"""How a picture covers the sphere: what files say, what is taken for granted, and what comes out unfolded."""

import math

import pytest
import torch

from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import SpatialMetadata, SphericalVideo, VideoStreamInfo
from avssl_hub.pipelines._sphere import find_sphere
from avssl_hub.video.equirectangular import pixel_directions


def _stream(width=128, height=64, rotation=0):
    return VideoStreamInfo(0, "h264", width, height, 10.0, 0.0, 1.0, rotation, 10)


def _found(**said):
    return SpatialMetadata(SphericalVideo(**said) if said else None)


def _frame(height, width):
    """A frame of smooth colours."""
    rows, columns = torch.meshgrid(torch.linspace(0, 250, height), torch.linspace(0, 250, width), indexing="ij")
    return torch.stack([rows, columns, 250 - rows], -1).round().to(torch.uint8)


def test_films_are_believed():
    said = SphericalVideo(stereo="top-bottom")
    sphere = find_sphere("a", _stream(100, 100), SpatialMetadata(said))
    assert (sphere.projection, sphere.stereo, sphere.metadata, sphere.notes) == (
        "equirectangular",
        "top-bottom",
        said,
        (),
    )
    assert sphere.decoded_size(32, 64) == (64, 64)
    frame = _frame(64, 64)
    assert torch.equal(sphere.unfolded(frame, 32, 64), frame[:32])


def test_pictures_twice_as_wide_are_taken_for_equirectangular_and_others_refused():
    sphere = find_sphere("a", _stream(), _found())
    assert sphere.metadata == SphericalVideo()
    assert "twice as wide" in sphere.notes[0]
    for stream in (_stream(1280, 720), _stream(64, 64), _stream(128, 64, rotation=90)):
        with pytest.raises(InvalidValueError, match="--projection equirectangular"):
            find_sphere("a.mp4", stream, _found())
    told = find_sphere("a", _stream(1280, 720), _found(), "equirectangular")
    assert any("squeezed" in note for note in told.notes)
    assert told.metadata == SphericalVideo()
    # A film that says so, too.
    assert any("squeezed" in note for note in find_sphere("a", _stream(1920, 960 + 60), _found(stereo="mono")).notes)


def test_projections_that_cannot_be_unfolded_are_refused():
    for said in (
        {"projection": "mesh"},
        {"projection": "ytmp"},
        {"projection": "cubemap", "details": b"\0" * 7 + b"\1"},
    ):
        with pytest.raises(InvalidValueError, match="--projection eac"):
            find_sphere("a", _stream(), _found(**said))
        assert find_sphere("a", _stream(), _found(**said), "eac").metadata is None
    with pytest.raises(UnknownNameError, match="equirectangular"):
        find_sphere("a", _stream(), _found(), "equirect")
    with pytest.raises(InvalidValueError, match="stereo of 'a'"):
        find_sphere("a", _stream(), _found(stereo="custom"))
    with pytest.raises(UnknownNameError, match="top-bottom"):
        find_sphere("a", _stream(), _found(), stereo="over-under")


@pytest.mark.parametrize(("projection", "stereo"), [("eac", "mono"), ("cubemap", "mono"), ("cubemap", "top-bottom")])
def test_faces_of_one_colour_each_go_where_they_belong(projection, stereo):
    order = {"eac": ("left", "front", "right", "down", "back", "up")}.get(
        projection, ("right", "left", "up", "down", "front", "back")
    )
    sphere = find_sphere("a", _stream(96, 64), _found(), projection, stereo)
    height, width = sphere.decoded_size(32, 64)
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]]).repeat_interleave(width // 3, 1)
    rows = height // 2 if stereo == "mono" else height // 4
    faces = faces.repeat_interleave(rows, 0)
    frame = (faces if stereo == "mono" else torch.cat([faces, faces * 0])).to(torch.uint8)[..., None] * 40
    found = sphere.unfolded(frame.expand(-1, -1, 3).contiguous(), 32, 64)[..., 0]
    azimuth, elevation = pixel_directions(32, 64)
    for name, (longitude, latitude) in {
        "front": (0, 0),
        "left": (90, 0),
        "right": (-90, 0),
        "back": (179, 0),
        "up": (0, 85),
        "down": (0, -85),
    }.items():
        distance = (azimuth - math.radians(longitude)).abs() + (elevation - math.radians(latitude)).abs()
        place = divmod(distance.argmin().item(), 64)
        assert found[place] == 40 * order.index(name), name


def test_what_is_left_out_is_grey():
    sphere = find_sphere("a", _stream(64, 64), _found(bounds=(0.0, 0.0, 0.25, 0.25)))
    found = sphere.unfolded(torch.full((32, 64, 3), 200, dtype=torch.uint8), 32, 64)
    assert found.shape == (32, 64, 3)
    assert (found[:, 16:48] == 200).all()
    assert (found[:, :16] == 128).all()
    assert (found[:, 48:] == 128).all()
