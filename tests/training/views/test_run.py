"""Training on views: runs are exact, losses are the paper's, and weights come from where the recipe says."""

import math

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import AvsslError, CheckpointError
from avssl_hub.media import write_sound
from avssl_hub.media.hrir import read_hrir
from avssl_hub.models.avsa import AvsaForPreTraining, AvsaForSpatialAlignment, AvsaProcessor
from avssl_hub.training import RecipeError, load_recipe, train
from avssl_hub.training.views.batch import ViewBatch
from avssl_hub.training.views.reader import ViewDataset
from avssl_hub.training.views.sources import make_processor, open_views
from tests.training.runs import Broken, train_until

FIRST = ["model.objective=instdisc", "model.translation_depth=0", "views.count=1"]


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    return train(load_recipe(small), tmp_path_factory.mktemp("run"))


def batch_of(recipe, step=0, share=slice(None), broken=None) -> ViewBatch:
    source = open_views(recipe)
    return next(source.batches(make_processor(recipe, source), step, broken or Broken(), torch.device("cpu"), share))


@pytest.mark.parametrize("kind", ["world", "films"])
def test_a_killed_run_ends_as_if_it_had_not_been(kind, small, of_films, finished, tmp_path):
    recipe = load_recipe(small if kind == "world" else of_films)
    whole = finished if kind == "world" else train(recipe, tmp_path / "whole")

    train_until(3, recipe, tmp_path / "run")
    train(recipe, tmp_path / "run", resume=True)
    assert (tmp_path / "run/model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert AvsaProcessor.from_pretrained(tmp_path / "run").num_mel_bands == 12


@pytest.mark.parametrize("kind", ["world", "films"])
def test_batches_are_shared_out_whole_whatever_the_number_of_processes(kind, small, of_films):
    recipe = load_recipe(small if kind == "world" else of_films, ["task=spatial_alignment_probe"])
    whole = batch_of(recipe, step=2)
    assert whole.pixels.shape == (4, 2, 2, 3, 16, 16)
    assert whole.log_mels.shape == (4, 2, 4, 30, 12)
    for rank in range(2):
        part = batch_of(recipe, step=2, share=slice(rank, None, 2))
        for name, values in whole._asdict().items():
            assert torch.allclose(getattr(part, name), values[rank::2], atol=1e-5), name


def by_hand(queries, keys, candidates):
    """Mean over samples and views of the negative logarithm of the own key's share among the candidates."""
    losses = []
    for own in [(sample, view) for sample in range(len(keys)) for view in range(len(keys[0]))]:
        scores = {place: math.exp(queries[own] @ keys[place] / 0.07) for place in candidates(*own)}
        losses.append(-math.log(scores[own] / sum(scores.values())))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("objective", ["easy+hard", "hard"])
def test_the_loss_is_that_of_views_among_views_and_samples(objective, small, tmp_path):
    told = []
    overrides = ["loop.steps=1", "model.translation_dropout=0", f"model.objective={objective}"]
    recipe = load_recipe(small, overrides)
    train(recipe, tmp_path, progress=lambda done, total, losses: told.append(losses))
    torch.manual_seed(recipe.seed)
    model, batch = recipe.build_network().train(), batch_of(recipe)
    output = model(batch.pixels, batch.log_mels)

    def candidates(sample, view):
        others = [(other, view) for other in range(4) if other != sample and objective == "easy+hard"]
        return [(sample, each) for each in range(2)] + others

    with torch.no_grad():
        heard = by_hand(output.predicted_audio_embeds.double(), output.audio_embeds.double(), candidates)
        seen = by_hand(output.predicted_video_embeds.double(), output.video_embeds.double(), candidates)
    assert told[0]["video_to_audio"] == pytest.approx(heard, rel=1e-4)
    assert told[0]["audio_to_video"] == pytest.approx(seen, rel=1e-4)
    assert told[0]["loss"] == pytest.approx((heard + seen) / 2, rel=1e-4)


def test_pictures_lie_within_their_sounds(small, monkeypatch):
    recipe, asked = load_recipe(small), []
    source = open_views(recipe)
    render = source.world.render

    def noted(split, items, start, duration, times, device):
        asked.append((split, start, duration, times))
        return render(split, items, start, duration, times, device)

    monkeypatch.setattr(source.world, "render", noted)
    processor = AvsaProcessor(**recipe.processor, spectrogram_mean=[0.0] * 12, spectrogram_std=[1.0] * 12)
    batches = source.batches(processor, 0, Broken(), torch.device("cpu"), slice(None))
    for _ in range(5):
        next(batches)
    for split, start, duration, times in asked:
        assert split == "train"
        assert (start >= 0).all()
        assert (start + duration <= 1).all()
        assert ((times - start[:, None] >= 0) & (times - start[:, None] < duration)).all()
        assert torch.allclose(times.diff(dim=1), torch.tensor(0.25, dtype=torch.float64))
    assert torch.cat([start for _, start, _, _ in asked]).unique().numel() == 20


def test_videos_are_visited_alike_whatever_their_clips(of_films, films):
    source = open_views(load_recipe(of_films))
    assert [rows.tolist() for rows in source.groups] == [[0], [1], [2, 3]]
    visits = torch.zeros(4)
    recipe = load_recipe(of_films, ["loop.batch_size=9", "data.clips_per_item=3"])
    dataset = ViewDataset(recipe, Manifest.read(films), None, None, slice(None), source.groups)
    for step in range(100):
        visits += torch.bincount(dataset.planned_items(step), minlength=4)
    assert visits[:2].tolist() == [300, 300]
    assert visits[2] + visits[3] == 300
    assert 110 < visits[2] < 190
    plain = open_views(load_recipe(of_films, ['data.evenly_by=""']))
    assert plain.groups == []
    assert plain.fingerprint != source.fingerprint


def test_films_that_cannot_be_used_are_told_and_replaced(of_films, films, tmp_path):
    whole = [str(item.path) for item in Manifest.read(films)]
    (tmp_path / "no.mp4").write_bytes(b"no film")
    (tmp_path / "list.csv").write_text("\n".join(["path", "no.mp4", *whole[1:]]))
    broken = Broken()
    overrides = [f"data.manifest={tmp_path / 'list.csv'}", 'data.evenly_by=""']
    batch = batch_of(load_recipe(of_films, overrides), broken=broken)
    assert sorted(batch.items.tolist()) == [1, 1, 2, 3]
    assert [item for item, _ in broken.found] == [0]


def test_the_second_phase_starts_from_the_towers_of_the_first(small, tmp_path):
    first = train(load_recipe(small, [*FIRST, "loop.steps=2"]), tmp_path / "first")
    assert AvsaForPreTraining.from_pretrained(first).config.objective == "instdisc"
    still = ["loop.steps=1", "optimizer.learning_rate=1.0e-12"]
    second = train(load_recipe(small, [*still, f"start_from={first}", "seed=1"]), tmp_path / "second")
    before, after = (load_file(folder / "model.safetensors") for folder in (first, second))
    towers = [name for name in after if name.startswith(("video_encoder.", "audio_encoder.")) and "running" not in name]
    assert towers
    assert all(
        torch.allclose(before[name].float(), after[name].float(), atol=1e-6) for name in towers if "num" not in name
    )
    means = [AvsaProcessor.from_pretrained(folder).spectrogram_mean for folder in (first, second)]
    assert means[0] == means[1]
    with pytest.raises(RecipeError, match=r"model.audio_strides': got .*; expected \[1, 2, 2, 1\], as in"):
        train(load_recipe(small, [f"start_from={first}", "model.audio_strides=[1, 2, 2, 2]"]), tmp_path / "other")
    with pytest.raises(RecipeError, match=r"processor.view_size': got 18; expected 16, as in"):
        train(load_recipe(small, [f"start_from={first}", "processor.view_size=18"]), tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"no model.safetensors; .*Give the folder that avssl train or avssl"):
        train(load_recipe(small, [f"start_from={tmp_path}"]), tmp_path / "none")
    probe = ["task=spatial_alignment_probe", "model.matching_translation=true", f"start_from={first}"]
    with pytest.raises(CheckpointError, match=r"got no video_to_audio.*; expected weights that AvsaForSpatial"):
        train(load_recipe(small, probe), tmp_path / "none")


@pytest.mark.parametrize("task", ["correspondence_probe", "spatial_alignment_probe"])
def test_probes_train_their_classifier_alone(task, small, finished, tmp_path):
    told = []
    changes = [f"task={task}", "model.matching_translation=true", f"start_from={finished}", "loop.steps=3"]
    recipe = load_recipe(small, changes)
    folder = train(recipe, tmp_path / "run", progress=lambda done, total, losses: told.append(losses))
    before, after = (load_file(path / "model.safetensors") for path in (finished, folder))
    frozen = [name for name in after if not name.startswith("classifier.")]
    assert any(name.startswith("video_to_audio.") for name in frozen)
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    torch.manual_seed(recipe.seed)
    fresh = recipe.build_network().state_dict()
    assert not torch.equal(fresh["classifier.output.weight"], after["classifier.output.weight"])
    assert all(0 <= losses["accuracy"] <= 1 for losses in told)
    assert told[0]["loss"] == pytest.approx(math.log(2), abs=0.5)


def test_a_probe_of_alignment_is_told_which_sounds_were_turned(small, finished, tmp_path):
    told = []
    overrides = ["task=spatial_alignment_probe", f"start_from={finished}", "loop.steps=1", "loop.batch_size=12"]
    recipe = load_recipe(small, overrides)
    train(recipe, tmp_path, progress=lambda done, total, losses: told.append(losses))
    source, inherited = open_views(recipe), AvsaProcessor.from_pretrained(finished)
    batch = next(source.batches(inherited, 0, Broken(), torch.device("cpu"), slice(None)))
    assert set(batch.turned.tolist()) == {0, 1}
    torch.manual_seed(recipe.seed)
    model = AvsaForSpatialAlignment(recipe.build_config())
    model.load_state_dict(load_file(finished / "model.safetensors"), strict=False)
    logits = model.eval()(batch.pixels, batch.log_mels).view_logits.double()
    right = logits.softmax(-1)[torch.arange(12), :, batch.turned]
    assert told[0]["loss"] == pytest.approx(-right.log().mean().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.num_frames=3", r"processor.num_frames': got 2; expected model.num_frames=3"),
        ("processor.sampling_rate=9000", r"processor.sampling_rate': got 9000; expected the world's 8000"),
        ("processor.audio_duration=1.5", "at most the 1 s of a scene"),
        ("processor.audio_duration=0.4", "0.5 s of picture and 0.4 s of sound; expected no more picture than sound"),
        ("model.video_deph=4", "Did you mean 'video_depth'"),
        ("processor.spectrogram_mean=[1]", "unknown recipe key in 'processor': got 'spectrogram_mean'"),
        ("views.count=0", "ViewRules.count: got 0; expected at least 1"),
        ("views={count: 9, apart_degrees: 120}", "views at least 120 degrees apart"),
        ("data.evenly_by=video", r"data.evenly_by': got 'video'; expected nothing without data.manifest"),
        ("data.frame_height=-1", "pixels of at least 0"),
        ("augment.volume=1.0", "0 <= volume < 1"),
        ("data.split=train", "a manifest to choose rows of"),
        ("loop.batch_size=13", "at most the clips of an epoch"),
        ("seed=-1", "an integer from 0"),
        ("model.audio_num_channels=1", "got 1; expected 4, as processor.hearing=ambisonics has them"),
    ],
)
def test_wrong_settings_are_refused_before_any_work(override, told, small):
    with pytest.raises(RecipeError, match=told):
        load_recipe(small, [override])


