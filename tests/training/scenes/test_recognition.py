"""Fine-tuning on actions: classes, what starts from where, and recordings that are short or mute."""

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.data.manifest import ManifestItem
from avssl_hub.media import write_media
from avssl_hub.models.multisensory import MultisensoryForVideoClassification
from avssl_hub.training import RecipeError, load_recipe, train
from avssl_hub.training.scenes.reader import SceneReader
from avssl_hub.training.scenes.sources import WorldScenes, open_scenes
from avssl_hub.training.scenes.start import start

RECOGNITION = ["task=recognition", "model.batch_norm_scale=true", "loop.steps=2"]


@pytest.fixture(scope="module")
def pretrained(small, tmp_path_factory):
    recipe = load_recipe(small, ["task=alignment", "least_shift=12", "loop.steps=1"])
    return train(recipe, tmp_path_factory.mktemp("pretrained"))


def listed(clocks):
    return [f"data.manifest={clocks / 'clips.csv'}", "data.items=1024", "data.world={}", "data.workers=1"]


def test_recordings_are_learned_by_the_names_of_their_classes(small, clocks, pretrained, tmp_path):
    recipe = load_recipe(small, [*RECOGNITION, *listed(clocks), f"start_from={pretrained}"])
    losses = []
    folder = train(recipe, tmp_path, progress=lambda done, total, told: losses.append(told))
    model = MultisensoryForVideoClassification.from_pretrained(folder)
    assert model.config.id2label == {0: "even", 1: "odd"}
    assert losses[0].keys() == {"loss", "classification", "accuracy", "kernel_decay"}
    source = open_scenes(recipe)
    assert source.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_all_but_the_head_and_the_scales_come_from_pretraining(small, pretrained):
    recipe = load_recipe(small, [*RECOGNITION, f"start_from={pretrained}"])
    model, _, _ = start(recipe, WorldScenes(recipe))
    saved, state = load_file(pretrained / "model.safetensors"), model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in saved.items() if not name.startswith("alignment"))
    left = [name for name in state.keys() - saved.keys() if not name.startswith("classifier.")]
    assert left
    assert all(name.endswith("norm.weight") and torch.equal(state[name], torch.ones(len(state[name]))) for name in left)
    assert model.config.num_labels == 10, "AVWorld's classes"


def test_a_network_that_only_sees_learns_the_same_whatever_it_hears(small, pretrained):
    recipe = load_recipe(small, [*RECOGNITION, "model.use_sound=false"])
    model = start(recipe, WorldScenes(recipe))[0].eval()
    batch = next(open_scenes(recipe).batches(0, None, torch.device("cpu"), slice(None)))
    with torch.no_grad():
        scores = [model(batch.pixels, sound).logits for sound in (batch.sounds[:, 0], batch.sounds[:, 0].roll(1, 0))]
    assert torch.equal(*scores)


def test_a_mute_recording_counts_by_its_picture_and_a_short_one_holds_its_last_frame(small, tmp_path):
    pixels = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 48, 64, 3) * 20
    write_media(tmp_path / "mute.mp4", pixels.contiguous(), 16.0)
    recipe = load_recipe(small, RECOGNITION)
    reader = SceneReader(recipe.build_processor(), recipe.windows(), recipe.data, recipe.needs_sound)
    frames, sounds = reader.read(ManifestItem(tmp_path / "mute.mp4"), torch.Generator())
    assert frames.shape == (16, 48, 64, 3)
    assert frames.float().mean((1, 2, 3)).round().tolist()[8:] == pytest.approx([160, *[180] * 7], abs=4)
    assert sounds.isnan().all()

    batch = next(open_scenes(recipe).batches(0, None, torch.device("cpu"), slice(None)))
    mixed = batch._replace(sounds=torch.cat([sounds[None].expand(2, *sounds.shape), batch.sounds[2:]]))
    heard, mask = mixed.heard()
    assert mask.tolist() == [False, False, True, True]
    assert torch.equal(heard[2:], batch.sounds[2:])
    assert not heard[:2].any()


def test_classes_are_needed(small, clocks, tmp_path):
    (tmp_path / "plain.csv").write_text("\n".join(["path", *(str(clocks / f"{number}.mp4") for number in range(6))]))
    recipe = load_recipe(small, [*RECOGNITION, *listed(clocks), f"data.manifest={tmp_path / 'plain.csv'}"])
    with pytest.raises(RecipeError, match=r"data.manifest': got 0 classes; expected a table with a label in every row"):
        start(recipe, open_scenes(recipe))
