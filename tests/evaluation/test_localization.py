"""Consensus IoU by hand, on maps small enough to count, and ground truth that AVWorld knows."""

import numpy as np
import pytest
import torch

from avssl_hub.data.avworld import AVWorld, AVWorldConfig, sounding_masks
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.localization import (
    consensus_iou,
    consensus_of_annotators,
    consensus_of_union,
    localization_score,
)


def test_a_value_as_threshold_answers_with_what_lies_above_it():
    # Scaled: 0, 0.5, 1 and 0.25.
    maps = torch.tensor([[[2.0, 4.0], [6.0, 3.0]]])
    consensus = torch.tensor([[[0.0, 0.5], [1.0, 0.5]]])
    assert consensus_iou(maps, consensus, 0.3).item() == pytest.approx((0.5 + 1) / 2)
    assert consensus_iou(maps, consensus, 0.5).item() == pytest.approx(1 / 2)
    # Nothing marked at the top left; it is in the answer once, and counts against it.
    assert consensus_iou(6 - maps, consensus, 0.3).item() == pytest.approx((0.5 + 0.5) / (2 + 1))


def test_the_median_answers_with_half_of_the_pixels():
    maps = torch.arange(16.0).reshape(1, 4, 4) ** 3
    lower_half = torch.zeros(1, 4, 4)
    lower_half[:, 2:] = 1
    assert consensus_iou(maps, lower_half).item() == 1
    assert consensus_iou(-maps, lower_half).item() == 0
    last_row = torch.zeros(1, 4, 4)
    last_row[:, 3] = 1
    # All of it found, and as much again beside it.
    assert consensus_iou(maps, last_row).item() == pytest.approx(4 / 8)


def test_scale_and_offset_of_a_map_do_not_matter():
    maps = torch.rand(3, 7, 7, generator=torch.Generator().manual_seed(0))
    consensus = torch.stack([consensus_of_union([[0.1, 0.2, 0.6, 0.9]])] * 3)
    torch.testing.assert_close(consensus_iou(5 * maps - 40, consensus), consensus_iou(maps, consensus))
    torch.testing.assert_close(consensus_iou(5 * maps - 40, consensus, 0.4), consensus_iou(maps, consensus, 0.4))


def test_a_map_is_brought_to_size_bilinearly():
    """A ramp of two values crosses 0.5 in the middle of the picture, whatever the size."""
    ramp = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    right_half = consensus_of_union([[0.5, 0, 1, 1]])[None]
    assert consensus_iou(ramp, right_half, 0.5).item() == 1
    assert consensus_iou(ramp, right_half).item() == 1


def test_a_constant_map_finds_nothing():
    consensus = consensus_of_union([[0, 0, 1, 1]])[None]
    for threshold in (None, 0.0, 0.5):
        assert consensus_iou(torch.full((1, 7, 7), 3.0), consensus, threshold).item() == 0


def test_annotators_count_in_full_where_two_agree():
    # 256 pixels are 224: an eighth less.
    consensus = consensus_of_annotators([[0, 0, 128, 256], [64, 0, 192, 256], [64, 128, 256, 256]])
    assert consensus.shape == (224, 224)
    assert consensus[0, [0, 55, 56, 111, 112, 167, 168]].tolist() == [0.5, 0.5, 1, 1, 0.5, 0.5, 0]
    assert consensus[200, [0, 56, 112, 168, 223]].tolist() == [0.5, 1, 1, 0.5, 0.5]


def test_a_union_of_boxes_is_cut_at_the_border():
    consensus = consensus_of_union([[-0.1, 0, 0.25, 0.5], [0.125, 0.25, 0.5, 1.02]])
    assert consensus.sum() == 56 * 112 + 84 * 168 - 28 * 56
    assert consensus.unique().tolist() == [0, 1]


def test_score_over_thresholds():
    ious = np.array([0.5, 0.0, 1.0, 0.49])
    score = localization_score(ious)
    assert score.clips == 4
    assert score.success == 0.5
    # Of thresholds 0 to 1 by 0.05: all reach 0; 3 of 4 up to 0.45; 2 at 0.5; 1 from 0.55 on. Trapezoids of width 0.05.
    reached = [1] + [0.75] * 9 + [0.5] + [0.25] * 10
    assert score.auc == pytest.approx(0.05 * (sum(reached) - (reached[0] + reached[-1]) / 2))
    low, high = score.interval
    assert 0 <= low < 0.5 < high <= 1