@pytest.mark.parametrize(("hearing", "channels"), [("mono", 1), ("stereo", 2)])
def test_what_is_heard_decides_the_network_s_channels(hearing, channels, small, tmp_path):
    recipe = load_recipe(small, [f"processor.hearing={hearing}", "loop.steps=1"])
    assert recipe.build_config().audio_num_channels == channels
    folder = train(recipe, tmp_path / "run")
    assert AvsaForPreTraining.from_pretrained(folder).config.audio_num_channels == channels
    assert AvsaProcessor.from_pretrained(folder).num_channels == channels
    probe = ["task=spatial_alignment_probe", f"start_from={folder}", "loop.steps=1"]
    with pytest.raises(
        CheckpointError, match=rf"stem\.conv\.weight: got \(4, {channels}, 7, 7\); expected \(4, 4, 7, 7\)"
    ):
        train(load_recipe(small, probe), tmp_path / "other")
    train(load_recipe(small, [*probe, f"processor.hearing={hearing}"]), tmp_path / "probe")


def test_a_head_of_a_file_is_heard_through(small, tmp_path):
    responses = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    head = write_sound(tmp_path / "head.wav", responses, 8000)
    processor = load_recipe(small, ["processor.hearing=stereo", f"head={head}"]).unscaled_processor()
    assert processor.head_filters == read_hrir(head).filters(1, 8000).tolist()
    with pytest.raises(AvsslError, match=r"AvsaProcessor\.head_filters: got a list of 4; expected filters"):
        load_recipe(small, [f"head={head}"])


def test_views_cannot_be_told_apart_where_there_is_one(small):
    with pytest.raises(RecipeError, match=r"views.count': got 1; expected at least 2"):
        load_recipe(small, ["model.objective=hard", "views.count=1"])
