"""Pretraining by synchrony: what the network is given, that runs are exact, and where their weights come from."""

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from avssl_hub.data.avworld import AVWorld
from avssl_hub.data.manifest import ManifestItem
from avssl_hub.errors import AvsslError, CheckpointError
from avssl_hub.media import MissingStreamError, write_media
from avssl_hub.models.multisensory import MultisensoryForAlignment, MultisensoryProcessor
from avssl_hub.models.multisensory.losses_multisensory import kernel_decay
from avssl_hub.training import load_recipe, parse_recipe, train
from avssl_hub.training.scenes.reader import SceneReader
from avssl_hub.training.scenes.sources import WorldScenes, open_scenes
from avssl_hub.training.scenes.start import start
from tests.training.runs import train_until

from ..test_clips import times_told

ALIGNMENT = ["task=alignment", "least_shift=12"]


@pytest.fixture(scope="module")
def recipe(small):
    return load_recipe(small, ALIGNMENT)


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    return train(recipe, tmp_path_factory.mktemp("run"))


def batches_of(recipe, step=0, share=slice(None)):
    return open_scenes(recipe).batches(step, None, torch.device("cpu"), share)


def test_a_killed_run_ends_as_if_it_had_not_been(recipe, finished, tmp_path):
    names = []
    train_until(3, recipe, tmp_path, lambda total, losses: names.append(losses.keys()))
    assert names == 3 * [{"loss", "alignment", "accuracy", "kernel_decay"}]
    train(recipe, tmp_path, resume=True)
    assert (tmp_path / "model.safetensors").read_bytes() == (finished / "model.safetensors").read_bytes()
    assert MultisensoryProcessor.from_pretrained(tmp_path).num_frames == 16


def test_the_loss_is_the_mean_over_both_sounds_and_the_decay_of_the_kernels(recipe, tmp_path):
    told = []
    settings = recipe.to_dict()
    settings["loop"]["steps"] = 1
    train(parse_recipe(settings), tmp_path, progress=lambda done, total, losses: told.append(losses))
    torch.manual_seed(recipe.seed)
    model, _, _ = start(recipe, WorldScenes(recipe))
    batch = next(batches_of(recipe))
    swapped = batch.draws < 0.5
    assert 0 < swapped.sum() < 4, "both orders"
    # Each sound's batch by itself, in the order that the coins decide.
    first = torch.where(swapped[:, None, None], batch.sounds[:, 1], batch.sounds[:, 0])
    second = torch.where(swapped[:, None, None], batch.sounds[:, 0], batch.sounds[:, 1])
    model.train()
    logits = model(batch.pixels, torch.stack([first, second], 1)).logits
    wanted = torch.stack([~swapped, swapped], 1).float()
    cross_entropy = F.softplus(-logits * (2 * wanted - 1)).mean()
    assert told[0]["alignment"] == pytest.approx(cross_entropy.item(), rel=1e-5)
    assert told[0]["loss"] == pytest.approx((cross_entropy + kernel_decay(model, 1e-5)).item(), rel=1e-5)


def test_the_first_sound_is_that_of_the_picture_and_the_second_lies_elsewhere(recipe):
    batch = next(batches_of(recipe))
    processor, world = recipe.build_processor(), AVWorld(recipe.data.world)
    available = int(world.config.duration * processor.fps)
    for pixels, sounds, item in zip(batch.pixels, batch.sounds, batch.items.tolist()):
        whole = world.render("train", [item], fps=processor.fps)
        moments = [round(first * 500) for first in range(available - 16 + 1)]
        played = [whole.samples[0, first : first + 8000] for first in moments]
        places = [min(range(len(played)), key=lambda at: (played[at] - sound[0]).abs().max()) for sound in sounds]
        assert abs(places[0] - places[1]) >= 12
        # Mirrored or not, cut or not, the brightness over time is the moment's.
        brightness = [whole.frames[0, first : first + 16].float().mean((1, 2, 3)) for first in range(len(moments))]
        seen = pixels.mean((1, 2, 3))
        fits = torch.stack([torch.corrcoef(torch.stack([seen, each]))[0, 1] for each in brightness])
        assert fits[places[0]] > fits.median()
        assert torch.equal(sounds[:, 0], sounds[:, 1]), "mono in both channels"


def test_batches_are_shared_out_whole_whatever_the_number_of_processes(recipe):
    whole = next(batches_of(recipe, step=3))
    for rank in range(2):
        part = next(batches_of(recipe, step=3, share=slice(rank, None, 2)))
        for name, values in whole._asdict().items():
            assert torch.equal(getattr(part, name), values[rank::2]), name


def test_wrong_sound_may_be_another_recordings(small, tmp_path):
    recipe = load_recipe(small, ["task=alignment", "wrong_sound=other", "loop.steps=1"])
    assert next(batches_of(recipe)).sounds.shape[1] == 1
    train(recipe, tmp_path)
    one_by_one = load_recipe(small, ["task=alignment", "wrong_sound=other", "loop.batch_size=4", "loop.accumulation=4"])
    with pytest.raises(ValueError, match=r"loop.batch_size': got 4; expected at least 8, 2 in each part"):
        train(one_by_one, tmp_path / "one")


