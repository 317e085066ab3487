"""Views put back onto the sphere: nothing is missed, and everything is where it was."""

import math

import pytest
import torch

from avssl_hub.video.equirectangular import pixel_directions
from avssl_hub.video.view_mosaic import ViewMosaic, covering_views
from avssl_hub.video.views import Views, cut_pictures


@pytest.mark.parametrize("degrees", [30, 53, 76, 90, 120])
def test_no_direction_is_missed(degrees):
    views = covering_views(math.tan(math.radians(degrees / 2)))
    assert ViewMosaic(views, 60).seen.all()


def test_what_was_cut_comes_back():
    azimuth, elevation = pixel_directions(90, 180)
    picture = torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()])
    views = covering_views(math.tan(math.radians(38)))
    seen = cut_pictures(picture[None], views, (56, 56))[:, 0]
    assert torch.allclose(ViewMosaic(views, 90)(seen), picture, atol=0.01)


def test_the_view_whose_middle_is_nearer_counts_more():
    # Two views of 90 degrees, their middles 30 degrees apart.
    angles = torch.tensor([math.radians(30), 0.0], dtype=torch.float64)
    views = Views.facing(angles, torch.zeros(2, dtype=torch.float64), *[torch.ones(2, dtype=torch.float64)] * 2)
    mosaic = ViewMosaic(views, 180)
    joined = mosaic(torch.stack([torch.ones(1, 8, 8), torch.zeros(1, 8, 8)]))[0]
    row, columns = 90, {degrees: round(179.5 - degrees) for degrees in (60, 30, 15, 0, -30)}
    assert joined[row, columns[60]] == 1
    assert joined[row, columns[-30]] == 0
    assert joined[row, columns[15]] == pytest.approx(0.5, abs=0.03)
    own, other = 1.0, 1 - math.tan(math.radians(30))
    assert joined[row, columns[30]] == pytest.approx(own / (own + other), abs=0.03)
    assert not mosaic.seen[row, round(179.5 + 120)]
    assert joined[row, round(179.5 + 120)] == 0
