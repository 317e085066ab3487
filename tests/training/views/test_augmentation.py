"""Views as they are trained on: those that the processor makes of a clip, and the changes that were drawn for each."""

import math

import pytest
import torch

from avssl_hub.training import load_recipe
from avssl_hub.training.views.augmentation import ViewAugmentation
from avssl_hub.training.views.sources import make_processor, open_views
from avssl_hub.video.augment import apply_jitter_
from avssl_hub.video.views import Views

STILL = ["augment.mirror=0", "augment.volume=0", *(f"augment.{kind}=0" for kind in ("brightness", "contrast"))]
STILL += ["augment.saturation=0", "augment.hue=0"]


@pytest.fixture(scope="module")
def clip(small):
    """Frames, sound and processor of the first scene."""
    recipe = load_recipe(small)
    source = open_views(recipe)
    clips = source.world.render("train", [0], duration=0.6, times=[[0.1, 0.3]])
    return clips.frames[0], clips.ambisonics[0], make_processor(recipe, source)


def drawn(small, processor, overrides, seed=0):
    augmentation = ViewAugmentation(load_recipe(small, overrides), processor)
    return augmentation, augmentation.sample(16, 32, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("projection", ["camera", "released"])
def test_without_changes_views_are_those_of_the_processor(projection, small, clip):
    frames, sound, processor = clip
    augmentation, changes = drawn(small, processor, [*STILL, f"processor.projection={projection}"])
    processor.projection = projection
    views = Views(torch.tensor(changes.views, dtype=torch.float64))
    expected = processor(frames.permute(0, 2, 3, 1), sound, sampling_rate=8000, views=views)
    assert torch.equal(augmentation.pixels([frames], [changes]), expected["pixel_values_videos"])
    assert torch.allclose(augmentation.log_mels(sound[None], [changes]), expected["input_features"], atol=1e-5)
    processor.projection = "camera"


def test_pictures_of_other_sizes_and_short_ones_fit_into_a_batch(small, clip):
    frames, _, processor = clip
    augmentation, changes = drawn(small, processor, STILL)
    large = frames.repeat_interleave(2, -1).repeat_interleave(2, -2)
    both = augmentation.pixels([frames, large[:1]], [changes, changes])
    assert torch.equal(both[:1], augmentation.pixels([frames], [changes]))
    assert torch.equal(both[1, :, 0], both[1, :, 1])
    assert not torch.equal(both[0, :, 0], both[0, :, 1])


def test_each_view_is_changed_by_itself(small, clip):
    frames, sound, processor = clip
    augmentation, changes = drawn(small, processor, ["augment.mirror=0.5"], seed=3)
    assert sorted(changes.mirrored) == [False, True]
    assert changes.volumes[0] != changes.volumes[1]
    assert all(0.9 <= volume <= 1.1 for volume in changes.volumes)
    views = Views(torch.tensor(changes.views, dtype=torch.float64))
    seen = processor.cutter.pictures(frames, views) / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (processor.image_mean, processor.image_std))
    pixels = augmentation.pixels([frames], [changes])[0]
    for view, mirrored, jitter, own in zip(seen, changes.mirrored, changes.jitters, pixels):
        expected = apply_jitter_(view.flip(-1) if mirrored else view.clone(), jitter)
        assert torch.allclose((expected - mean) / std, own, atol=1e-5)
    for view, volume in enumerate(changes.volumes):
        heard = augmentation.log_mels(sound[None], [changes])[0, view]
        # Sounds that are too loud are cut off, and so is the volume here.
        loud = (processor.cutter.sounds(sound, views)[view] * volume).clamp(-1, 1)
        assert torch.allclose(heard, processor.spectrograms(loud), atol=1e-5)


def test_half_of_the_sounds_are_turned_about_the_vertical(small, clip):
    _, sound, processor = clip
    probe = ["task=spatial_alignment_probe", *STILL]
    rotations = [drawn(small, processor, probe, seed)[1].rotation for seed in range(200)]
    turned = [rotation for rotation in rotations if rotation is not None]
    assert 70 <= len(turned) <= 130
    angles = [math.atan2(rotation[1][0], rotation[0][0]) for rotation in turned]
    assert min(angles) < -2.5 < 2.5 < max(angles)
    augmentation, changes = drawn(small, processor, probe)
    yaw = angles[0]
    heard = augmentation.log_mels(sound[None], [changes._replace(rotation=turned[0])])
    w, y, z, x = sound
    moved = torch.stack([w, math.cos(yaw) * y + math.sin(yaw) * x, z, math.cos(yaw) * x - math.sin(yaw) * y])
    expected = augmentation.log_mels(moved[None], [changes._replace(rotation=None)])
    assert torch.allclose(heard, expected, atol=1e-3)
    assert drawn(small, processor, STILL)[1].rotation is None
