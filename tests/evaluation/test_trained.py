"""Protocols that train: recipes, networks, stages, test clips, and runs that are cut and go on."""

import contextlib
import copy
import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from avssl_hub import AvidConfig, AvidForLinearProbe, AvidForVideoClassification, AvidModel, AvidProcessor, MediaReader
from avssl_hub.data.clips import Span
from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.evaluation.answers import Split
from avssl_hub.evaluation.cross_validation import Recordings
from avssl_hub.evaluation.features import content_key
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.trained import Finetune, Job, MostProbe, score_trained
from avssl_hub.evaluation.trained.clips import TestClips as Clips
from avssl_hub.evaluation.trained.clips import dense_starts
from avssl_hub.evaluation.trained.network import classified
from avssl_hub.evaluation.trained.pixels import PixelInput
from avssl_hub.evaluation.trained.run import train_stage
from avssl_hub.evaluation.trained.source import LabelledSource
from avssl_hub.evaluation.zoo_encoder import ZooEncoder
from avssl_hub.training import RecipeError, TooManyBrokenError
from avssl_hub.training.schedule import build_optimizer, learning_rate_factor
from tests.media.corpus import make

SMALL = ["clip={}", "data.workers=1", "data.clips_per_item=1", "loop.batch_size=4", "loop.checkpoint_every=1"]
SMALL += ["test={dense_clips: 2, random_clips: 3}", "loop.log_every=1"]
FINETUNE = [*SMALL, "classifier_epochs=2", "loop.epochs=3", "optimizer={learning_rate: 0.01, weight_decay: 0}"]
MOST = [*SMALL, "loop.epochs=1", "optimizer={learning_rate: 0.01, weight_decay: 0}"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """Return the folder of a network of a few channels, with statistics as after some training."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = AvidConfig(
        video_depth=10, video_hidden_sizes=[4, 4, 8, 8], audio_hidden_sizes=[4, 4, 8, 8], projection_sizes=8
    )
    model = AvidModel(config).train()
    model(pixel_values_videos=torch.randn(4, 4, 3, 32, 32))
    model.save_pretrained(folder)
    AvidProcessor(num_frames=4, fps=8.0, crop_size=32, resize_size=36).save_pretrained(folder)
    return folder


@pytest.fixture
def encoder(model_folder):
    return ZooEncoder(str(model_folder), trainable=True)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Return a manifest of six videos of 1.5 s, of which those of odd number are red, the others blue."""
    folder = tmp_path_factory.mktemp("videos")
    rows = ["path,label,split"]
    for number in range(6):
        generator = np.random.default_rng(number)

        def paint(frame, number=number, generator=generator):
            image = generator.integers(0, 80, (48, 64, 3)).astype(np.uint8)
            image[..., 0 if number % 2 else 2] += 120
            return image

        make(folder / f"{number}.mp4", [k / 10 for k in range(15)], pictures=paint)
        rows.append(f"{number}.mp4,{('blue', 'red')[number % 2]},{'train' if number < 4 else 'test'}")
    (folder / "videos.csv").write_text("\n".join(rows) + "\n")
    return Manifest.read(folder / "videos.csv")


def source_of(videos):
    keys = [content_key(item) for item in videos]
    return LabelledSource(Manifest(videos.table[:4], videos.root), keys[:4], np.array([0, 1, 0, 1]))


def trained(protocol, encoder, videos, folder, stage, seed=0, **options):
    def build():
        return classified(protocol, copy.deepcopy(encoder), 2)

    train_stage(
        protocol.stages(seed)[stage], source_of(videos), build, folder / stage, device=torch.device("cpu"), **options
    )
    return load_file(folder / stage / "model.safetensors")


def silent(label, unit):
    return contextlib.nullcontext(lambda *state: None)


def scores_of(protocol, encoder, videos, folder, bar=silent, seed=0, shuffled=False):
    recordings = Recordings([content_key(item) for item in videos], np.array([0, 1] * 3), np.arange(6))
    splits = [Split("split", np.arange(4), np.arange(4, 6))]
    return score_trained(Job(protocol, encoder, folder, bar, seed), videos, recordings, splits, shuffled)


@pytest.mark.parametrize(
    ("name", "frames", "clips", "jitter", "batch", "epochs", "milestones"),
    [
        ("avid_8_ucf", 8, 10, 0.4, 64, 16, (6, 10, 14)),
        ("avid_32_ucf", 32, 5, 0.4, 32, 16, (6, 10, 14)),
        ("avid_8_hmdb", 8, 25, 1.0, 64, 10, (3, 6, 8)),
        ("avid_32_hmdb", 32, 10, 1.0, 32, 10, (3, 6, 8)),
    ],
)
def test_avids_recipes_are_the_published_ones(name, frames, clips, jitter, batch, epochs, milestones):
    recipe = Finetune.load(name)
    assert vars(recipe.clip) == {"frames": frames, "fps": 16.0, "size": 224, "keep_aspect_ratio": None}
    assert (recipe.data.clips_per_item, recipe.loop.batch_size) == (clips, batch)
    augment = recipe.augment
    assert (augment.brightness, augment.contrast, augment.saturation, augment.hue) == (jitter, jitter, jitter, 0.2)
    classifier, network = recipe.stages(0).values()
    assert (classifier.loop.epochs, classifier.trained, classifier.tower) == (5, "head", "training")
    assert (network.loop.epochs, network.trained, recipe.dropout) == (epochs, "all", 0.5)
    for stage in (classifier, network):
        settings = stage.optimizer
        assert (settings.method, settings.learning_rate, settings.weight_decay) == ("adam", 1e-4, 0.0)
    # Milestones are epochs from 0, those of the classifier not counted: at 10 steps an epoch, the rate of each epoch.
    rates = [learning_rate_factor(10 * epoch, 10 * epochs, 10, network.optimizer) for epoch in range(epochs)]
    expected = [0.3 ** sum(epoch >= drop for drop in milestones) for epoch in range(epochs)]
    assert rates == pytest.approx(expected)
    assert {learning_rate_factor(step, 50, 10, classifier.optimizer) for step in range(50)} == {1.0}


def test_rates_of_gdt_rise_over_two_epochs_and_differ_between_classifier_and_network():
    settings = Finetune.load("gdt").optimizer
    body, head = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    groups = [{"params": body.parameters()}, {"params": head.parameters(), "lr": settings.head_learning_rate}]
    optimizer = build_optimizer(groups, settings)
    assert isinstance(optimizer, torch.optim.SGD)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(step, 48, 4, settings))
    rates = []
    for _ in range(48):
        rates.append(schedule.get_last_lr())
        optimizer.step()
        schedule.step()
    # Four steps an epoch: an eighth of the peak, the peak, then x0.05 at epochs 6 and 10.
    for step, factor in ((0, 1 / 8), (7, 1.0), (23, 1.0), (24, 0.05), (40, 0.0025)):
        assert rates[step] == pytest.approx([2.5e-4 * factor, 2.5e-3 * factor])
    assert (optimizer.defaults["momentum"], optimizer.defaults["weight_decay"]) == (0.9, 5e-3)


