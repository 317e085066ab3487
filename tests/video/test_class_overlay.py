"""Classes over a picture: colours differ, pixels are mixed half and half, and the legend names what shows."""

import torch

from avssl_hub.video.class_overlay import add_legend, class_colours, overlay_classes


def test_colours_of_the_paper_s_classes_all_differ():
    colours = class_colours(32).float()
    assert torch.pdist(colours).min() > 25


def test_a_pixel_is_half_its_own_and_half_its_class_s():
    frame = torch.full((4, 8, 3), 100, dtype=torch.uint8)
    classes = torch.tensor([[0, 1], [1, 0]], dtype=torch.uint8)
    colours = torch.tensor([[200, 0, 0], [0, 0, 50]], dtype=torch.uint8)
    painted = overlay_classes(frame, classes, colours)
    assert (painted[:2, :4] == torch.tensor([150, 50, 50])).all()
    assert (painted[2:, :4] == torch.tensor([50, 50, 75])).all()


def test_the_legend_has_a_line_for_each_class_that_shows():
    names, colours = ["sky", "sea", "sand"], torch.tensor([[0, 0, 255], [0, 255, 0], [255, 0, 0]], dtype=torch.uint8)

    def painted(*shares):
        frame = torch.full((240, 480, 3), 77, dtype=torch.uint8)
        add_legend(frame, names, torch.tensor(shares), colours)
        return frame

    frame = painted(0.6, 0.4, 0.001)
    changed = (frame != 77).any(2)
    assert changed[-20:, :20].all()
    assert not changed[:-20].any()
    assert not changed[:, 240:].any()
    shown = {tuple(pixel) for pixel in frame[-20:].flatten(0, 1).tolist()}
    assert {(0, 0, 255), (0, 255, 0)} <= shown
    assert (255, 0, 0) not in shown
    assert (painted(0.6, 0.3, 0.1) != 77).any(2).sum() > changed.sum()
    assert (painted(0.0, 0.0, 0.0) == 77).all()
