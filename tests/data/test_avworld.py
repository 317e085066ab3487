"""AVWorld: the same clip every time, no clip in two splits, and sound where the picture bounces."""

import pytest
import torch

from avssl_hub.data.avworld import SPLITS, AVWorld, AVWorldConfig, draw_scenes
from avssl_hub.errors import InvalidValueError, UnknownNameError

# Class, size, brightness, noise offset of scene 7 of each split, recorded before worlds had kinds and off-screen sound.
FIRST_WORLD = {
    "train": (6, 0.3947547562606032, 0.1497281996611084, 53823),
    "validation": (2, 0.4231137640036765, 0.467689879929961, 59567),
    "test": (4, 0.8642339714337045, 0.8248252076245728, 38171),
}
KIND_FIELDS = ("classes", "size", "brightness")
QUIET = {"camera_noise": 0.0, "hiss_db": -120.0}


def test_a_clip_is_the_same_alone_in_another_batch_and_in_another_world_of_equal_settings():
    first = AVWorld().render("train", [5, 17, 3], duration=0.5)
    second = AVWorld(AVWorldConfig()).render("train", [40, 17], duration=0.5)
    torch.testing.assert_close(first.frames[1], second.frames[1], rtol=0, atol=0)
    torch.testing.assert_close(first.samples[1], second.samples[1], rtol=0, atol=1e-6)
    assert not torch.equal(first.frames[0], first.frames[1])


def test_a_window_shows_what_the_whole_scene_shows_at_that_time():
    world = AVWorld()
    whole = world.render("test", [2])
    window = world.render("test", [2], start=[1.5], duration=1.0)
    torch.testing.assert_close(window.frames[0], whole.frames[0, 24:40], rtol=0, atol=0)
    # Notes struck before the window go on ringing in it.
    torch.testing.assert_close(window.samples[0], whole.samples[0, 36000:60000], rtol=0, atol=1e-5)


def test_another_seed_is_another_world():
    ours, theirs = (draw_scenes(AVWorldConfig(seed=seed), "train", range(50)) for seed in (0, 1))
    assert not torch.isin(ours.phase, theirs.phase).any()


def test_splits_share_no_scene():
    phases = [draw_scenes(AVWorldConfig(), split, range(500)).phase[:, 0, 0] for split in SPLITS]
    assert torch.cat(phases).unique().numel() == 3 * 500


def test_classes_numbers_and_sizes_cover_their_ranges():
    scenes = draw_scenes(AVWorldConfig(num_classes=4, min_objects=1, max_objects=3), "train", range(900))
    counts = scenes.classes[:, 0].bincount()
    # Binomial(900, 1/4) has standard deviation 13.
    assert len(counts) == 4
    assert ((counts - 225).abs() < 60).all()
    objects = scenes.present.sum(1).bincount(minlength=4)
    assert objects[0] == 0
    assert ((objects[1:] - 300).abs() < 70).all()
    assert 0 <= scenes.size.min() < 0.01
    assert 0.99 < scenes.size.max() <= 1


def test_objects_bounce_exactly_where_the_path_turns():
    scenes = draw_scenes(AVWorldConfig(height=48, width=96), "train", range(20))
    fine = torch.arange(0, 4, 0.001, dtype=torch.float64)
    paths = scenes.positions(fine.expand(20, -1))[:, 0]
    assert (paths.amin(1) >= scenes.radius - 1e-9).all()
    assert (paths.amax(1) <= torch.tensor([2.0, 1.0]) - scenes.radius + 1e-9).all()
    for path, times in zip(paths, scenes.event_times[:, 0]):
        direction = path.diff(dim=0).sign()
        turns = fine[1:-1][(direction.diff(dim=0) != 0).any(1)]
        known = times[times.isfinite()].sort().values
        assert len(known) > 0
        # Every turn of the path is a bounce, and the other way round, to the step of the path.
        apart = (turns[:, None] - known).abs()
        assert apart.amin(1).max() < 0.0021
        assert apart.amin(0)[(known > 0.003) & (known < 3.996)].max() < 0.0021


