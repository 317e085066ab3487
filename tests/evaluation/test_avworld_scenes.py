"""Scores on AVWorld of networks whose answers are known: one that knows the truth, one that knows its opposite."""

import pytest
import torch
from torch import nn

from avssl_hub.data.avworld import AVWorld, AVWorldConfig, draw_scenes
from avssl_hub.data.avworld.masks import sounding_masks
from avssl_hub.evaluation.avworld_scenes import (
    held_out_clips,
    score_alignment,
    score_localization,
    score_recognition,
)
from avssl_hub.models.multisensory import MultisensoryProcessor
from avssl_hub.models.multisensory.modeling_multisensory import (
    MultisensoryAlignmentOutput,
    MultisensoryClassifierOutput,
)
from avssl_hub.training.scenes.windows import AlignedWindows, ShiftedWindows

WORLD = AVWorld(AVWorldConfig(height=32, width=48, sampling_rate=8000))
PROCESSOR = MultisensoryProcessor(num_frames=16, fps=16.0, resize_size=36, crop_size=32, sampling_rate=8000)


class Knows(nn.Module):
    """Stands for a network: answers each batch with the next of what it was told."""

    def __init__(self, answers):
        super().__init__()
        self.answers = iter(answers)

    def forward(self, pixels, sounds):
        return next(self.answers)


def clips_of(windows, count):
    return list(held_out_clips(PROCESSOR, WORLD, windows, count))


def test_clips_are_of_the_first_test_scenes_and_their_sounds_of_the_windows():
    whole, parts = clips_of(ShiftedWindows(16, 9), 30), clips_of(ShiftedWindows(16, 9), 5)
    assert [len(clip.pixels) for clip in whole] == [25, 5]
    assert torch.equal(whole[0].scenes.classes, draw_scenes(WORLD.config, "test", range(25)).classes)
    assert whole[0].pixels.shape[1:] == (16, 3, 32, 32)
    assert whole[0].sounds.shape[1:] == (2, 2, 8000)
    assert torch.equal(parts[0].times, whole[0].times[:5]), "fewer clips are the first ones"
    start = round(whole[0].times[0, 0].item() * 8000)
    played = WORLD.render("test", [0]).samples[0, start : start + 8000]
    torch.testing.assert_close(whole[0].sounds[0, 0, 0], played, rtol=0, atol=1e-5)


def test_alignment_counts_both_sounds_of_each_clip():
    # Of the first 25 clips, both are judged rightly; of the other 15 only the one out of time.
    logits = [torch.tensor([[1.0, -1.0]]).repeat(25, 1), torch.tensor([[-0.5, -1.0]]).repeat(15, 1)]
    model = Knows(MultisensoryAlignmentOutput(logits=each) for each in logits)
    found = score_alignment(model, PROCESSOR, WORLD, least_shift=9, clips=40)
    assert found.accuracy == pytest.approx((25 * 1 + 15 * 0.5) / 40)
    assert found.choice == 1


def test_maps_of_the_truth_score_highest_and_their_opposite_lowest():
    windows = AlignedWindows(16)
    truths = []
    for clip in clips_of(windows, 30):
        # Two steps of a map, at the middle of each half of a clip.
        masks = sounding_masks(clip.scenes, clip.times[:, [4, 12]], WORLD.config)
        squeezed = nn.functional.interpolate(masks, (36, 36), mode="area")
        truths.append(squeezed[..., 2:34, 2:34])
    right, mean, pointing, chance = score_localization(
        Knows(MultisensoryAlignmentOutput(activation_maps=-each) for each in truths), PROCESSOR, WORLD, clips=30
    )
    marked = torch.cat(truths).flatten(0, 1)
    share = (marked > 0).flatten(1).float().mean(1)[marked.flatten(1).amax(1) > 0]
    # The sign of a map does not count; where less than half is marked, the median of the truth itself is 0.
    assert (share < 0.5).all()
    assert right.success == 1
    assert mean > 0.95
    assert pointing == pytest.approx(1, abs=0.02)
    marked = marked.flatten(1)
    assert chance == pytest.approx(marked[marked.amax(1) > 0].mean().item(), rel=1e-5)
    silent = sum((each.flatten(2).amax(2) == 0).sum().item() for each in truths)
    assert right.clips == 60 - silent
    wrong, mean, pointing, _ = score_localization(
        Knows(MultisensoryAlignmentOutput(activation_maps=1 - each) for each in truths), PROCESSOR, WORLD, clips=30
    )
    assert wrong.success == 0
    assert mean < 0.1
    assert pointing < 0.02


def test_recognition_is_at_the_first_object_s_class():
    classes = [clip.scenes.classes[:, 0] for clip in clips_of(AlignedWindows(16), 30)]
    logits = [torch.eye(10)[each] for each in classes]
    logits[1] = logits[1].flip(1)
    accuracy, (low, high) = score_recognition(
        Knows(MultisensoryClassifierOutput(logits=each) for each in logits), PROCESSOR, WORLD, clips=30
    )
    # No class is its own mirror image among ten.
    assert accuracy == pytest.approx(25 / 30)
    assert low < accuracy < high
