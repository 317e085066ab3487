"""Separation: what is mixed with what and compared, what a run begins with, and that blind ones take no picture."""

import inspect
import json

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.errors import AvsslError, CheckpointError
from avssl_hub.models.multisensory import (
    MultisensoryConfig,
    MultisensoryForSourceSeparation,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)
from avssl_hub.training import load_recipe, parse_recipe, train
from avssl_hub.training.scenes.sources import WorldScenes, open_scenes
from avssl_hub.training.scenes.start import start
from avssl_hub.training.schedule import learning_rate_factor
from tests.media.corpus import Sound, make, sine
from tests.training.runs import train_until

SEPARATION = [
    "task=separation",
    "processor.num_frames=12",
    "processor.fps=12",
    "model.fft_size=128",
    "model.frame_length=128",
    "model.hop_length=32",
    "model.unet_hidden_sizes=[4, 4, 4, 4, 4]",
    "model.unet_time_strides=[1, 2, 2, 2, 2]",
    "model.unet_video_layers=[1, 2, 3]",
]
BLIND = [*SEPARATION, "blind=true"]


@pytest.fixture(scope="module")
def aligned(small, tmp_path_factory):
    recipe = load_recipe(small, ["task=alignment", "least_shift=12", "loop.steps=1"])
    return train(recipe, tmp_path_factory.mktemp("aligned"))


def first_losses(recipe, folder):
    told = []
    settings = recipe.to_dict()
    settings["loop"]["steps"] = 1
    train(parse_recipe(settings), folder, progress=lambda done, total, losses: told.append(losses))
    return told[0]


def fresh(recipe):
    """The network that a run of ``recipe`` begins with, and its first batch."""
    torch.manual_seed(recipe.seed)
    model, _, _ = start(recipe, WorldScenes(recipe))
    return model.train(), next(open_scenes(recipe).batches(0, None, torch.device("cpu"), slice(None)))


def levelled(sounds):
    return sounds * 0.1 / sounds.square().mean(-1, keepdim=True).sqrt()


def half_squares_of_kernels(module):
    return 0.5e-5 * sum(p.square().sum() for name, p in module.named_parameters() if p.ndim > 1).item()


def test_a_killed_run_ends_as_if_it_had_not_been(small, tmp_path):
    recipe = load_recipe(small, [*SEPARATION, "loudness_octaves=0.25", "loop.steps=4"])
    whole = train(recipe, tmp_path / "whole")
    train_until(3, recipe, tmp_path / "cut")
    train(recipe, tmp_path / "cut", resume=True)
    weights = [(folder / "model.safetensors").read_bytes() for folder in (whole, tmp_path / "cut")]
    assert weights[0] == weights[1]
    MultisensoryForSourceSeparation.from_pretrained(whole)
    # A mixture of two sounds at 0.1 is as loud as the released tools make a clip.
    assert MultisensoryProcessor.from_pretrained(whole).rms == pytest.approx(2**0.5 / 10)


def test_the_loss_is_that_of_the_pictures_own_sound_against_one_half_a_batch_away(small, tmp_path):
    recipe = load_recipe(small, SEPARATION)
    losses = first_losses(recipe, tmp_path)
    model, batch = fresh(recipe)
    own = levelled(batch.sounds[:, 0])
    other = own[[2, 3, 0, 1]]
    output = model(batch.pixels, own + other)
    mixture, _ = model.spectrogram((own + other).mean(1))
    torch.testing.assert_close(output.mixture_levels, mixture)
    errors = []
    for place, source in enumerate((own, other)):
        levels, phases = model.spectrogram(source.mean(1))
        # 180 dB and half a turn are 2 and 1 of the units compared.
        level = ((output.levels[:, place] - levels) / 90).abs().mean().item()
        phase = ((output.phases[:, place] - phases) / torch.pi).abs().mean().item()
        errors += [level, 0.01 * phase]
    assert losses["on_screen_level"] == pytest.approx(errors[0], rel=1e-4)
    assert losses["off_screen_level"] == pytest.approx(errors[2], rel=1e-4)
    decay = half_squares_of_kernels(model.unet)
    assert losses["kernel_decay"] == pytest.approx(decay, rel=1e-4)
    assert losses["loss"] == pytest.approx(sum(errors) + decay, rel=1e-4)


