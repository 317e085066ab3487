"""Training of spatial sound: what the network is given, that runs are exact, and where weights come from."""

import math

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.audio.ambisonics import rotate
from avssl_hub.data.avworld360 import AVWorld360
from avssl_hub.data.manifest import Manifest
from avssl_hub.data.spatial import ChunkRules, SpatialFolder
from avssl_hub.errors import CheckpointError, UnknownNameError
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenModel, SpatialAudioGenProcessor
from avssl_hub.training import RecipeError, load_recipe, train
from avssl_hub.training.spatial.batch import ChunkBatch
from avssl_hub.training.spatial.sources import open_chunks
from tests.training.runs import Broken, train_until

RULES = ChunkRules(8000, context=3000 / 8000, duration=300 / 8000)


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    return train(load_recipe(small), tmp_path_factory.mktemp("run"))


def batch_of(recipe, step=0, share=slice(None), broken=None) -> ChunkBatch:
    return next(open_chunks(recipe).batches(step, broken or Broken(), torch.device("cpu"), share))


@pytest.mark.parametrize("kind", ["world", "folders"])
def test_a_killed_run_ends_as_if_it_had_not_been(kind, small, of_folders, prepared, finished, tmp_path):
    recipe = load_recipe(small) if kind == "world" else load_recipe(of_folders, [f"data.manifest={prepared}"])
    whole = finished if kind == "world" else train(recipe, tmp_path / "whole")

    train_until(3, recipe, tmp_path / "run")
    train(recipe, tmp_path / "run", resume=True)
    assert (tmp_path / "run/model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert SpatialAudioGenProcessor.from_pretrained(tmp_path / "run").window_samples == 3299


def test_the_loss_is_the_model_s_of_the_chunk_itself(small, tmp_path):
    told = []
    recipe = load_recipe(small, ["loop.steps=1"])
    train(recipe, tmp_path, progress=lambda done, total, losses: told.append(losses))
    torch.manual_seed(recipe.seed)
    model, batch = recipe.build_network().train(), batch_of(recipe)
    target = batch.ambisonics[:, 1:, 1500:1800]
    predicted = model(batch.ambisonics[:, :1], batch.pixels).ambisonics
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(128) / 128)
    frames = (predicted - target)[..., :-1].unfold(-1, 128, 64) * hann
    assert told[0]["loss"] == pytest.approx(100 * torch.fft.fft(frames).abs().square().mean().item(), rel=1e-4)


def test_picture_and_sound_of_the_world_are_of_one_moment_and_turn_together(small):
    turned, still = batch_of(load_recipe(small)), batch_of(load_recipe(small, ["augment.yaw=false"]))
    assert turned.items.tolist() == still.items.tolist()
    for moved, before in zip(zip(turned.pixels, turned.ambisonics), zip(still.pixels, still.ambisonics)):
        shifts = [number for number in range(32) if torch.equal(before[0].roll(-number, -1), moved[0])]
        # The picture's turn is cut to whole pixels, towards no turn at all.
        angles = [math.tau * (shift + part) / 32 for shift in shifts for part in torch.linspace(-1, 1, 81).tolist()]
        distances = [(rotate(before[1], angle) - moved[1]).abs().max().item() for angle in angles]
        assert min(distances) < 0.02 * moved[1].abs().max()


def test_a_chunk_of_the_world_is_what_it_renders(small):
    batch = batch_of(load_recipe(small, ["augment.yaw=false"]))
    world = AVWorld360(load_recipe(small).data.world)
    for item, sound in zip(batch.items.tolist(), batch.ambisonics):
        whole = world.render("train", [item]).ambisonics[0]
        length = sound.shape[-1]
        first = (whole[0].unfold(-1, length, 1) - sound[0]).abs().amax(1).argmin()
        assert (whole[:, first : first + length] - sound).abs().max() < 1e-3


def test_chunks_of_recordings_are_read_where_their_frame_is(of_folders, prepared):
    recipe = load_recipe(of_folders, [f"data.manifest={prepared}", "augment.yaw=false"])
    batch = batch_of(recipe)
    for item, pixels, sound in zip(batch.items.tolist(), batch.pixels, batch.ambisonics):
        folder = SpatialFolder(Manifest.read(prepared)[item].path, RULES)
        fits = [
            time
            for time in folder.powers.times
            if torch.equal(folder.chunk(time).ambisonics, sound)
            and torch.allclose(folder.chunk(time).frame / 255 - 0.5, pixels[0])
        ]
        assert fits