def test_weights_are_taken_over_but_for_the_fresh_ones(small, finished):
    again = [*ALIGNMENT, f"start_from={finished}", "seed=5", "model.last_stage_stride=1"]
    recipe = load_recipe(small, [*again, "fresh=[multisensory.blocks.5., alignment_head.]"])
    torch.manual_seed(recipe.seed)
    state = start(recipe, WorldScenes(recipe))[0].state_dict()
    saved = load_file(finished / "model.safetensors")
    changed = {name for name, value in state.items() if not torch.equal(value, saved[name])}
    assert {name.rsplit(".", 1)[0] for name in changed} >= {"alignment_head", "multisensory.blocks.5.residual.conv2"}
    assert all(name.startswith(("multisensory.blocks.5.", "alignment_head.")) for name in changed)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["start_from=nowhere"], r"start_from nowhere: got no model.safetensors; expected the folder of a model"),
        (["start_from={}", "fresh=[blocks.5.]"], r"recipe key 'fresh': got \['blocks.5.'\]; expected beginnings of"),
        (["start_from={}", "model.fusion_hidden_size=7"], r"fusion.expand.*: got \(6, .*; expected \(7, "),
    ],
)
def test_starts_that_do_not_fit_are_named(small, finished, overrides, message):
    recipe = load_recipe(small, [*ALIGNMENT, *(override.format(finished) for override in overrides)])
    with pytest.raises(CheckpointError, match=message):
        start(recipe, WorldScenes(recipe))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("least_shift=0", "recipe key 'least_shift': got 0"),
        ("least_shift=60", "choosing sound out of time: got 64 frames; expected at least 77"),
        ("fresh=[a]", r"recipe key 'fresh': got \['a'\]; expected nothing without start_from"),
        ("data.frame_stride=0", "recipe key 'data.frame_stride': got 0"),
        ("model.video_depth=10", "unknown recipe key in 'model': got 'video_depth'"),
        ("processor.sampling_rate=9000", "recipe key 'processor.sampling_rate': got 9000; expected the world's 8000"),
        ("task=alignement", "unknown task in recipe key 'task': got 'alignement'.*Did you mean 'alignment'"),
        ("kernel_decay=-1", "recipe key 'kernel_decay': got -1"),
    ],
)
def test_mistakes_are_refused_before_any_work(small, override, message):
    with pytest.raises(AvsslError, match=message):
        load_recipe(small, [*ALIGNMENT, override])


def test_pairs_of_recordings_are_of_one_piece_and_as_far_apart_as_asked(small, clocks):
    recipe = load_recipe(small, [*ALIGNMENT, "data.piece_frames=40"])
    reader = SceneReader(recipe.build_processor(), recipe.windows(), recipe.data)
    told = []
    for seed in range(24):
        frames, sounds = reader.read(ManifestItem(clocks / "3.mp4"), torch.Generator().manual_seed(seed))
        assert frames.shape == (16, 48, 64, 3)
        assert sounds.shape == (2, 2, 8000)
        told.append(times_told(frames, sounds[:, 0]))
    assert all(abs(seen - own) < 0.15 for seen, (own, _) in told)
    # 12 frames of a sixteenth second apart at least; 40 frames hold 16 more than 24.
    assert all(0.65 < abs(own - other) < 1.6 for _, (own, other) in told)
    assert max(seen for seen, _ in told) - min(seen for seen, _ in told) > 1.5, "pieces from anywhere"


def test_every_few_frames_may_be_seen_with_the_sound_whole(small, clocks):
    recipe = load_recipe(small, [*ALIGNMENT, "data.frame_stride=3"])
    reader = SceneReader(recipe.build_processor(), recipe.windows(), recipe.data)
    item, generators = ManifestItem(clocks / "3.mp4"), [torch.Generator().manual_seed(4) for _ in range(2)]
    every = SceneReader(recipe.build_processor(), recipe.windows(), load_recipe(small, ALIGNMENT).data)
    (few, sounds), (frames, same) = reader.read(item, generators[0]), every.read(item, generators[1])
    assert torch.equal(few, frames[::3])
    assert torch.equal(sounds, same)


def test_runs_on_recordings_name_the_mute_one(small, clocks, tmp_path):
    listed = [*ALIGNMENT, f"data.manifest={clocks / 'clips.csv'}", "data.items=1024", "data.world={}"]
    folder = train(load_recipe(small, [*listed, "data.workers=1", "loop.steps=2"]), tmp_path / "run")
    MultisensoryForAlignment.from_pretrained(folder)
    write_media(tmp_path / "mute.mp4", torch.zeros(64, 48, 64, 3, dtype=torch.uint8), 16.0)
    recipe = load_recipe(small, ALIGNMENT)
    reader = SceneReader(recipe.build_processor(), recipe.windows(), recipe.data)
    with pytest.raises(MissingStreamError, match=r"mute.mp4: got no sound; expected picture and sound"):
        reader.read(ManifestItem(tmp_path / "mute.mp4"), torch.Generator())