def test_loudness_is_drawn_for_each_clip(small, tmp_path):
    recipe = load_recipe(small, [*SEPARATION, "loudness_octaves=0.5"])
    losses = first_losses(recipe, tmp_path)
    model, batch = fresh(recipe)
    own = levelled(batch.sounds[:, 0]) * (2 ** (batch.draws - 0.5))[:, None, None]
    output = model(batch.pixels, own + own[[2, 3, 0, 1]])
    levels, _ = model.spectrogram(own.mean(1))
    expected = ((output.levels[:, 0] - levels) / 90).abs().mean().item()
    assert losses["on_screen_level"] == pytest.approx(expected, rel=1e-4)


def test_blind_separation_mixes_both_halves_and_sees_nothing(small, tmp_path):
    recipe = load_recipe(small, BLIND)
    losses = first_losses(recipe, tmp_path)
    assert isinstance(SpectrogramUNetForSeparation.from_pretrained(tmp_path), SpectrogramUNetForSeparation)
    model, batch = fresh(recipe)
    assert batch.pixels.numel() == 0
    sounds = levelled(batch.sounds[:, 0])
    output = model(sounds[:2] + sounds[2:])
    costs = []
    for clip, pair in enumerate(zip(sounds[:2], sounds[2:])):
        truth = [model.spectrogram(source.mean(0)) for source in pair]
        orders = []
        for order in ((0, 1), (1, 0)):
            levels = sum((output.levels[clip, order[i]] - truth[i][0]).abs().mean() / 90 for i in (0, 1))
            phases = sum((output.phases[clip, order[i]] - truth[i][1]).abs().mean() / torch.pi for i in (0, 1))
            orders.append((levels + 0.01 * phases).item())
        costs.append(min(orders))
    assert losses["permutation_invariant"] == pytest.approx(sum(costs) / 2, rel=1e-4)
    assert losses["loss"] == pytest.approx(sum(costs) / 2 + half_squares_of_kernels(model.unet), rel=1e-4)


def test_scenes_without_a_picture_sound_as_with_one(small):
    seen, blind = (open_scenes(load_recipe(small, overrides)) for overrides in (SEPARATION, BLIND))
    batches = [next(source.batches(2, None, torch.device("cpu"), slice(None))) for source in (seen, blind)]
    assert batches[0].pixels.shape == (4, 12, 3, 32, 32)
    assert torch.equal(batches[0].sounds, batches[1].sounds)


def test_weights_come_from_alignment_but_for_the_scales_and_the_u_net(small, aligned):
    recipe = load_recipe(small, [*SEPARATION, f"start_from={aligned}"])
    state = start(recipe, WorldScenes(recipe))[0].state_dict()
    saved = load_file(aligned / "model.safetensors")
    assert all(torch.equal(state[name], value) for name, value in saved.items())
    left = [name for name in state.keys() - saved.keys() if not name.startswith("unet.")]
    assert left
    assert all(name.endswith("norm.weight") and torch.equal(state[name], torch.ones(len(state[name]))) for name in left)


def test_a_blind_run_cannot_start_from_a_network_without_a_u_net(small, aligned):
    recipe = load_recipe(small, [*BLIND, f"start_from={aligned}"])
    with pytest.raises(CheckpointError, match=r"got none of the model's weights; expected weights that SpectrogramU"):
        start(recipe, WorldScenes(recipe))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model.fft_size=1024", "model.frame_length=1024", "model.hop_length=512"],
            r"got 8000; expected at least 8704",
        ),
        (["loudness_octaves=-1"], "recipe key 'loudness_octaves': got -1"),
        (["blind=true", "model.separation_losses=[on_off]"], "multiple values for keyword argument"),
    ],
)
def test_mistakes_are_refused_before_any_work(small, overrides, message):
    with pytest.raises(AvsslError, match=message):
        load_recipe(small, [*SEPARATION, *overrides])


