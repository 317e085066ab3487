"""Recipes: what a file may say, and the words with which anything else is refused."""

import json

import pytest
import yaml

from avssl_hub.errors import UnknownNameError
from avssl_hub.training import RecipeError, list_recipes, load_recipe, parse_recipe
from avssl_hub.training.reading import RECIPES

TINY = "avid/tiny_avworld"


@pytest.mark.parametrize("name", list_recipes())
def test_every_packaged_recipe_is_valid_and_begins_with_what_it_makes_and_costs(name):
    assert "." in load_recipe(name).name
    text = (RECIPES / f"{name}.yaml").read_text()
    opening = text[: text.index("\nname:")]
    for word in (
        "Reproduces:",
        "Score:",
        "Cost:",
        f"Launch: avssl train {name} -o",
        f"Override: avssl train {name} -o",
    ):
        assert word in opening, word


def test_overrides_are_typed_by_the_field_they_set():
    recipe = load_recipe(
        TINY,
        [
            "seed=7",
            "optimizer.learning_rate=1e-3",
            "augment.crop_area=[0.5, 1]",
            "loop.trackers=[tensorboard]",
            "data.world.duration=2",
            "model.projection_sizes=32",
        ],
    )
    assert recipe.seed == 7
    # YAML itself reads 1e-3 as text.
    assert recipe.optimizer.learning_rate == 0.001
    assert recipe.augment.crop_area == (0.5, 1.0)
    assert recipe.loop.trackers == ("tensorboard",)
    assert isinstance(recipe.data.world.duration, float)
    assert recipe.model["projection_sizes"] == 32
    assert recipe.model["video_depth"] == load_recipe(TINY).model["video_depth"]


def test_a_recipe_file_round_trips_through_its_plain_values(tmp_path):
    recipe = load_recipe(TINY, ["loop.steps=3"])
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"name": "x.y", "loop": {"steps": 3}}))
    mine = load_recipe(tmp_path / "mine.yaml")
    assert mine.loop.steps == 3
    assert mine.build_objective(1024, dim=2).num_negatives == 1024
    plain = json.loads(json.dumps(recipe.to_dict()))
    assert parse_recipe(plain) == recipe


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (
            "optimizer.learning_rat=1",
            "unknown recipe key in 'optimizer': got 'learning_rat'; expected one of 'decay', 'decay_steps', 'epsilon', "
            "'learning_rate', 'max_norm', 'method', 'milestones', 'momentum', 'schedule', 'warmup_epochs', "
            "'warmup_steps', 'weight_decay'. Did you mean 'learning_rate'?",
        ),
        ("loop.steps=many", "recipe key 'loop.steps': got 'many'; expected a value of type int."),
        ("loop.steps=true", "recipe key 'loop.steps': got True; expected a value of type int."),
        (
            "optimizer.schedule=linear",
            "recipe key 'optimizer.schedule': got 'linear'; expected one of 'constant', 'cosine', 'multistep', 'step'.",
        ),
        ("augment.crop_area=[0.5]", "recipe key 'augment.crop_area': got [0.5]; expected a value of type "),
        ("loop.steps", "recipe override: got 'loop.steps'; expected section.key=value, such as loop.steps=100."),
        ("loop.steps=[1", "recipe override: got 'loop.steps=[1'; expected a value written as in YAML."),
        ("seed.deep=1", "recipe override: got 'seed.deep=1'; expected a key outside 'seed', a value."),
        ("objective.momentum=1", "memory bank: got momentum=1.0; expected 0 <= momentum < 1."),
        ("data.world.fps=-1", "AVWorld setting 'fps': got -1.0; expected pictures per second above 0."),
        ("model.video_dept=18", "unknown recipe key in 'model': got 'video_dept'; expected one of "),
        ("model.video_depth=11", "AvidConfig.video_depth: got 11; expected one of [10, 18, 34]."),
        (
            "processor.fps=2",
            "recipe key 'processor.num_frames / processor.fps and processor.audio_duration': "
            "got 4 s of picture and 1 s of sound; "
            "expected no more picture than sound.",
        ),
        (
            "processor.spectrogram_mean=[1]",
            "unknown recipe key in 'processor': got 'spectrogram_mean'; expected one of 'audio_duration', ",
        ),
        ("processor.audio_duration=5", "recipe key 'processor.audio_duration': got 5 s; expected at most the 4 s of a"),
        ("processor.fps=[8]", "recipe sections 'model' and 'processor': got '>' not supported between"),
        (
            "loop.batch_size=100000",
            "recipe key 'loop.batch_size': got 100000; expected at most the clips of an epoch, 1024 items times ",
        ),
        ("loop.steps=0", "recipe key 'loop.epochs and loop.steps': got neither; expected one of them above 0."),
        ("loop.trackers=[tensorbord]", "unknown tracker in recipe key 'loop.trackers': got 'tensorbord'; expected"),
        ("loop.trackers=[mlflow]", "recipe key 'loop.trackers': got mlflow, which is not installed; expected another"),
        ("data.split=train", "recipe key 'data.split': got 'train'; expected a manifest to choose rows of, "),
        ("optimizer.milestones=[3]", "recipe key 'optimizer.milestones': got [3]; expected epochs, which schedule "),
        ("seed=4294967296", "recipe key 'seed': got 4294967296; expected an integer from 0 to 4294967295."),
        ("objective.name=[avid]", "recipe key 'objective.name': got ['avid']; expected a value of type str."),
        ("data.workers=0", "recipe key 'data.workers': got 0; expected an integer of at least 1."),
    ],
)
def test_mistakes_are_refused_before_any_work(override, text):
    with pytest.raises(RecipeError) as caught:
        load_recipe(TINY, [override])
    assert str(caught.value).startswith(text)


def test_a_misspelt_recipe_name_meets_its_close_matches():
    with pytest.raises(
        UnknownNameError, match=r"unknown recipe: got 'avid/tiny_avwrld'; .*Did you mean 'avid/tiny_avworld'"
    ):
        load_recipe("avid/tiny_avwrld")


@pytest.mark.parametrize(("text", "message"), [("a: [1", "expected a YAML file"), ("- 1", "expected a mapping")])
def test_a_file_that_is_no_recipe_is_named(tmp_path, text, message):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=rf"reading recipe .*broken\.yaml: got .*; {message}"):
        load_recipe(path)


def test_a_recipe_without_a_name_is_refused():
    with pytest.raises(RecipeError, match="recipe key 'name': got nothing; expected a value"):
        parse_recipe({"seed": 1})


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        (
            "{name: avid_cm}",
            "unknown objective in recipe key 'objective.name': got 'avid_cm'; expected one of 'avc', 'avid', "
            "'avid_cma', 'avts', 'robust_xid'. Did you mean 'avid_cma'",
        ),
        (
            "{name: robust_xid, cross: 1}",
            "unknown recipe key in 'objective' (robust_xid): got 'cross'; expected one of 'agreement_temperature', ",
        ),
        (
            "{name: avid_cma, num_positives: 1023}",
            "AvidCmaObjective: got num_positives=1023; expected 1 to 1022, which leaves a negative among 1024 items.",
        ),
        ("{cross: much}", "recipe key 'objective.cross': got 'much'; expected a value of type float."),
        ("{seed: 3}", "unknown recipe key in 'objective' (avid): got 'seed'; expected one of 'cross', 'momentum', "),
    ],
)
def test_a_wrong_objective_is_refused_before_any_work(objective, text):
    with pytest.raises(RecipeError) as caught:
        load_recipe(TINY, [f"objective={objective}"])
    assert str(caught.value).startswith(text)