def test_other_recipes_are_as_our_sources_tell():
    rates = {name: Finetune.load(f"crisscross_{name}") for name in ("8", "32_ucf", "32_hmdb")}
    assert [recipe.optimizer.learning_rate for recipe in rates.values()] == [5e-4, 7e-5, 1e-4]
    assert [recipe.loop.batch_size for recipe in rates.values()] == [64, 32, 32]
    assert {(recipe.augment.grey, recipe.augment.cutout) for recipe in rates.values()} == {(0.2, 20)}
    for name, clips in (("ucf", 5), ("hmdb", 10)):
        avsa = Finetune.load(f"avsa_{name}")
        assert vars(avsa.clip) == {"frames": 8, "fps": 16.0, "size": 112, "keep_aspect_ratio": None}
        assert (avsa.data.clips_per_item, avsa.loop.batch_size, avsa.loop.epochs, avsa.dropout) == (clips, 28, 20, 0.5)
        assert vars(avsa.test) == {"dense_clips": 25, "random_clips": 25}
        settings = avsa.optimizer
        assert (settings.method, settings.learning_rate, settings.weight_decay) == ("adam", 1e-4, 0.0)
        rates = [learning_rate_factor(10 * epoch, 200, 10, settings) for epoch in range(20)]
        assert rates == pytest.approx([0.3 ** sum(epoch >= drop for drop in (8, 12, 16)) for epoch in range(20)])
    for name, tower in (("released", "training"), ("frozen", "frozen")):
        probe = MostProbe.load(name)
        (stage,) = probe.stages(0).values()
        assert (stage.tower, stage.trained, stage.loop.epochs, stage.loop.batch_size) == (tower, "head", 12, 128)
        assert (stage.optimizer.milestones, stage.optimizer.decay, stage.data.clips_per_item) == ((6, 9), 0.1, 1)
        assert (stage.augment.brightness, stage.augment.hue, probe.clip.keep_aspect_ratio) == (0.4, 0.2, False)