def test_sound_starts_when_the_object_seen_in_the_picture_brightens():
    """Measured from pixels and samples alone: sudden brightening against sudden energy."""
    world = AVWorld(AVWorldConfig(fps=100.0, **QUIET))
    compared = 0
    for index in range(8):
        clip = world.render("test", [index], duration=3.0)
        brightness = clip.frames[0].float().mean((1, 2, 3))
        rise = brightness.diff()
        seen = 1 + (rise > 0.5 * rise.max()).nonzero().flatten()
        power = clip.samples[0].square().unflatten(0, (-1, 240)).mean(1)
        loud = power > 0.01 * power.max()
        for frame in seen.tolist():
            # The first loud hundredth of a second near the first bright frame; earlier notes may still ring.
            before, around = power[max(0, frame - 4) : frame - 1], power[frame - 1 : frame + 3]
            if len(before) and before.mean() > 0.05 * around.max():
                continue
            onset = frame - 1 + int(loud[frame - 1 : frame + 6].int().argmax())
            assert loud[onset], f"scene {index}: a flash at {frame / 100} s without a sound"
            assert abs(onset - frame) <= 2, f"scene {index}: flash {frame / 100} s, sound {onset / 100} s"
            compared += 1
    assert compared >= 8


def dominant_hertz(samples, rate=24000):
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples))).abs()
    return spectrum.argmax().item() * rate / len(samples)


def test_small_objects_sound_high_and_bright_ones_loud():
    world = AVWorld(AVWorldConfig(**QUIET))
    scenes = draw_scenes(world.config, "test", range(60))
    bells = (scenes.classes[:, 0] == 0).nonzero().flatten().tolist()
    clips = world.render("test", bells)
    for row in range(len(bells)):
        size = clips.scenes.size[row, 0].item()
        # Two octaves above 220 Hz for the smallest; the bell's first partial is its strongest.
        assert dominant_hertz(clips.samples[row]) == pytest.approx(220 * 4 ** (1 - size), rel=0.02)
    peaks = clips.samples.abs().amax(1)
    brightness = clips.scenes.brightness[:, 0]
    darkest, brightest = brightness.argmin(), brightness.argmax()
    # 30 dB over the whole range; strikes differ by up to 8 dB and overlap.
    expected = 30 * (brightness[brightest] - brightness[darkest])
    measured = 20 * torch.log10(peaks[brightest] / peaks[darkest])
    assert abs(measured - expected) < 10
    assert expected > 15


def test_large_objects_are_pale_and_bright_ones_light():
    """Measured at the centre of plain discs, in the frame least touched by a flash."""
    world = AVWorld(AVWorldConfig(**QUIET))
    scenes = draw_scenes(world.config, "test", range(60))
    discs = (scenes.classes[:, 0] == 0).nonzero().flatten().tolist()
    clips = world.render("test", discs)
    rows, columns = (64 * clips.scenes.positions(clips.times)[:, 0].flip(-1)).long().unbind(-1)
    for number in range(len(discs)):
        centre = clips.frames[number, torch.arange(64), rows[number], columns[number]] / 255
        light, dark = centre.amax(1), centre.amin(1)
        saturation = (1 - dark / light).max()
        assert saturation == pytest.approx(0.95 - 0.7 * clips.scenes.size[number, 0].item(), abs=0.04)
        assert light.min() == pytest.approx(0.3 + 0.7 * clips.scenes.brightness[number, 0].item(), abs=0.03)


def test_each_class_has_a_look_and_a_sound_of_its_own():
    from avssl_hub.data.avworld.looks import sprites
    from avssl_hub.data.avworld.timbres import TIMBRES

    drawn = sprites()
    assert len(drawn) == len(TIMBRES) == len(set(TIMBRES)) == 10
    visible = drawn[:, 0] * (0.5 + 0.5 * drawn[:, 1])
    difference = (visible[:, None] - visible[None]).abs().mean((2, 3))
    assert (difference + torch.eye(10)).min() > 0.02
    assert drawn[:, 0, [0, -1]].max() == 0


def test_an_absent_object_is_neither_seen_nor_heard():
    alone = AVWorld(AVWorldConfig(max_objects=1)).render("train", range(12), duration=0.5)
    pair = AVWorld(AVWorldConfig(max_objects=2)).render("train", range(12), duration=0.5)
    single = ~pair.scenes.present[:, 1]
    assert 1 <= single.sum() < 12
    assert (pair.scenes.event_strengths[single, 1] == 0).all()
    # The world of pairs draws more numbers a scene but the first object's come first.
    torch.testing.assert_close(pair.frames[single], alone.frames[single], rtol=0, atol=0)
    torch.testing.assert_close(pair.samples[single], alone.samples[single], rtol=0, atol=1e-6)
    assert not torch.equal(pair.frames[~single], alone.frames[~single])


@pytest.mark.parametrize("split", SPLITS)
def test_the_default_world_is_the_one_that_was_recorded(split):
    scenes = draw_scenes(AVWorldConfig(), split, [7])
    recorded = scenes.classes, scenes.size, scenes.brightness, scenes.noise_offset
    assert tuple(value.item() for value in recorded) == FIRST_WORLD[split]
    assert (scenes.kinds == -1).all()
    assert not scenes.off_screen.any()