@pytest.mark.parametrize("kind", ["world", "folders"])
def test_batches_are_shared_out_whole_whatever_the_number_of_processes(kind, small, of_folders, prepared):
    recipe = load_recipe(small) if kind == "world" else load_recipe(of_folders, [f"data.manifest={prepared}"])
    whole = batch_of(recipe, step=2)
    for rank in range(2):
        part = batch_of(recipe, step=2, share=slice(rank, None, 2))
        for name, values in whole._asdict().items():
            assert torch.equal(getattr(part, name), values[rank::2]), name


def test_a_manifest_says_which_channels_were_recorded(of_folders, prepared, tmp_path):
    recipe = load_recipe(of_folders, [f"data.manifest={prepared}", "data.split=train", "loop.batch_size=12"])
    batch = batch_of(recipe)
    # Y, Z and X.
    assert batch.recorded[batch.items == 2].eq(torch.tensor([True, False, True])).all()
    assert batch.recorded[batch.items != 2].all()
    assert (batch.items == 2).any()

    (tmp_path / "list.csv").write_text(f"path,layout\n{Manifest.read(prepared)[0].path},XYZ\n")
    with pytest.raises(UnknownNameError, match="unknown channel layout: got 'XYZ'; expected one of 'WXY', 'WXYZ'"):
        open_chunks(load_recipe(of_folders, [f"data.manifest={tmp_path / 'list.csv'}"]))


def test_recordings_that_cannot_be_used_are_told_and_replaced(of_folders, prepared, tmp_path):
    whole = [item.path for item in Manifest.read(prepared)]
    (tmp_path / "silent").mkdir()
    for part in ("ambix", "video"):
        (tmp_path / "silent" / part).symlink_to(whole[0] / part)
    (tmp_path / "silent/audio_pow.lst").write_text("0.5 0.0\n")
    (tmp_path / "list.csv").write_text("\n".join(["path", "silent", *map(str, whole[1:])]))
    broken = Broken()
    listed = f"data.manifest={tmp_path / 'list.csv'}"
    batch = batch_of(load_recipe(of_folders, [listed, "seed=1"]), broken=broken)
    assert set(batch.items.tolist()) == {1, 2}
    assert {item for item, _ in broken.found} == {0}
    assert "none loud enough; expected chunks above data.least_power=0" in broken.found[0][1]


def test_a_run_starts_from_a_model_of_its_configuration(small, finished, tmp_path):
    recipe = load_recipe(small, [f"start_from={finished}", "loop.steps=1", "optimizer.learning_rate=1.0e-12"])
    train(recipe, tmp_path / "more")
    before, after = (load_file(folder / "model.safetensors") for folder in (finished, tmp_path / "more"))
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before if "running" not in name)
    assert SpatialAudioGenModel.from_pretrained(tmp_path / "more").config.num_tracks == 3
    other = load_recipe(small, [f"start_from={finished}", "model.num_tracks=4"])
    with pytest.raises(RecipeError, match=r"model.num_tracks': got 4; expected 3, as in"):
        train(other, tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"no config.json; .*Give the folder that avssl train or avssl convert"):
        train(load_recipe(small, [f"start_from={tmp_path}"]), tmp_path / "none")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.image_size=[16, 16]", r"model.image_size': got \[16, 16\]; expected the world's \[16, 32\]"),
        ("model.sampling_rate=9000", r"model.sampling_rate': got 9000; expected the world's 8000"),
        ("model.encoders=[audio, flow]", "no flow, which AVWorld does not draw"),
        ("model.context_samples=9000", "at most the world's 1 s"),
        ("model.num_track=4", "Did you mean 'num_tracks'"),
        ("data.split=train", "a manifest to choose rows of"),
        ("loop.batch_size=13", "at most the clips of an epoch"),
    ],
)
def test_wrong_settings_are_refused_before_any_work(override, told, small):
    with pytest.raises(RecipeError, match=told):
        load_recipe(small, [override])