@pytest.mark.parametrize(
    ("maps", "consensus", "threshold", "match"),
    [
        (torch.zeros(2, 4, 4), torch.ones(1, 4, 4), None, "shapes"),
        (torch.full((1, 4, 4), torch.nan), torch.ones(1, 4, 4), None, "not finite"),
        (torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), None, "marks nothing"),
        (torch.zeros(1, 4, 4), torch.full((1, 4, 4), 1.5), None, "leaves 0 to 1"),
        (torch.zeros(1, 4, 4), torch.ones(1, 4, 4), 2.0, "threshold"),
    ],
)
def test_what_cannot_be_scored_is_refused(maps, consensus, threshold, match):
    with pytest.raises(InvalidValueError, match=match):
        consensus_iou(maps, consensus, threshold)


@pytest.mark.parametrize("boxes", [[], [[0.5, 0.5, 0.5, 0.9]], [[0.6, 0, 0.2, 1]], [[1.2, 0, 1.5, 1]]])
def test_boxes_that_mark_nothing_are_refused(boxes):
    with pytest.raises(InvalidValueError, match="box"):
        consensus_of_union(boxes)


def test_no_maps_are_no_score():
    with pytest.raises(InvalidValueError, match="no maps"):
        localization_score(np.zeros(0))


def scene_masks(config, indices, times, split="test"):
    clips = AVWorld(config).render(split, indices)
    times = torch.as_tensor(times, dtype=torch.float64).expand(len(indices), -1)
    return clips.scenes, times, sounding_masks(clips.scenes, times, config)


def test_masks_lie_on_the_object_and_are_empty_once_its_note_has_ended():
    config = AVWorldConfig()
    scenes, times, masks = scene_masks(config, range(6), torch.arange(0, 4, 0.05))
    assert masks.shape == (6, 80, 64, 64)
    assert 0 <= masks.min() <= masks.max() <= 1
    struck = scenes.event_times[:, 0]
    rings = torch.tensor([[any(0 <= t - s < 0.4 for s in row) for t in times[0].tolist()] for row in struck.tolist()])
    assert torch.equal(masks.flatten(2).any(2), rings)
    assert 0 < rings.double().mean() < 1
    # The middle of what is marked is the object's place.
    pixel = (torch.arange(64) + 0.5) / 64
    weight = masks.flatten(2).sum(2).clamp_min(1e-9)
    x = (masks.sum(2) * pixel).sum(2) / weight
    y = (masks.sum(3) * pixel).sum(2) / weight
    places = scenes.positions(times)[:, 0].float()
    apart = (torch.stack([x, y], 2) - places).norm(dim=2)[rings]
    assert apart.median() < 0.03
    assert apart.max() < 0.12


def test_an_object_under_another_does_not_add_to_it():
    config = AVWorldConfig(min_objects=3, max_objects=3)
    _, _, masks = scene_masks(config, range(8), torch.arange(0, 4, 0.25))
    assert masks.max() <= 1 + 1e-6


def test_a_scene_that_sounds_like_another_has_no_source_in_the_picture():
    config = AVWorldConfig(off_screen_share=0.5)
    scenes, _, masks = scene_masks(config, range(20), torch.arange(0.5, 4, 0.5), "train")
    assert 0 < scenes.off_screen.sum() < 20
    assert not masks[scenes.off_screen].any()
    assert masks[~scenes.off_screen].flatten(1).any(1).all()


def test_a_map_of_the_flashing_object_finds_the_source():
    """The masks are good for what they are for: their own blurred form scores high, a shifted one low."""
    _, _, masks = scene_masks(AVWorldConfig(), range(10), torch.arange(0, 4, 0.5))
    masks = masks.flatten(0, 1)
    masks = masks[masks.flatten(1).any(1)]
    coarse = torch.nn.functional.adaptive_avg_pool2d(masks, 14)
    own = localization_score(consensus_iou(coarse, masks, 0.5)).success
    shifted = localization_score(consensus_iou(coarse.roll(7, 2), masks, 0.5)).success
    assert own > 0.9
    assert shifted < 0.3
