"""Views cut out of spheres: against lenses worked out by hand, and drawn by their rules."""

import math

import pytest
import torch

from avssl_hub.audio.ambisonics import angle_between, unit_vectors
from avssl_hub.errors import InvalidValueError
from avssl_hub.video.equirectangular import pixel_directions, view
from avssl_hub.video.released_views import cut_labels_as_released, cut_pictures_as_released
from avssl_hub.video.view_rules import ViewRules
from avssl_hub.video.views import Views, cut_labels, cut_pictures


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def facing(azimuth, elevation, half_width=0.4, half_height=0.3):
    values = (azimuth, elevation, half_width, half_height)
    return Views.facing(*(torch.tensor([value], dtype=torch.float64) for value in values))


def vectors_of_sphere(height):
    """Frames ``(1, 3, height, 2 * height)`` whose colours are the unit vectors of their pixels."""
    return unit_vectors(*(angles.double() for angles in pixel_directions(height, 2 * height))).movedim(-1, 0)[None]


def test_pixels_look_where_a_camera_does():
    azimuth, elevation, half_width, half_height = 2.9, -0.5, 0.8, 0.6
    seen = cut_pictures(vectors_of_sphere(256), facing(azimuth, elevation, half_width, half_height), (6, 8))[0, 0]
    forward = unit_vectors(torch.tensor(azimuth), torch.tensor(elevation))
    left = unit_vectors(torch.tensor(azimuth + math.pi / 2), torch.tensor(0.0))
    up = unit_vectors(torch.tensor(azimuth), torch.tensor(elevation + math.pi / 2))
    for row, column in ((0, 0), (2, 5), (5, 7)):
        # Pixel centres: the first lies half a pixel inside the left edge.
        ray = forward + left * half_width * (1 - (2 * column + 1) / 8) + up * half_height * (1 - (2 * row + 1) / 6)
        assert angle_between(seen[:, row, column], ray.double()) < 1e-3


def test_square_views_are_those_of_the_camera():
    frames = vectors_of_sphere(64)
    seen = cut_pictures(frames, facing(0.7, 0.3, math.tan(0.5), math.tan(0.5)), (20, 20))[0]
    torch.testing.assert_close(seen, view(frames, 0.7, 0.3, fov=1.0, size=(20, 20)))


def test_batches_are_cut_view_by_view():
    frames = torch.rand(2, 3, 3, 32, 64, generator=generator())
    rows = torch.stack([ViewRules().sample(32, 64, generator(seed)).rows for seed in range(2)])
    for cut, pictures in ((cut_pictures, frames), (cut_pictures_as_released, (frames * 255).to(torch.uint8))):
        together = cut(pictures, Views(rows), (10, 12))
        assert together.shape == (2, 4, 3, 3, 10, 12)
        alone = cut(pictures[1, 2:], Views(rows[1, 3:]), (10, 12))
        torch.testing.assert_close(together[1, 3, 2], alone[0, 0])
    maps = torch.arange(2 * 32 * 64).view(2, 32, 64)
    for cut in (cut_labels, cut_labels_as_released):
        assert torch.equal(cut(maps, Views(rows), (10, 12))[1, 3], cut(maps[1], Views(rows[1, 3:]), (10, 12))[0])


def test_views_are_differentiable_in_pictures_and_angles():
    frames = torch.rand(1, 1, 8, 16, dtype=torch.float64, generator=generator(), requires_grad=True)
    angles = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)

    def cut(frames, angles):
        halves = torch.full((1,), 0.37, dtype=torch.float64)
        return cut_pictures(frames, Views.facing(angles[:1], angles[1:], halves, halves), (3, 4))

    assert torch.autograd.gradcheck(cut, (frames, angles))


def test_released_views_are_close_to_the_camera_where_pictures_are_smooth():
    # Four pixels of the view make one of the frame, so that half a pixel's shift is small.
    frames = (127 + 100 * vectors_of_sphere(128)).round()
    views = facing(-1.3, 0.25)
    released = cut_pictures_as_released(frames.to(torch.uint8), views, (48, 48)).double()
    assert (released - cut_pictures(frames, views, (48, 48))).abs().max() < 5


def test_released_weights_are_wrong_at_the_edges_of_the_picture():
    # Of equal pixels a view shows their value times the sum of its weights, which is (x2 - x0) * (y2 - y0): 0 in the
    # last row, whose lower neighbour is itself, and -31 in the last of 32 columns, whose right neighbour is the first.
    frames = torch.full((1, 1, 16, 32), 3, dtype=torch.uint8)
    rows = torch.tensor([[0.3, 0.95, 0.25, 0.5]], dtype=torch.float64)
    seen = cut_pictures_as_released(frames, Views(rows), (64, 64))
    assert seen.unique().tolist() == [0, 3, -31 * 3 % 256]


def test_labels_are_those_of_the_nearest_pixel():
    labels = torch.arange(16 * 32).view(16, 32)
    azimuth, elevation = (angles[5, 20].item() for angles in pixel_directions(16, 32))
    seen = cut_labels(labels, facing(azimuth, elevation, 0.05, 0.05), (3, 3))
    assert (seen == labels[5, 20]).all()


def test_views_are_drawn_within_the_rules():
    released = torch.cat([ViewRules().sample(224, 448, generator(seed)).rows for seed in range(300)])
    x, y, horizontal, vertical = released.unbind(-1)
    for values, low, high in (
        (x, 0, 1), (y, 0.33, 0.66), (horizontal, 0.0707, 0.25), ((vertical / (2 * horizontal)).log(), -0.2877, 0.2877),
    ):  # fmt: skip
        assert values.min() >= low - 1e-4
        assert values.max() <= high + 1e-4
        # Uniform: the mean of 1,200 lies within 4 of its own deviations.
        assert abs(values.mean() - (low + high) / 2) < 4 * (high - low) / math.sqrt(12 * len(values))


def test_the_papers_views_keep_their_distance():
    rules = ViewRules.paper()
    for seed in range(50):
        views = rules.sample(224, 448, generator(seed))
        vectors = unit_vectors(views.azimuth, views.elevation)
        apart = angle_between(vectors[:, None], vectors)[~torch.eye(4, dtype=torch.bool)]
        assert apart.min() >= math.radians(36)
        widths = 2 * views.half_width.atan().rad2deg()
        assert 25 <= widths.min() <= widths.max() <= 90
        assert views.elevation.abs().max() <= math.radians(60)


def test_impossible_rules_are_refused():
    with pytest.raises(InvalidValueError, match="40 views at least 36 degrees apart; expected as many as fit"):
        ViewRules.paper(count=40).sample(8, 16)
    with pytest.raises(InvalidValueError, match=r"ViewRules.width_degrees: got .90.0, 180.0."):
        ViewRules(width_degrees=(90.0, 180.0))
    with pytest.raises(InvalidValueError, match=r"rows of views: got float32 of shape .4,."):
        Views(torch.zeros(4))
    with pytest.raises(InvalidValueError, match="uint8"):
        cut_pictures_as_released(torch.zeros(1, 3, 8, 16), facing(0.0, 0.0))
