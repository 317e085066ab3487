"""Segmentation on views: maps are those of the clip and cut as its picture, and only the pyramid learns."""

import math

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.audio.ambisonics import mirrored
from avssl_hub.data.avworld360 import class_maps
from avssl_hub.data.manifest import Manifest
from avssl_hub.data.segmentation360 import CLASSES
from avssl_hub.models.avsa import AvsaForSemanticSegmentation
from avssl_hub.training import RecipeError, load_recipe, train
from avssl_hub.training.views.augmentation import ViewAugmentation
from avssl_hub.training.views.labelled import RandomLabelledClip360Reader, open_labelled_views
from avssl_hub.training.views.sources import make_processor
from avssl_hub.video.views import Views
from tests.training.runs import Broken

TASK = ["task=segmentation"]
STILL = [f"augment.{kind}=0" for kind in ("brightness", "contrast", "saturation", "hue", "volume")]


@pytest.fixture(scope="module")
def start(small, tmp_path_factory):
    """A pretraining run to start from."""
    return train(load_recipe(small, ["loop.steps=1"]), tmp_path_factory.mktemp("start"))


@pytest.fixture
def of_films_with_maps(of_films, maps):
    return of_films, [*TASK, f"data.labels={maps}"]


def first_batch(recipe, broken=None, share=slice(None)):
    source = open_labelled_views(recipe)
    processor = make_processor(recipe, source)
    return next(source.batches(processor, 0, broken or Broken(), torch.device("cpu"), share))


def test_the_world_s_labels_are_the_views_of_its_class_maps(small):
    recipe = load_recipe(small, TASK)
    source = open_labelled_views(recipe)
    augmentation = ViewAugmentation(recipe, make_processor(recipe, source))
    clips, _, _, changes, items = source.rendered(augmentation, 0, torch.device("cpu"), slice(None))
    batch = first_batch(recipe)
    assert torch.equal(batch.views.items, items)
    assert (batch.labels.shape, batch.labels.dtype) == ((4, 2, 16, 16), torch.int64)
    assert {own.reflected for own in changes} == {False, True}
    whole = class_maps(clips.scenes, clips.times[:, 1:2], recipe.data.world)[:, 0]
    for own, change, found in zip(whole, changes, batch.labels):
        own = own.flip(-1) if change.reflected else own
        views = Views(torch.tensor(change.views, dtype=torch.float64))
        assert torch.equal(augmentation.processor.cutter.labels(own, views).long(), found)


def test_a_mirrored_clip_is_seen_and_heard_as_its_mirror_image(small):
    recipe = load_recipe(small, [*TASK, *STILL])
    source = open_labelled_views(recipe)
    augmentation = ViewAugmentation(recipe, make_processor(recipe, source))
    clips = source.world.render("train", [0], duration=0.6, times=[[0.1, 0.3]])
    drawn = (augmentation.sample(16, 32, torch.Generator().manual_seed(seed)) for seed in range(20))
    change = next(own for own in drawn if own.reflected)
    assert change.mirrored == [False, False]
    plain = change._replace(reflected=False)
    frames, sound = clips.frames[0], clips.ambisonics
    seen = augmentation.pixels([frames], [change])
    assert torch.equal(seen, augmentation.pixels([frames.flip(-1)], [plain]))
    assert not torch.equal(seen, augmentation.pixels([frames], [plain]))
    heard = augmentation.log_mels(sound, [change])
    assert torch.allclose(heard, augmentation.log_mels(mirrored(sound), [plain]), atol=1e-5)


def test_maps_follow_the_clip_s_time(films, maps, small):
    recipe = load_recipe(small, TASK)
    processor = make_processor(recipe, open_labelled_views(recipe))
    reader, item = RandomLabelledClip360Reader(processor, maps), Manifest.read(films)[0]
    found = set()
    for seed in range(12):
        _, sound, labels = reader.read(item, torch.Generator().manual_seed(seed))
        assert (labels.shape, sound.shape) == ((20, 40), (4, 4800))
        assert (labels[:, :20] == 255).all()
        with reader.reader.open(item) as clip:
            start, _ = clip.random_starts(0.5, 0.6, torch.Generator().manual_seed(seed))
        # Of numbers 2 and 4 there is no map: the one before counts.
        name = "car" if int((start - clip.picture.start + 0.5) * 4) < 3 else "sky"
        assert (labels[:, 20:] == list(CLASSES).index(name)).all()
        found.add(name)
    assert found == {"car", "sky"}


