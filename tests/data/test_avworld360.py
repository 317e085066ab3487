"""AVWorld in 360°: what is seen, what is heard and what is told are at the same place, at the same time."""

import math

import pytest
import torch

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config, draw_scenes, sounding_masks
from avssl_hub.errors import InvalidValueError, UnknownNameError

QUIET = {"camera_noise": 0.0, "diffuse_db": -120.0}
RATE = 8000


def world(**settings):
    return AVWorld360(AVWorld360Config(**{"height": 56, "sampling_rate": RATE, **settings}))


def pixel_vectors(height):
    """Where pixels look, written out: the middle column is in front, the first rows are up."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(2 * height), indexing="ij")
    elevation = torch.deg2rad(90 - 180 * (rows + 0.5) / height)
    azimuth = torch.deg2rad(180 - 360 * (columns + 0.5) / (2 * height))
    return torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()], -1)


def vectors(azimuth, elevation):
    return torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()], -1)


def test_a_clip_is_the_same_alone_and_in_another_batch():
    first = world().render("train", [5, 17, 3], duration=0.5)
    second = world().render("train", [40, 17], duration=0.5)
    torch.testing.assert_close(first.frames[1], second.frames[1], rtol=0, atol=0)
    torch.testing.assert_close(first.ambisonics[1], second.ambisonics[1], rtol=0, atol=1e-5)
    assert not torch.equal(first.frames[0], first.frames[1])


def test_a_chunk_holds_what_the_whole_scene_holds_at_that_time():
    ours = world(max_sources=2, max_distractors=1)
    whole = ours.render("test", [2, 3])
    chunk = ours.render("test", [2, 3], start=[1.0, 2.0], duration=1.1, times=[[1.5], [2.5]])
    assert chunk.frames.shape == (2, 1, 3, 56, 112)
    assert chunk.ambisonics.shape == (2, 4, 8800)
    for row, (frame, first) in enumerate(((15, 8000), (25, 16000))):
        torch.testing.assert_close(chunk.frames[row, 0], whole.frames[row, frame], rtol=0, atol=0)
        heard = whole.ambisonics[row, :, first : first + 8800]
        torch.testing.assert_close(chunk.ambisonics[row], heard, rtol=0, atol=1e-5)


def test_splits_share_no_scene_and_another_seed_is_another_world():
    drawn = [draw_scenes(AVWorld360Config(), split, range(200)) for split in ("train", "validation", "test")]
    drawn.append(draw_scenes(AVWorld360Config(seed=1), "train", range(200)))
    assert torch.cat([scenes.azimuth[:, 0] for scenes in drawn]).unique().numel() == 800


def test_sound_comes_from_where_the_object_is():
    """The direction of the intensity of one moving source, every 10 ms, against its path."""
    clips = world(moving_share=1.0, **QUIET).render("test", range(12), duration=2.0)
    w, y, z, x = clips.ambisonics.unflatten(2, (-1, 80)).unbind(1)
    intensity = torch.stack([(w * x).mean(-1), (w * y).mean(-1), (w * z).mean(-1)], -1)
    middle = (torch.arange(200) + 0.5).expand(12, -1) * 0.01
    azimuth, elevation = clips.scenes.directions(middle)
    cosine = torch.nn.functional.cosine_similarity(intensity, vectors(azimuth, elevation)[:, 0].float(), dim=-1)
    loud = w.square().mean(-1) > 1e-6
    assert loud.float().mean() > 0.5
    # The source moves by up to a degree in that time.
    assert cosine[loud].min() > math.cos(math.radians(1.0))


def test_an_object_is_seen_at_its_place_with_its_size_on_the_sphere():
    """Pixels of plain discs, weighted by their area, against the directions told."""
    ours = world(num_classes=1, max_elevation_degrees=75.0, **QUIET)
    clips = ours.render("test", range(30), times=torch.full((30, 1), 1.0))
    masks = sounding_masks(clips.scenes, clips.times, ours.config)[:, 0, 0]
    seen = clips.scenes.rings(clips.times)[:, 0, 0]
    assert seen.sum() > 20
    pixels = pixel_vectors(56)
    area = pixels[..., :2].norm(dim=-1) * (math.pi / 56) ** 2
    azimuth, elevation = clips.scenes.directions(clips.times)
    centres = vectors(azimuth, elevation)[:, 0, 0].float()
    swelling = 1 + 0.25 * clips.scenes.flash(clips.times)[:, 0, 0]
    for row in seen.nonzero().flatten().tolist():
        weights = masks[row] * area
        found = torch.nn.functional.normalize((weights[..., None] * pixels).sum((0, 1)), dim=0)
        assert found @ centres[row] > math.cos(math.radians(1.0))
        # A spherical cap of that radius has this area, wherever it lies: at the pole and over the frame's edge too.
        cap = 2 * math.pi * (1 - math.cos(clips.scenes.radius[row, 0] * swelling[row]))
        assert weights.sum() == pytest.approx(cap, rel=0.06)
    assert (clips.scenes.directions(clips.times)[1][seen].abs() > math.radians(55)).any()
    assert (masks[:, :, [0, -1]].amax(1) > 0.9).all(1).any(), "one that lies across the frame's edge"


def test_flash_and_sound_begin_together():
    ours = world(moving_share=0.0, **QUIET)
    scenes = draw_scenes(ours.config, "test", range(10))
    strikes = scenes.event_times[:, 0].where(scenes.event_times[:, 0] > 0.5, torch.inf).amin(1)
    times = torch.stack([strikes - 0.002, strikes + 0.002], 1)
    clips = ours.render("test", range(10), start=strikes - 0.02, duration=0.04, times=times)
    before, after = clips.frames.float().mean((2, 3, 4)).unbind(1)
    assert (after > before + 0.3).all()
    change = clips.ambisonics[:, 0].diff().abs()
    assert (change[:, 161:240].amax(1) > 0).all()
    quiet = change[:, :159].amax(1) < 1e-3 * change[:, 160:].amax(1)
    assert quiet.any(), "scenes in which nothing rings from an earlier strike"
    azimuth, elevation = scenes.directions(torch.tensor([[0.0, 3.9]]).expand(10, -1))
    torch.testing.assert_close(azimuth[..., 0], azimuth[..., 1])
    torch.testing.assert_close(elevation[..., 0], elevation[..., 1])


def test_moving_objects_are_struck_at_their_lowest_points():
    scenes = draw_scenes(AVWorld360Config(moving_share=1.0), "train", range(50))
    times = scenes.event_times[:, 0]
    at = torch.where(times.isfinite(), times, 0.0)
    heights = scenes.directions(at)[1][:, 0] - scenes.elevation[:, :1]
    assert heights[times.isfinite()].abs().max() < 1e-9
    fine = torch.arange(0, 4, 0.001, dtype=torch.float64).expand(50, -1)
    above = (scenes.directions(fine)[1][:, 0] - scenes.elevation[:, :1]).amax(1)
    torch.testing.assert_close(above, scenes.hop[:, 0], rtol=1e-4, atol=0)


def test_distractors_are_seen_and_silent_and_unseen_sources_heard_only():
    ours = world(max_sources=2, max_distractors=2, unseen_share=0.3, **QUIET)
    clips = ours.render("train", range(60), duration=1.0, times=torch.full((60, 1), 0.9))
    scenes = clips.scenes
    silent = scenes.present & ~scenes.sounding
    unseen = scenes.sounding & ~scenes.seen
    assert 0 < silent.sum() < 120
    assert unseen.sum() / scenes.sounding.sum() == pytest.approx(0.3, abs=0.15)
    power = clips.objects.square().mean(-1)
    assert power[silent | ~scenes.present].max() == 0
    assert power[scenes.sounding].min() > 0
    masks = sounding_masks(scenes, clips.times, ours.config)[:, :, 0].amax((2, 3))
    assert masks[silent | unseen].max() == 0
    assert masks[scenes.sounding & scenes.seen & scenes.rings(clips.times)[..., 0]].max() == 1
    torch.testing.assert_close(clips.ambisonics[:, 0], clips.objects.sum(1), rtol=0, atol=1e-4)
    for row in range(60):
        classes = scenes.classes[row][scenes.present[row]]
        assert classes.unique().numel() == classes.numel()


def test_diffuse_noise_comes_from_everywhere():
    noisy, clean = (world(diffuse_db=level).render("train", range(4)).ambisonics for level in (0.0, -300.0))
    noise = noisy - clean
    level = noise.square().mean(-1)
    torch.testing.assert_close(level[:, 1:] / level[:, :1], torch.full((4, 3), 1 / 3), rtol=0.05, atol=0)
    correlation = torch.stack([torch.corrcoef(sound) for sound in noise]) - torch.eye(4)
    assert correlation.abs().max() < 0.05


def test_settings_and_windows_out_of_range_are_named():
    with pytest.raises(InvalidValueError, match="'max_elevation_degrees': got 80"):
        AVWorld360Config(max_elevation_degrees=80)
    with pytest.raises(InvalidValueError, match=r"'num_classes': got 2; expected at least .* = 3"):
        AVWorld360Config(num_classes=2, max_sources=2, max_distractors=1)
    with pytest.raises(InvalidValueError, match=r"window of sound: got -0.5 to 0.6 s"):
        world().render("train", [0], start=[-0.5], duration=1.1)
    with pytest.raises(InvalidValueError, match=r"pictures: got 4.5 to 4.5 s"):
        world().render("train", [0], duration=1.0, times=[[4.5]])
    with pytest.raises(UnknownNameError, match="train"):
        world().render("trian", [0])
    with pytest.raises(InvalidValueError, match="index: got -1"):
        world().render("train", [-1])