def test_recipes_that_make_no_sense_are_refused():
    with pytest.raises(UnknownNameError, match="unknown recipe: got 'avid_8'; expected one of 'avid_32_hmdb'"):
        Finetune.load("avid_8")
    for override, text in {
        "dropout=1": "recipe key 'dropout': got 1.0; expected 0 <= dropout < 1",
        "clip.frames=0": "recipe key 'clip.frames': got 0; expected a number above 0, or null",
        "optimizer.head_learning_rate=-1": "recipe key 'optimizer.head_learning_rate': got -1.0",
        "optimizer.warmup_steps=3": "recipe key 'optimizer.warmup_epochs': got 2; expected 0 beside",
        "objective.name=avid": "unknown recipe key: got 'objective'",
    }.items():
        with pytest.raises((RecipeError, UnknownNameError), match=text):
            Finetune.load("gdt", [override])


def test_a_changed_recipe_says_so_unless_the_change_does_not_count():
    assert Finetune.load("gdt").variant == "gdt"
    assert Finetune.load("gdt", ["data.workers=3"]).variant == "gdt"
    changed = Finetune.load("gdt", ["loop.epochs=3", "data.workers=3"])
    assert (changed.variant, changed.changed) == ("gdt-changed", ("loop.epochs",))


def test_logits_are_those_of_the_family_s_own_classifier(encoder):
    model = classified(Finetune.load("avid_8_ucf"), encoder, 5).eval()
    config = AvidConfig(**{**encoder.model.config.to_dict(), "num_labels": 5})
    own = AvidForVideoClassification(config).eval()
    own.video_encoder.load_state_dict(encoder.model.video_encoder.state_dict())
    own.classifier.load_state_dict(model.head.classifier.state_dict())
    pixels, labels = torch.randn(3, 4, 3, 32, 32), torch.tensor([0, 4, 2])
    scores = model({"pixel_values_videos": pixels})
    torch.testing.assert_close(scores["network"], own(pixels).logits, rtol=0, atol=1e-6)
    weight = "stem.conv.weight"
    F.cross_entropy(scores["network"], labels).backward()
    own(pixels, labels).loss.backward()
    gradients = [
        dict(each.named_parameters())[weight].grad for each in (encoder.model.video_encoder, own.video_encoder)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


def test_probes_read_what_the_family_s_own_probe_reads(encoder):
    model = classified(MostProbe.load("frozen"), encoder, 5).eval()
    own = AvidForLinearProbe(AvidConfig(**{**encoder.model.config.to_dict(), "num_labels": 5})).eval()
    own.video_encoder.load_state_dict(encoder.model.video_encoder.state_dict())
    own.probes.load_state_dict(model.head.state_dict())
    pixels = torch.randn(3, 4, 3, 32, 32)
    scores = model({"pixel_values_videos": pixels})
    assert list(scores) == ["conv2x", "conv3x", "conv4x", "conv5x"]
    torch.testing.assert_close(torch.stack(list(scores.values()), 1), own(pixels).logits, rtol=0, atol=1e-6)


def test_the_classifier_alone_is_trained_under_moving_statistics(encoder, videos, tmp_path):
    before = encoder.model.state_dict()
    after = trained(Finetune.load("avid_8_ucf", FINETUNE), encoder, videos, tmp_path, "classifier")
    moved = {name for name, value in before.items() if not torch.equal(after[f"network.{name}"], value)}
    assert moved == {name for name in before if name.startswith("video") and "norm" in name and "num_b" in name} | {
        name for name in before if name.startswith("video") and "running" in name
    }


def test_a_frozen_network_stays_and_its_probes_learn_from_its_features(encoder, videos, tmp_path):
    protocol = MostProbe.load("frozen", MOST)
    after = trained(protocol, encoder, videos, tmp_path, "probes")
    for name, value in encoder.model.state_dict().items():
        assert torch.equal(after[f"network.{name}"], value), name

    # One step of Adam on features computed by hand, from the weights the stage began with.
    stage = protocol.stages(0)["probes"]
    torch.manual_seed(stage.seed)
    head = classified(protocol, encoder, 2).head.train()
    batch = next(source_of(videos).batches(stage, encoder, 0, Nothing(), torch.device("cpu"), slice(None)))
    with torch.no_grad():
        maps = encoder.model(**batch.inputs, output_hidden_states=True).video_hidden_states
    pooled = torch.nn.AdaptiveMaxPool3d((1, 6, 6))(maps[3]).reshape(4, -1)
    probe = head["conv4x"]
    normal = (pooled - pooled.mean(0)) / (pooled.var(0, unbiased=False) + probe.norm.eps).sqrt()
    scores = normal @ probe.classifier.weight.T + probe.classifier.bias
    gradient = torch.autograd.grad(F.cross_entropy(scores, batch.labels), probe.classifier.weight)[0]
    expected = probe.classifier.weight - 0.01 * gradient / (gradient.abs() + 1e-8)
    large = gradient.abs() > 1e-4
    found = after["head.conv4x.classifier.weight"]
    torch.testing.assert_close(found[large], expected[large], rtol=0, atol=1e-5)


class Nothing:
    def add(self, found):
        assert not found


def test_the_released_probe_lets_statistics_drift(encoder, videos, tmp_path):
    protocol = MostProbe.load("released", MOST)
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    after = trained(protocol, encoder, videos, tmp_path, "probes")
    stage = protocol.stages(0)["probes"]
    batch = next(source_of(videos).batches(stage, encoder, 0, Nothing(), torch.device("cpu"), slice(None)))
    with torch.no_grad():
        stem = encoder.model.video_encoder.stem.conv(batch.inputs["pixel_values_videos"].transpose(1, 2))
    name = "video_encoder.stem.norm.running_mean"
    # One batch moves them a tenth of the way.
    expected = 0.9 * before[name] + 0.1 * stem.mean((0, 2, 3, 4))
    torch.testing.assert_close(after[f"network.{name}"], expected, rtol=0, atol=1e-5)
    weights = [name for name in before if name.endswith("weight")]
    assert all(torch.equal(after[f"network.{name}"], before[name]) for name in weights)


def test_training_pixels_are_those_of_the_processor_where_nothing_is_drawn(encoder, videos):
    still = {"crop_area": [1, 1], "mirror": 0, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
    stage = Finetune.load("avid_8_ucf", [*FINETUNE, f"augment={still}"]).stages(0)["network"]
    batch = next(source_of(videos).batches(stage, encoder, 0, Nothing(), torch.device("cpu"), slice(None)))
    mean, std = (
        torch.tensor(values)[:, None, None] for values in (encoder.processor.image_mean, encoder.processor.image_std)
    )
    colours = (batch.inputs["pixel_values_videos"] * std + mean).mean((1, 3, 4))
    # Label 1 is red, label 0 is blue.
    assert ((colours[:, 0] > colours[:, 2]).long() == batch.labels).all()
    assert sorted(batch.labels.tolist()) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("span", "source", "clips", "starts"),
    [
        # 48 frames: 0 to 40 in thirds.
        (Span(0.0, 3.0), 25.0, 4, [0, 13, 26, 40]),
        (Span(2.0, 5.0), 25.0, 4, [0, 13, 26, 40]),
        # At 5 frames a second the reader stops half a frame, 0.1 s, before the end: 47 frames.
        (Span(0.0, 3.0), 5.0, 4, [0, 13, 26, 39]),
        (Span(0.0, 0.3), 25.0, 3, [0, 0, 0]),
    ],
)
def test_dense_clips_start_at_even_frames(span, source, clips, starts):
    found = dense_starts(span, source, 8, 16.0, clips)
    assert [round((start - span.start) * 16) for start in found] == starts


def test_dense_clips_are_cut_from_the_whole_video(encoder, videos):
    model = classified(Finetune.load("avid_8_ucf", FINETUNE), encoder, 2)
    clips = Clips(model, Finetune.load("avid_8_ucf", ["test={dense_clips: 3, random_clips: 5}"]).test)
    with MediaReader(videos[0].path) as reader:
        span = Span(reader.video.start, reader.video.end)
        whole = reader.read_video(span.start, span.end - span.start, encoder.fps).frames
        dense = clips.inputs(reader, span, encoder, "video", "dense", torch.Generator())["pixel_values_videos"]
        drawn = torch.Generator().manual_seed(0)
        loose = clips.inputs(reader, span, encoder, "video", "random", drawn)["pixel_values_videos"]
    starts = [int(first) for first in np.linspace(0, len(whole) - 4, 3)]
    assert len(whole) == 12
    assert torch.equal(dense, torch.stack([encoder.processor.pixels(whole[start : start + 4]) for start in starts]))
    assert loose.shape == (5, 4, 3, 32, 32)
    assert len({clip.sum().item() for clip in loose}) > 1


@pytest.mark.parametrize("at", [("classifier", 2), ("network", 2), ("test", 1)])
def test_a_run_that_is_cut_goes_on_to_the_same_scores(encoder, videos, tmp_path, finished, at):
    class Cut(Exception):
        pass

    def cutting(label, unit):
        def move(done, total, remark=""):
            if (label.split()[-1], done) == at:
                raise Cut

        return contextlib.nullcontext(move)

    protocol = Finetune.load("avid_8_ucf", FINETUNE)
    with pytest.raises(Cut):
        scores_of(protocol, encoder, videos, tmp_path, cutting)
    steps = []

    def counting(label, unit):
        return contextlib.nullcontext(lambda done, *_: steps.append((label.split()[-1], done)))

    scores = scores_of(protocol, encoder, videos, tmp_path, counting)
    folder, whole = finished
    weights = [next(each.glob("run-*/network/model.safetensors")).read_bytes() for each in (folder, tmp_path)]
    assert weights[0] == weights[1]
    told = [
        [(score.predicted.tolist(), score.clip_accuracy, score.notes) for score in each.layers["network"]]
        for each in (whole, scores)
    ]
    assert told[0] == told[1]
    # Progress is told before a checkpoint is written: the step that was cut is taken again, those before are not.
    order = [("classifier", 1), ("classifier", 2), ("network", 1), ("network", 2), ("network", 3)]
    assert steps[:-3] == (order[order.index(at) :] if at in order else [])
    assert not list(tmp_path.glob("run-*/*/checkpoints"))


@pytest.fixture(scope="module")
def finished(model_folder, videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    encoder = ZooEncoder(str(model_folder), trainable=True)
    before = copy.deepcopy(encoder.model.state_dict())
    scores = scores_of(Finetune.load("avid_8_ucf", FINETUNE), encoder, videos, folder)
    assert all(torch.equal(value, before[name]) for name, value in encoder.model.state_dict().items())
    return folder, scores


def test_scores_say_what_they_took(finished):
    folder, scores = finished
    (score,) = scores.layers["network"]
    assert score.notes["classifier"]["steps"] == 2
    assert score.notes["network"] == {"steps": 3, "loss": score.notes["network"]["loss"], "broken": []}
    # Two steps of four clips, three steps of four that cost thrice, and five clips of each of two recordings.
    assert (scores.clips, scores.passes) == (8 + 12 + 10, 8 + 3 * 12 + 10)
    metrics = json.loads(next(folder.glob("run-*/network/metrics.json")).read_text())
    assert [row["step"] for row in metrics["history"]] == [1, 2, 3]


def test_classes_that_look_different_are_learnt_and_shuffled_labels_train_another_run(encoder, videos, tmp_path):
    longer = [*FINETUNE, "loop.epochs=40", "loop.checkpoint_every=100", "dropout=0", "augment.hue=0"]
    protocol = Finetune.load("avid_8_ucf", longer)
    scores = scores_of(protocol, encoder, videos, tmp_path)
    assert scores.layers["network"][0].accuracy == 1.0
    assert scores.layers["network"][0].clip_accuracy == 1.0
    few = Finetune.load("avid_8_ucf", FINETUNE)
    scores_of(few, encoder, videos, tmp_path, shuffled=True, seed=1)
    assert len(list(tmp_path.glob("run-*"))) == 2


def test_a_recording_that_cannot_be_read_is_named_and_too_many_end_the_run(encoder, videos, tmp_path):
    table = videos.table.to_pydict()
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    table["path"] = [str(videos.root / path) for path in table["path"]]
    table["path"][1] = str(tmp_path / "bad.mp4")
    broken = Manifest(pa.table(table))
    protocol = Finetune.load("avid_8_ucf", FINETUNE)
    (score,) = scores_of(protocol, encoder, broken, tmp_path / "cache").layers["network"]
    assert score.notes["network"]["broken"] == [str(tmp_path / "bad.mp4")]
    (tmp_path / "worse.mp4").write_bytes(b"no video either")
    table["path"][0] = str(tmp_path / "worse.mp4")
    with pytest.raises(TooManyBrokenError, match=r"got 2 of 4 that cannot be used, named in .*; expected at most 1"):
        scores_of(protocol, encoder, Manifest(pa.table(table)), tmp_path / "cache")


def test_models_that_do_not_fit_are_refused(encoder):
    with pytest.raises(
        InvalidValueError, match=r"clips of LogMelStatistics: got frames 8, fps 16.0, size 224; expected"
    ):
        Finetune.load("avid_8_ucf").encoder(LogMelStatistics())
    other = Finetune.load("avid_8_ucf").encoder(encoder)
    assert (other.num_frames, other.fps, other.processor.crop_size, other.processor.resize_size) == (8, 16.0, 224, 256)
    assert encoder.num_frames == 4, "the one that was given stays"
    assert PixelInput.of(other)[:4] == ("pixel_values_videos", 8, 224, 256)