def test_blind_mixtures_need_an_even_number_of_clips_in_each_part(small, tmp_path):
    parted = load_recipe(small, [*BLIND, "loop.batch_size=6", "loop.accumulation=2"])
    with pytest.raises(AvsslError, match=r"'loop.batch_size': got 6; expected a multiple of 4: blind mixtures"):
        train(parted, tmp_path)
    alone = load_recipe(small, [*SEPARATION, "loop.batch_size=4", "loop.accumulation=4"])
    with pytest.raises(AvsslError, match=r"'loop.batch_size': got 4; expected at least 8, 2 in each part"):
        train(alone, tmp_path)


def listed(path):
    return [f"data.manifest={path}", "data.items=1024", "data.world={}", "data.workers=1", "loop.steps=2"]


def test_recordings_are_separated_and_sound_alone_will_do_where_nothing_is_seen(small, clocks, tmp_path):
    folder = train(load_recipe(small, [*SEPARATION, *listed(clocks / "clips.csv")]), tmp_path / "seen")
    MultisensoryForSourceSeparation.from_pretrained(folder)

    for number in range(4):
        tone = Sound(sine(2, 8000, 300 + 100 * number), 8000, "pcm_s16le")
        make(tmp_path / f"{number}.wav", None, (tone,))
    (tmp_path / "sounds.csv").write_text("\n".join(["path", *(f"{number}.wav" for number in range(4))]))
    folder = train(load_recipe(small, [*BLIND, *listed(tmp_path / "sounds.csv")]), tmp_path / "blind")
    assert json.loads((folder / "metrics.json").read_text())["broken"] == 0


# Of each recipe: steps, clips a step, whether it starts from pretraining, and what sets its network apart.
PUBLISHED = {
    "separation": (160_000, 6, True, {}),
    "separation_large": (900_000, 6, True, {}),
    "separation_mono": (160_000, 6, True, {"mono_sound": True}),
    "separation_static": (160_000, 6, True, {"static_video": True}),
    "separation_scratch": (160_000, 6, False, {}),
    "separation_no_early_fusion": (160_000, 6, True, {"use_sound": False}),
    "separation_pit": (160_000, 6, True, {"separation_losses": ["on_off", "permutation_invariant"]}),
    "unet_pit": (160_000, 24, False, {"separation_losses": ["permutation_invariant"]}),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipes_are_the_published_settings(name):
    recipe = load_recipe(f"multisensory/{name}")
    steps, clips, pretrained, own = PUBLISHED[name]
    assert (recipe.loop.steps, recipe.loop.batch_size) == (steps, clips)
    assert bool(recipe.start_from) == pretrained
    settings = recipe.optimizer
    assert (settings.method, settings.learning_rate, settings.max_norm) == ("adam", 1e-4, 10)
    assert (recipe.kernel_decay, settings.weight_decay) == (1e-5, 0)
    factors = [learning_rate_factor(step, steps, 1, settings) for step in (0, 119_999, 120_000, 240_000)]
    assert factors == pytest.approx([1, 1, 0.1, 0.01])
    processor = recipe.build_processor()
    assert (processor.num_frames, processor.num_samples) == (63, 44144)

    with torch.device("meta"):
        network = recipe.build_network([])
    # What TensorFlow counts as trainable in the authors' graphs.
    counted = 67_001_092 if recipe.blind else 113_669_445
    assert sum(parameter.numel() for parameter in network.parameters()) == counted
    plain = MultisensoryConfig(batch_norm_scale=not recipe.blind)
    keys = inspect.signature(MultisensoryConfig).parameters.keys() - {"kwargs"}
    changed = {key for key in keys if getattr(network.config, key) != getattr(plain, key)}
    assert changed == own.keys()
    assert all(getattr(network.config, key) == value for key, value in own.items())
