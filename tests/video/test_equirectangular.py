"""Pictures of the sphere: directions by formulas, views of a sphere coloured by them, and FFmpeg's filter beside."""

import math

import av
import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import encode, rotate
from avssl_hub.errors import InvalidValueError
from avssl_hub.video.cube import CUBEMAP, EAC, cube_to_equirectangular, left_eye
from avssl_hub.video.equirectangular import direction_pixels, pixel_directions, roll, sample, view


def _sphere(height):
    """A picture whose three channels are x, y and z of where each pixel lies."""
    azimuth, elevation = pixel_directions(height, 2 * height)
    x, y = torch.cos(azimuth) * torch.cos(elevation), torch.sin(azimuth) * torch.cos(elevation)
    return torch.stack([x, y, torch.sin(elevation)])


def _filtered(picture, options):
    """Run FFmpeg's v360 over an 8-bit picture ``(H, W, 3)``."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=picture.shape[1], height=picture.shape[0], format="gbrp", time_base="1/1")
    nodes = [source, graph.add("v360", options), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="gbrp")
    frame.pts = 0
    graph.push(frame)
    return graph.pull().reformat(format="rgb24").to_ndarray()


def _smooth(height):
    """The coloured sphere in 8 bits, as FFmpeg takes it."""
    return ((_sphere(height) + 1) * 127).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def test_pixels_lie_where_the_formulas_say():
    azimuth, elevation = pixel_directions(2, 4)
    assert azimuth[0].tolist() == pytest.approx([math.radians(angle) for angle in (135, 45, -45, -135)])
    assert elevation[:, 0].tolist() == pytest.approx([math.pi / 4, -math.pi / 4])
    rows, columns = direction_pixels(*pixel_directions(6, 12), 6, 12)
    assert torch.allclose(rows, torch.arange(6.0)[:, None].expand(6, 12), atol=1e-5)
    assert torch.allclose(columns, torch.arange(12.0).expand(6, 12), atol=1e-5)
    # Straight behind is the seam, from either side.
    _, columns = direction_pixels(torch.tensor([math.pi, -math.pi, 3 * math.pi]), torch.zeros(3), 6, 12)
    assert columns.tolist() == pytest.approx([-0.5] * 3, abs=1e-5)


def test_looking_up_meets_no_seam_at_the_back_or_at_the_poles():
    picture = _sphere(64)
    azimuth = torch.linspace(-math.pi, math.pi, 101, dtype=torch.float64).expand(51, 101)
    elevation = torch.linspace(-math.pi / 2, math.pi / 2, 51, dtype=torch.float64)[:, None].expand(51, 101)
    seen = sample(picture, azimuth, elevation)
    expected = torch.stack(
        [torch.cos(azimuth) * torch.cos(elevation), torch.sin(azimuth) * torch.cos(elevation), torch.sin(elevation)]
    )
    assert (seen - expected).abs().max() < 2e-3


@pytest.mark.parametrize(
    ("yaw", "pitch", "tilt"), [(0, 0, 0), (70, 0, 0), (-160, 35, 0), (20, -80, 25), (180, 10, -50)]
)
def test_a_view_of_a_coloured_sphere_is_what_trigonometry_says(yaw, pitch, tilt):
    fov, (height, width) = 1.3, (31, 41)
    seen = view(_sphere(256), *(math.radians(angle) for angle in (yaw, pitch, tilt)), fov=fov, size=(height, width))
    # By hand: the camera's axes in the world, one rotation after the other.
    a, b, c = (math.radians(angle) for angle in (yaw, pitch, tilt))
    ahead = np.array([math.cos(a) * math.cos(b), math.sin(a) * math.cos(b), math.sin(b)])
    left = np.array([-math.sin(a), math.cos(a), 0])
    up = np.cross(ahead, left)
    left, up = math.cos(c) * left + math.sin(c) * up, math.cos(c) * up - math.sin(c) * left
    for row, column in [(0, 0), (15, 20), (30, 40), (3, 37), (22, 5)]:
        right, down = (
            (2 * (place + 0.5) / size - 1) * math.tan(fov / 2) * size / width
            for place, size in ((column, width), (row, height))
        )
        ray = ahead - right * left - down * up
        assert seen[:, row, column].numpy() == pytest.approx(ray / np.linalg.norm(ray), abs=1e-3)


def test_a_view_is_the_one_ffmpeg_gives():
    picture = _smooth(128)
    # FFmpeg's yaw goes to the right.
    expected = _filtered(picture, "input=equirect:output=flat:yaw=-40:pitch=25:h_fov=80:v_fov=80:w=64:h=64")
    frames = torch.from_numpy(picture).permute(2, 0, 1).float()
    seen = view(frames, math.radians(40), math.radians(25), fov=math.radians(80), size=(64, 64))
    assert (seen - torch.from_numpy(expected).permute(2, 0, 1)).abs().max() < 2.5


def test_views_have_gradients_and_batches():
    frames = torch.rand(2, 3, 4, 16, 32, dtype=torch.float64, requires_grad=True)
    yaw = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    seen = view(frames, yaw, 0.2, size=(8, 10))
    assert seen.shape == (2, 3, 4, 8, 10)
    assert torch.equal(view(frames[1, 2], yaw, 0.2, size=(8, 10)), seen[1, 2])
    small = torch.rand(1, 4, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda picture: view(picture, 0.31, 0.17, 0.05, size=(3, 3)), (small,))
    seen.square().sum().backward()
    assert yaw.grad.abs() > 0
    with pytest.raises(InvalidValueError, match="fov"):
        view(frames, 0.0, fov=math.pi)


def test_rolling_moves_picture_and_sound_together():
    width = 64
    frames = torch.zeros(1, 32, width)
    frames[0, 10, 20] = 1
    azimuth, elevation = (angles[10, 20] for angles in pixel_directions(32, width))
    for columns in (0, 5, -7, 40):
        yaw = columns * 2 * math.pi / width
        turned = roll(frames, yaw)
        assert turned[0, 10, (20 - columns) % width] == pytest.approx(1, abs=1e-4)
        angles = [angles[10, (20 - columns) % width][None] for angles in pixel_directions(32, width)]
        sound = rotate(encode(torch.ones(1, 1), azimuth[None], elevation[None]), yaw)
        assert torch.allclose(sound, encode(torch.ones(1, 1), *angles), atol=1e-5)
    half = roll(frames, 2.5 * 2 * math.pi / width)
    assert half[0, 10, 17:19].tolist() == pytest.approx([0.5, 0.5], abs=1e-4)


def test_rolling_by_whole_pixels_follows_the_released_rule():
    frames = torch.arange(2 * 448).view(2, 1, 1, 448)
    yaws = torch.tensor([0.7, -2.1])
    turned = roll(frames, yaws, whole_pixels=True)
    for picture, yaw, found in zip(frames, yaws.tolist(), turned):
        assert torch.equal(found, picture.roll(-int(yaw / (2 * math.pi) * 448), -1))


@pytest.mark.parametrize(("layout", "name", "mean"), [(EAC, "eac", 2.0), (CUBEMAP, "c3x2", 0.7)])
def test_cube_maps_unfold_as_ffmpeg_folds_them(layout, name, mean):
    # FFmpeg leaves a margin of two pixels at the sides of equi-angular faces.
    picture = _smooth(128)
    folded = _filtered(picture, f"input=equirect:output={name}:w=288:h=192:interp=cubic")
    found = cube_to_equirectangular(torch.from_numpy(folded).permute(2, 0, 1).float(), (96, 192), layout)
    expected = (_sphere(96) + 1) * 127
    error = (found - expected).abs()
    assert error.max() < 6
    assert error.mean() < mean


def test_the_equiangular_rule():
    # In the middle row of the front face, a pixel's place p from -1 to 1 lies at p times 45 degrees.
    face = 64
    frames = torch.zeros(1, 2 * face, 3 * face)
    frames[0, :face, face : 2 * face] = (2 * (torch.arange(face) + 0.5) / face - 1) * 45
    found = cube_to_equirectangular(frames, (180, 360))[0, 90]
    azimuth = pixel_directions(180, 360)[0][90].rad2deg()
    inside = azimuth.abs() < 44
    assert torch.allclose(found[inside], -azimuth[inside], atol=0.1)
    with pytest.raises(InvalidValueError, match="faces"):
        cube_to_equirectangular(torch.zeros(1, 5, 6), (4, 8))


def test_left_eyes():
    frames = torch.arange(32).view(1, 4, 8)
    assert left_eye(frames, "mono") is frames
    assert torch.equal(left_eye(frames, "top-bottom"), frames[:, :2])
    assert torch.equal(left_eye(frames, "left-right"), frames[..., :4])
    assert torch.equal(left_eye(frames, "right-left"), frames[..., 4:])
    upright = left_eye(frames, "left-right", equiangular=True)
    assert upright.tolist() == [np.rot90(frames[0, :, :4].numpy(), -1).tolist()]
    with pytest.raises(InvalidValueError, match="stereo"):
        left_eye(frames, "custom")