def test_off_screen_sound_is_that_of_a_scene_nobody_sees():
    world = AVWorld(AVWorldConfig(off_screen_share=0.3))
    clean = AVWorld().render("train", range(100), duration=0.1)
    clips = world.render("train", range(100), duration=0.1)
    assert torch.equal(clips.frames, clean.frames)
    off = clips.scenes.off_screen
    # Binomial(100, 0.3) has standard deviation 4.6.
    assert abs(off.sum() - 30) < 18
    same = (clips.samples == clean.samples).all(1)
    assert torch.equal(same, ~off)
    assert torch.equal(clips.scenes.heard.phase[~off], clean.scenes.phase[~off])
    unseen = clips.scenes.heard.phase[off][:, 0, 0]
    assert unseen.unique().numel() == off.sum()
    assert not torch.isin(unseen, draw_scenes(world.config, "train", range(2000)).phase[:, 0, 0]).any()


def test_off_screen_clips_are_the_same_ones_every_time_and_stay_so_as_their_share_grows():
    few, many = (AVWorldConfig(off_screen_share=share) for share in (0.2, 0.6))
    off = draw_scenes(few, "train", range(200)).off_screen
    assert torch.equal(draw_scenes(few, "train", [150, 3, 77]).off_screen, off[[150, 3, 77]])
    assert draw_scenes(many, "train", range(200)).off_screen[off].all()
    heard = [draw_scenes(config, "train", range(200)).heard.phase[off] for config in (few, many)]
    assert torch.equal(*heard)
    alone = AVWorld(few).render("train", off.nonzero()[:1, 0].tolist(), start=[1.0], duration=1.0)
    whole = AVWorld(few).render("train", off.nonzero()[:1, 0].tolist())
    torch.testing.assert_close(alone.samples[0], whole.samples[0, 24000:48000], rtol=0, atol=1e-5)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_held_out_scenes_sound_like_themselves(split):
    config = AVWorldConfig(off_screen_share=1.0)
    assert not draw_scenes(config, split, range(50)).off_screen.any()
    assert draw_scenes(config, "train", range(50)).off_screen.all()
    ours, theirs = (AVWorld(chosen).render(split, [4], duration=0.3) for chosen in (config, AVWorldConfig()))
    assert torch.equal(ours.samples, theirs.samples)


def test_scenes_of_one_kind_share_class_size_and_brightness_and_nothing_else():
    config = AVWorldConfig(num_kinds=25)
    train, test = (draw_scenes(config, split, range(600)) for split in ("train", "test"))
    together = {name: torch.cat([getattr(train, name), getattr(test, name)])[:, 0] for name in KIND_FIELDS}
    kinds = torch.cat([train.kinds, test.kinds])[:, 0]
    # Binomial(1200, 1/25) has standard deviation 6.8.
    assert (kinds.bincount() - 48).abs().max() < 28
    for kind in range(25):
        assert all(values[kinds == kind].unique().numel() == 1 for values in together.values())
    assert (together["classes"].bincount() > 0).all()
    assert together["size"].unique().numel() == together["brightness"].unique().numel() == 25
    for name in ("hue", "angle", "phase", "rate", "hiss", "backdrop"):
        values = getattr(train, name).reshape(600, -1)[:, 0]
        assert values.unique().numel() == 600, name


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_classes": 11}, "AVWorld setting 'num_classes': got 11; expected 1 to 10."),
        (
            {"min_objects": 3, "max_objects": 2},
            "AVWorld setting 'max_objects': got 2; expected at least min_objects=3.",
        ),
        ({"num_kinds": 9}, "AVWorld setting 'num_kinds': got 9; expected 0, or at least num_classes=10."),
        ({"off_screen_share": 1.5}, "AVWorld setting 'off_screen_share': got 1.5; expected a share, 0 to 1."),
        ({"duration": 0}, "AVWorld setting 'duration': got 0; expected seconds above 0."),
    ],
)
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises(InvalidValueError) as caught:
        AVWorldConfig(**settings)
    assert str(caught.value) == text


def test_wrong_requests_are_refused():
    world = AVWorld()
    with pytest.raises(UnknownNameError, match=r"unknown AVWorld split: got 'tset'.*Did you mean 'test'"):
        world.render("tset", [0])
    with pytest.raises(InvalidValueError, match="AVWorld scene index: got -1"):
        world.render("test", [-1])
    with pytest.raises(
        InvalidValueError, match=r"start 3.5 to 3.5 s with duration 1 s; expected windows inside .* 4 s"
    ):
        world.render("test", [0], start=[3.5], duration=1.0)
