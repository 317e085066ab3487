"""The training transform against torchvision, whose draws and float formulas it promises to follow."""

import math

import pytest
import torch
from torch.testing import assert_close
from torchvision.transforms import ColorJitter, RandomResizedCrop
from torchvision.transforms.v2 import functional as TF

from avssl_hub.errors import InvalidValueError
from avssl_hub.video.augment import (
    ClipAugmentation,
    ClipChanges,
    Jitter,
    adjust_brightness_,
    adjust_contrast_,
    adjust_hue_,
    adjust_saturation_,
    apply_jitter_,
    apply_jitters_,
    sample_crop,
    sample_jitter,
)
from avssl_hub.video.square_augment import SquareAugmentation

NAMES = ("brightness", "contrast", "saturation", "hue")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def clip():
    """Eight frames, smooth and noisy parts, with black, white and grey pixels among them."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.randint(0, 256, (8, 3, 6, 8), dtype=torch.uint8, generator=generator)
    frames = TF.resize(coarse, [60, 80])
    frames[..., :20, :20] = torch.randint(0, 256, (8, 3, 20, 20), dtype=torch.uint8, generator=generator)
    frames[..., 20:25, :] = 0
    frames[..., 25:30, :] = 255
    frames[..., 30:35, :] = 77
    return frames.permute(0, 2, 3, 1).contiguous()


@pytest.fixture
def rgb(clip):
    return clip.permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize(("height", "width"), [(240, 320), (30, 400), (400, 30), (17, 17)])
def test_crops_are_those_torchvision_draws_from_the_same_seed(height, width):
    for seed in range(100):
        torch.manual_seed(seed)
        expected = RandomResizedCrop.get_params(torch.empty(3, height, width), [0.08, 1.0], [3 / 4, 4 / 3])
        assert sample_crop(height, width, torch.Generator().manual_seed(seed)) == tuple(expected)


def test_jitter_is_the_one_torchvision_draws_from_the_same_seed():
    for seed in range(100):
        torch.manual_seed(seed)
        order, *values = ColorJitter.get_params((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.2, 0.2))
        drawn = sample_jitter(torch.Generator().manual_seed(seed))
        assert drawn.order == tuple(NAMES[index] for index in order)
        assert [getattr(drawn, name) for name in NAMES] == values


def test_crop_areas_and_shapes_are_spread_as_the_paper_says():
    generator = torch.Generator().manual_seed(0)
    # On a picture this large and wide enough for every shape, no try is refused but the largest.
    crops = [sample_crop(1000, 1000, generator, area=(0.08, 0.7)) for _ in range(2000)]
    areas = torch.tensor([height * width / 1e6 for _, _, height, width in crops])
    shapes = torch.tensor([math.log(width / height) for _, _, height, width in crops])
    assert areas.min() > 0.079
    assert areas.max() < 0.701
    # Uniform: mean (a + b) / 2 and deviation (b - a) / sqrt(12), here within four standard errors.
    assert areas.mean() == pytest.approx(0.39, abs=4 * 0.179 / 2000**0.5)
    assert areas.std() == pytest.approx(0.62 / 12**0.5, rel=0.05)
    assert shapes.mean() == pytest.approx(0, abs=4 * 0.166 / 2000**0.5)
    assert shapes.std() == pytest.approx(2 * math.log(4 / 3) / 12**0.5, rel=0.05)


def test_a_picture_too_narrow_for_any_crop_gives_its_centre():
    # 200 x 10: ten tries of at least 8 % area fail (the widest crop is 160 pixels at ratio 4/3), so 10 x 13 remain.
    assert sample_crop(200, 10, torch.Generator().manual_seed(1), area=(1.0, 1.0)) == (93, 0, 13, 10)
    assert sample_crop(10, 200, torch.Generator().manual_seed(1), area=(1.0, 1.0)) == (0, 93, 10, 13)


def test_jitter_factors_never_fall_below_zero_and_every_order_occurs():
    generator = torch.Generator().manual_seed(0)
    drawn = [sample_jitter(generator, brightness=2.0) for _ in range(500)]
    assert min(jitter.brightness for jitter in drawn) >= 0
    assert max(jitter.brightness for jitter in drawn) > 2.9
    assert len({jitter.order for jitter in drawn}) == 24


@pytest.mark.parametrize(
    ("ours", "reference", "factors"),
    [
        (adjust_brightness_, TF.adjust_brightness, (0.0, 0.6, 1.0, 1.4)),
        (adjust_contrast_, TF.adjust_contrast, (0.0, 0.6, 1.0, 1.4)),
        (adjust_saturation_, TF.adjust_saturation, (0.0, 0.6, 1.0, 1.4)),
        (adjust_hue_, TF.adjust_hue, (-0.5, -0.2, 0.0, 0.07, 0.2, 0.5)),
    ],
    ids=NAMES,
)
def test_colours_follow_torchvision(rgb, ours, reference, factors):
    for factor in factors:
        assert_close(ours(rgb.clone(), factor), reference(rgb, factor), atol=3e-6, rtol=0)


def test_hue_of_a_third_turn_moves_each_channel_on():
    colours = torch.tensor([0.9, 0.5, 0.1]).view(1, 3, 1, 1)
    # Red with some green becomes green with some blue.
    expected = torch.tensor([0.1, 0.9, 0.5]).view(1, 3, 1, 1)
    assert_close(adjust_hue_(colours, 1 / 3), expected, atol=1e-6, rtol=0)


def test_contrast_is_about_each_frame_not_the_clip():
    dark_and_bright = torch.stack([torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), 0.8)])
    # Flat frames are their own mean; the grey weights sum to 0.9999.
    assert_close(adjust_contrast_(dark_and_bright.clone(), 0.0), dark_and_bright, atol=1e-4, rtol=0)


def test_operations_are_applied_in_the_order_drawn(rgb):
    functions = dict(zip(NAMES, (TF.adjust_brightness, TF.adjust_contrast, TF.adjust_saturation, TF.adjust_hue)))
    for order in (NAMES, NAMES[::-1], ("hue", "brightness", "saturation", "contrast")):
        jitter = Jitter(order, 1.3, 0.7, 1.4, -0.15)
        expected = rgb
        for name in order:
            expected = functions[name](expected, getattr(jitter, name))
        assert_close(apply_jitter_(rgb.clone(), jitter), expected, atol=1e-5, rtol=0)


def test_many_clips_together_get_what_each_gets_alone(rgb):
    generator = torch.Generator().manual_seed(1)
    jitters = [sample_jitter(generator) for _ in range(24)]
    alone = [apply_jitter_(rgb[:2].clone(), jitter) for jitter in jitters]
    together = apply_jitters_(rgb[:2].repeat(24, 1, 1, 1, 1), jitters)
    assert_close(together, torch.stack(alone), atol=1e-5, rtol=0)


def test_input_frames_are_left_as_they_were(clip):
    before = clip.clone()
    ClipAugmentation(size=32)(clip, torch.Generator().manual_seed(0))
    assert torch.equal(clip, before)


@pytest.mark.parametrize("mirrored", [False, True])
def test_whole_transform_is_crop_mirror_jitter_standardise(clip, mirrored):
    jitter = Jitter(("contrast", "hue", "saturation", "brightness"), 0.8, 1.2, 0.9, 0.1)
    changes = ClipChanges((5, 7, 40, 60), mirrored, jitter)
    planes = TF.resized_crop(clip.permute(0, 3, 1, 2), 5, 7, 40, 60, [32, 32], antialias=True)
    planes = TF.horizontal_flip(planes) if mirrored else planes
    colours = TF.adjust_contrast(planes.float() / 255, 1.2)
    colours = TF.adjust_brightness(TF.adjust_saturation(TF.adjust_hue(colours, 0.1), 0.9), 0.8)
    expected = TF.normalize(colours, MEAN, STD)
    assert_close(ClipAugmentation(size=32).apply(clip, changes), expected, atol=5e-5, rtol=0)


def test_frames_of_a_clip_share_its_changes(clip):
    still = clip[:1].expand(8, -1, -1, -1)
    pixels = ClipAugmentation(size=32)(still, torch.Generator().manual_seed(5))
    assert torch.equal(pixels, pixels[:1].expand_as(pixels))


def test_clips_of_a_batch_have_changes_of_their_own_and_equal_single_clips(clip):
    augment = ClipAugmentation(size=32)
    batch = augment(torch.stack([clip, clip]), torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    singles = [augment(clip, generator) for _ in range(2)]
    assert torch.equal(batch, torch.stack(singles))
    assert not torch.equal(batch[0], batch[1])
    listed = augment([clip, clip[:, :50, :40]], torch.Generator().manual_seed(5))
    assert torch.equal(listed[0], singles[0])


def test_half_of_the_clips_are_mirrored():
    generator = torch.Generator().manual_seed(0)
    mirrored = sum(ClipAugmentation().sample(240, 320, generator).mirrored for _ in range(1000))
    # Four standard errors of a fair coin.
    assert abs(mirrored - 500) < 64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_device_gives_what_the_cpu_gives(clip):
    generator = torch.Generator().manual_seed(0)
    augment = ClipAugmentation(size=32, grey=0.5, cutout=8)
    changes = [augment.sample(60, 80, generator) for _ in range(6)]
    on_device = torch.stack(augment.apply_all([clip.cuda()] * 6, changes)).cpu()
    difference = (on_device - torch.stack([augment.apply(clip, change) for change in changes])).abs()
    # Bytes are rounded after resizing; a device may round half a step differently.
    assert difference.mean() < 1e-3
    assert difference.max() < 0.1


@pytest.mark.parametrize("frames", [torch.zeros(8, 60, 80, 3), torch.zeros(8, 3, 60, 80, dtype=torch.uint8)])
def test_other_layouts_are_refused_by_type_and_shape(frames):
    with pytest.raises(InvalidValueError, match=r"clip to augment: got (float32|uint8) of shape .*expected uint8"):
        ClipAugmentation()(frames)


def test_grey_clips_and_cutouts_are_drawn_as_often_as_asked_and_only_then(clip):
    plain = {"size": 32, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
    both = ClipAugmentation(**plain, grey=0.25, cutout=8)
    changes = [both.sample(60, 80, torch.Generator().manual_seed(seed)) for seed in range(400)]
    assert sum(change.grey for change in changes) == pytest.approx(100, abs=30)
    tops, lefts = zip(*(change.hole[:2] for change in changes))
    assert (min(tops), max(tops), min(lefts), max(lefts)) == (0, 24, 0, 24)
    # Without them, the draws before and after are those there were.
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    first, second = (each.sample(60, 80, drawn) for each, drawn in zip((ClipAugmentation(**plain), both), generators))
    assert (first.crop, first.mirrored, first.jitter) == (second.crop, second.mirrored, second.jitter)
    assert (first.grey, first.hole) == (False, (0, 0, 0, 0))


def test_grey_is_torchvisions_and_the_hole_is_the_mean_colour(clip):
    still = Jitter(NAMES, 1.0, 1.0, 1.0, 0.0)
    pixels = ClipAugmentation(size=32).apply(clip, ClipChanges((0, 0, 60, 80), False, still, True, (4, 10, 8, 8)))
    assert not pixels[..., 4:12, 10:18].any()
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    found = pixels * std + mean
    resized = TF.resize(clip.permute(0, 3, 1, 2), [32, 32], antialias=True).float() / 255
    expected = TF.rgb_to_grayscale(resized, 3).clone()
    expected[..., 4:12, 10:18] = mean
    assert_close(found, expected, rtol=0, atol=1e-5)


def test_squares_are_cut_anywhere_from_the_whole_picture_squeezed(clip):
    squares = SquareAugmentation(size=28, side=32, brightness=0, contrast=0, saturation=0, hue=0)
    changes = [squares.sample(60, 80, torch.Generator().manual_seed(seed)) for seed in range(100)]
    assert {change.crop[0] for change in changes} == {change.crop[1] for change in changes} == set(range(5))
    change = next(change for change in changes if change.mirrored)
    top, left, height, width = change.crop
    assert (height, width) == (28, 28)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    squeezed = TF.resize(clip.permute(0, 3, 1, 2), [32, 32], antialias=True).float() / 255
    expected = squeezed[..., top : top + 28, left : left + 28].flip(-1)
    assert_close(squares.apply(clip, change) * std + mean, expected, rtol=0, atol=1e-5)
