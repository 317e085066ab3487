"""The recipes of published configurations, made small: each takes a step, in the order in which they follow."""

import re

from avssl_hub.training import list_recipes, load_recipe, train
from avssl_hub.training.reading import RECIPES

SMALL = [
    "model.video_hidden_sizes=[4, 6, 6, 8]",
    "model.audio_hidden_sizes=[4, 4, 4, 6, 4]",
    "model.fusion_hidden_size=6",
    "processor={num_frames: 16, fps: 16, resize_size: 34, crop_size: 32, sampling_rate: 8000}",
    "data.split=''",
    "data.workers=1",
    "loop.steps=1",
    "loop.batch_size=4",
    "loop.trackers=[]",
]
OF_TASK = {"alignment": ["least_shift=12"], "recognition": []}


def test_every_recipe_for_recordings_takes_a_step(clocks, tmp_path):
    waiting = {name: load_recipe(name) for name in list_recipes() if "tiny" not in name}
    waiting = {name: recipe for name, recipe in waiting.items() if recipe.task in OF_TASK}
    made = {"": ""}
    while waiting:
        name = next(name for name, recipe in waiting.items() if recipe.start_from in made)
        recipe = waiting.pop(name)
        folder = tmp_path / name
        start = [f"start_from='{made[recipe.start_from]}'"]
        listed = [f"data.manifest={clocks / 'clips.csv'}"]
        train(load_recipe(name, [*SMALL, *OF_TASK[recipe.task], *listed, *start]), folder)
        # The folder that its first lines tell to write is the one that others start from.
        told = re.search(rf"Launch: avssl train {name} -o (\S+)", (RECIPES / f"{name}.yaml").read_text())
        made[told[1]] = folder
    assert len(made) > 4