def test_batches_of_films_are_shared_out_whole(of_films_with_maps):
    path, changes = of_films_with_maps
    recipe = load_recipe(path, changes)
    whole = first_batch(recipe)
    assert set(whole.labels.unique().tolist()) <= {1, 16, 255}
    for rank in range(2):
        part = first_batch(recipe, share=slice(rank, None, 2))
        assert torch.equal(part.labels, whole.labels[rank::2])
        assert torch.equal(part.views.items, whole.views.items[rank::2])


def test_films_without_maps_are_told_and_replaced(of_films_with_maps, films, maps, tmp_path):
    path, changes = of_films_with_maps
    other = tmp_path / "maps"
    names = [item.path.stem for item in Manifest.read(films)]
    for name in names[1:3]:
        (other / name).mkdir(parents=True)
        for file in (maps / name).iterdir():
            (other / name / file.name).write_bytes(file.read_bytes())
    (other / names[2] / "things-0001.png").write_bytes(b"no picture")
    (other / names[3]).mkdir()
    broken = Broken()
    overrides = [*changes, f"data.labels={other}", 'data.evenly_by=""']
    batch = first_batch(load_recipe(path, overrides), broken)
    reasons = dict(broken.found)
    assert set(batch.views.items.tolist()) <= {1, 2}
    assert {0, 3} <= reasons.keys()
    assert f"labels of {other / names[0]} at" in reasons[0]


@pytest.mark.parametrize("condition", ["null", "audio", "audio+context"])
def test_only_the_pyramid_learns_and_classes_have_names(condition, small, start, tmp_path):
    told = []
    changes = [*TASK, f"model.segmentation_condition={condition}", f"start_from={start}", "loop.steps=2"]
    run = train(load_recipe(small, changes), tmp_path / "run", progress=lambda *step: told.append(step[2]))
    before, after = (load_file(folder / "model.safetensors") for folder in (start, run))
    inherited = [name for name in after if name in before and "running" not in name and "num_batches" not in name]
    assert inherited
    assert all(torch.equal(before[name], after[name]) for name in inherited)
    torch.manual_seed(0)
    fresh = load_recipe(small, changes).build_network().state_dict()
    assert not torch.equal(fresh["pyramid.predictor.weight"], after["pyramid.predictor.weight"])
    # As released, the frozen towers' statistics drift.
    drifted = [name for name in after if name.endswith("running_mean")]
    assert any(not torch.equal(before[name], after[name]) for name in drifted)
    config = AvsaForSemanticSegmentation.from_pretrained(run).config
    assert (config.num_labels, config.id2label[0], config.id2label[10]) == (11, "disc", "backdrop")
    assert told[0]["loss"] == pytest.approx(math.log(11), abs=1)
    assert 0 <= told[0]["pixel_accuracy"] <= 1


def test_frozen_statistics_stay_where_asked(small, start, tmp_path):
    changes = [*TASK, "model.segmentation_frozen_statistics=true", f"start_from={start}", "loop.steps=2"]
    run = train(load_recipe(small, changes), tmp_path / "run")
    before, after = (load_file(folder / "model.safetensors") for folder in (start, run))
    assert all(torch.equal(before[name], after[name]) for name in after if name.startswith("video_encoder."))


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["data.labels=maps"], "data.labels': got 'maps'; expected nothing without data.manifest"),
        (
            ["data.manifest=list.csv", "data.items=1024", "data.world={}"],
            "data.labels': got ''; expected the folder of",
        ),
    ],
)
def test_labels_and_films_go_together(overrides, told, small):
    with pytest.raises(RecipeError, match=told):
        load_recipe(small, [*TASK, *overrides])


def test_a_folder_of_maps_has_to_be_there(of_films):
    with pytest.raises(RecipeError, match=r"data.labels': got 'nowhere'; expected a folder that is there"):
        open_labelled_views(load_recipe(of_films, [*TASK, "data.labels=nowhere"]))
