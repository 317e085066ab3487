"""The recipes of the published configurations, made small: each takes a step."""

import re
from importlib.resources import files

import pytest
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from avssl_hub.training import list_recipes, load_recipe, train

RECIPES = [name for name in list_recipes() if name.startswith("avsa/") and "tiny" not in name]


@pytest.fixture(scope="module")
def started(small, tmp_path_factory):
    recipe = load_recipe(small, ["views.count=4", "loop.steps=1"])
    return train(recipe, tmp_path_factory.mktemp("started"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_for_films_takes_a_step(name, of_films, films, maps, started, tmp_path):
    recipe = load_recipe(name)
    assert (recipe.data.evenly_by, recipe.data.clips_per_item) == ("video", 2)
    segments = recipe.task == "segmentation"
    assert recipe.optimizer.weight_decay == (5e-4 if segments else 1e-5)
    small = yaml.safe_load(of_films.read_text())
    changes = [
        *(f"{section}.{key}={value}" for section in ("model", "processor") for key, value in small[section].items()),
        *([f"start_from={started}"] if recipe.start_from else []),
        f"data.manifest={films}",
        *([f"data.labels={maps}"] if segments else []),
        "data.workers=1",
        "loop.steps=1",
        "loop.batch_size=4",
        "loop.trackers=[]",
    ]
    train(load_recipe(name, changes), tmp_path / "run")
    assert (tmp_path / "run/model.safetensors").exists()


@pytest.mark.parametrize("name", RECIPES)
def test_networks_and_inputs_are_the_published_ones(name):
    recipe = load_recipe(name)
    config, processor = recipe.build_config(), recipe.unscaled_processor()
    assert (config.video_depth, config.hidden_size, config.audio_strides) == (18, 512, [1, 2, 2, 1])
    assert (processor.num_frames, processor.fps, processor.view_size) == (8, 16.0, 112)
    assert (processor.projection, processor.turns) == ("released", "pitch_first")
    assert config.translation_depth == (0 if config.objective == "instdisc" else 2)
    assert recipe.views.count == (1 if config.objective == "instdisc" else 4)


@pytest.mark.parametrize("name", RECIPES)
def test_headers_tell_what_a_clip_costs(name):
    recipe = load_recipe(name)
    views = recipe.views.count
    with torch.device("meta"):
        model = recipe.build_network().eval()
        inputs = torch.empty(2, views, 8, 3, 112, 112), torch.empty(2, views, 4, 100, 128)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    header = (files("avssl_hub.training.recipes") / f"{name}.yaml").read_text().partition("\nname:")[0]
    (told,) = re.findall(r"([\d.]+) GMAC", header)
    # Two operations a multiplication with addition, two clips.
    assert float(told) == pytest.approx(counter.get_total_flops() / 4e9, rel=0.005)


@pytest.mark.parametrize("condition", ["video", "audio", "context"])
def test_segmentation_is_the_published_one(condition):
    recipe = load_recipe(f"avsa/segmentation_{condition}")
    config = recipe.build_config()
    conditions = {"video": None, "audio": "audio", "context": "audio+context"}
    assert (config.segmentation_condition, config.num_labels) == (conditions[condition], 32)
    assert (config.id2label[0], config.id2label[31]) == ("person", "window")
    assert not config.segmentation_frozen_statistics
    # 0.15 to 0.3 of the picture's width, which is a whole turn.
    assert [width / 360 for width in recipe.views.width_degrees] == pytest.approx([0.15, 0.3])
    assert (recipe.optimizer.learning_rate, recipe.optimizer.milestones) == (1e-4, (5, 8))
    assert (recipe.loop.epochs, recipe.loop.batch_size, recipe.augment.mirror) == (10, 20, 0.5)
