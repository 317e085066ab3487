"""The recipes of the published sets, made small: each takes a step."""

import pytest
import yaml

from avssl_hub.training import list_recipes, load_recipe, train

RECIPES = [name for name in list_recipes() if name.startswith("spatial_audio_gen/") and "tiny" not in name]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_for_recordings_takes_a_step(name, of_folders, prepared, tmp_path):
    recipe = load_recipe(name)
    assert recipe.imagenet, "which would be downloaded"
    assert recipe.build_config().window_samples == 52799
    assert recipe.data.split == "train"
    small = yaml.safe_load(of_folders.read_text())["model"]
    changes = [
        *(f"model.{key}={value}" for key, value in small.items()),
        "imagenet=false",
        f"data.manifest={prepared}",
        "data.least_power=0.0",
        "data.workers=1",
        "loop.steps=1",
        "loop.batch_size=4",
        "loop.trackers=[]",
    ]
    train(load_recipe(name, changes), tmp_path / "run")
    assert (tmp_path / "run/model.safetensors").exists()
