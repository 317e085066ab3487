"""The overlay's rule, against its numbers worked out by hand and matplotlib's own colours."""

import matplotlib
import numpy as np
import pytest
import torch

from avssl_hub.video.heat import heat_range, overlay_heat


def test_colours_run_from_half_the_97th_percentile_to_just_above_it():
    heat = torch.arange(101.0)[torch.randperm(101, generator=torch.Generator().manual_seed(0))]
    assert heat_range(heat.reshape(101, 1, 1)) == pytest.approx((48.5, 97.001))
    assert heat_range(torch.cat([heat, torch.full((50,), torch.nan)])) == pytest.approx((48.5, 97.001))


def test_each_place_has_the_rules_colour_and_opacity():
    frame = torch.full((2, 3, 3), 100, dtype=torch.uint8)
    heat = torch.tensor([[0.0, 0.9, 1.1], [1.2, 1.6, 9.0]])
    painted = overlay_heat(frame, heat, low=1.0, high=2.0)
    # As far above low as high is, in shares: below, below, a tenth, a fifth, six tenths, far above.
    for place, share in {(0, 0): 0, (0, 1): 0, (0, 2): 0.1, (1, 0): 0.2, (1, 1): 0.6, (1, 2): 8}.items():
        opacity = min(share, 0.35)
        colour = 255 * np.array(matplotlib.colormaps["jet"](float(share))[:3])
        expected = (1 - opacity) * 100 + opacity * colour
        assert painted[place].tolist() == pytest.approx(expected.tolist(), abs=1), place
    assert frame.eq(100).all()


@pytest.mark.parametrize(
    "heat", [torch.full((2, 2), 5.0), torch.tensor([[5.0, 5.0009]]), torch.full((2, 2), torch.nan)]
)
def test_a_flat_map_and_one_of_nothing_leave_the_frame(heat):
    frame = torch.randint(0, 256, (6, 8, 3), dtype=torch.uint8)
    assert overlay_heat(frame, heat, 0.0, 1.0).equal(frame)


@pytest.mark.parametrize(("height", "width"), [(48, 80), (47, 81)])
def test_maps_are_stretched_over_the_whole_frame_or_over_what_they_saw(height, width):
    frame = torch.zeros(height, width, 3, dtype=torch.uint8)
    heat = torch.zeros(4, 4)
    heat[0, 3] = 1  # the top right corner
    whole = overlay_heat(frame, heat, 0.5, 1.0).any(-1)
    rows, columns = whole.nonzero().T
    assert whole[0, -1]
    assert rows.max() < height / 4
    assert columns.min() >= width * 3 / 4
    middle = overlay_heat(frame, heat, 0.5, 1.0, view=0.5).any(-1)
    rows, columns = middle.nonzero().T
    # The corner of the middle half.
    assert rows.min().item() == pytest.approx(height / 4, abs=1)
    assert columns.max().item() == pytest.approx(width * 3 / 4 - 1, abs=1)
