"""Power maps over film frames: the rule's arithmetic, and the joins at the back."""

import torch

from avssl_hub.video.power_heat import overlay_power, relative_power


def test_maps_are_scaled_each_by_itself():
    maps = torch.tensor([[[0.0, 1.0]], [[2.0, 2.0]], [[1.0, 3.0]]])
    expected = torch.tensor([[[0, 1 / 1.005]], [[0, 0]], [[0, 2 / 2.005]]])
    assert torch.allclose(relative_power(maps), expected)


def test_colours_follow_the_rule():
    frame = torch.full((20, 40, 3), 100, dtype=torch.uint8)
    power = torch.full((5, 10), 0.3)
    assert torch.equal(overlay_power(frame, power), frame)
    # 2 · 0.85 - 0.7 = 1: the last of YlOrRd, (128, 0, 38), 60 % of it.
    painted = overlay_power(frame, torch.full((5, 10), 0.85))
    assert (painted[..., :].float() - torch.tensor([116.8, 40.0, 62.8])).abs().max() <= 1
    # Outside the last map's pixels the released resizing fades to nothing.
    faded = overlay_power(frame, torch.full((5, 10), 0.85), released=True)
    assert torch.equal(faded[10, 20], painted[10, 20])
    assert 40 < faded[0, 0, 1] < 100


def test_heat_behind_joins_at_the_seam_and_over_the_pole():
    frame = torch.zeros(40, 80, 3, dtype=torch.uint8)
    power = torch.zeros(5, 10)
    power[2, 0] = 1.0
    painted = overlay_power(frame, power)[..., 0].float()
    # The middle of the hot pixel is at column 3.5: what lies three to its left is beyond the seam.
    assert torch.equal(painted[:, :8], painted[:, :8].flip(1))
    assert torch.equal(painted[:, 79], painted[:, 8])
    assert painted[20, 79] > 0
