"""AVSA's towers, translations, losses, heads and segmentation against the authors' outputs."""

import re
from functools import cache

import numpy as np
import pytest
import torch

from avssl_hub import (
    AvsaConfig,
    AvsaForAudioVisualCorrespondence,
    AvsaForPreTraining,
    AvsaForSemanticSegmentation,
    AvsaForVideoClassification,
    AvsaModel,
)
from avssl_hub.evaluation.segmentation import mean_intersection_over_union, pixel_accuracy
from avssl_hub.models.avsa import AvsaOutput

from ._avsa import original_name, with_rule_weights
from ._rules import assert_matches, fixture_files, gaussian, load_fixture

FORWARD_TOLERANCE = 1e-5
VIDEO_FEATURES = ("conv1", "conv2x", "conv3x", "conv4x", "conv5x")
AUDIO_FEATURES = ("conv1", "block1", "block2", "block3", "block4")
DIRECTIONS = {"V2A": "video_to_audio", "A2V": "audio_to_video"}
ACCURACIES = {"AVC-Acc": "correspondence", "AVSA-Acc": "spatial_alignment"}
CONDITIONS = {"vonly": None, "audio": "audio", "audio_ctx": "audio+context"}
# Largest relative error of embeddings and loss, in double precision: the authors' rounding is then all there is. Adam's
# first update has the size of the learning rate however small a gradient is, so that noise of the first step shows in
# the second, and in single precision with as many threads as there are.
STEP_LIMITS = ((5e-5, 1e-5), (5e-2, 1e-2))


def pixels(entry) -> torch.Tensor:
    """Video of the fixture's seed and shape, with time before the channels."""
    seed, shape = entry
    return gaussian(seed, shape).transpose(-4, -3)


@pytest.mark.parametrize("path", fixture_files("avsa", "model*.npz"))
def test_towers_match_every_intermediate(path):
    meta, arrays = load_fixture(path)
    model = with_rule_weights(AvsaModel(AvsaConfig(translation_depth=0)))
    video, audio = (next(name for name in meta if name.startswith(kind)) for kind in ("video", "audio"))
    with torch.no_grad():
        output = model(pixels(meta[video]), gaussian(*meta[audio]), output_hidden_states=True)
    values = {f"{video}__{name}": x for name, x in zip(VIDEO_FEATURES, output.video_hidden_states, strict=True)}
    values |= {f"{audio}__{name}": x for name, x in zip(AUDIO_FEATURES, output.audio_hidden_states, strict=True)}
    values[f"{video}__pool"] = output.video_embeds[..., None, None, None]
    values[f"{audio}__pool"] = output.audio_embeds[..., None, None]
    values |= {"wrapper__video_emb": output.video_embeds, "wrapper__audio_emb": output.audio_embeds}
    for name, value in values.items():
        assert_matches(value, arrays, name, FORWARD_TOLERANCE)
    stored = {name.removesuffix("__sample") for name in arrays if name.endswith(("__sample", "_emb"))}
    assert {name for name in stored if not name.startswith("classification")} == set(values)


@pytest.mark.parametrize("path", fixture_files("avsa", "model*.npz"))
def test_classification_logits_match(path):
    meta, arrays = load_fixture(path)
    keys = [key for key in arrays if key.startswith("classification")]
    assert keys
    entry = next(entry for name, entry in meta.items() if name.startswith("video"))
    for key in keys:
        model = AvsaForVideoClassification(AvsaConfig(num_labels=arrays[key].shape[1]))
        names = {name: original_name(name, model.config) for name in model.state_dict()}
        assert names["classifier.weight"] == "classifier.weight"
        with torch.no_grad():
            assert_matches(with_rule_weights(model)(pixels(entry)).logits, arrays, key, FORWARD_TOLERANCE)


# No test of heads needs the towers.
SMALL_TOWERS = {"video_depth": 10, "video_hidden_sizes": (8, 8, 8, 512), "audio_hidden_sizes": (8, 8, 8, 512)}


@cache
def pretraining_model(depth: int, objective: str = "easy+hard", context: bool = True) -> AvsaForPreTraining:
    config = AvsaConfig(objective=objective, translation_depth=depth, translation_context=context, **SMALL_TOWERS)
    return with_rule_weights(AvsaForPreTraining(config))


def depth_of(arrays: dict) -> int:
    """Layers of the translations, whose outputs are stored one by one."""
    return sum(bool(re.fullmatch(r"v2a_layer\d+_out_item0", name)) for name in arrays)


def features(video: torch.Tensor, audio: torch.Tensor, model: AvsaForPreTraining) -> AvsaOutput:
    """What the model's own forward would make of these features of its towers."""
    return AvsaOutput(video, audio, model.video_to_audio(video), model.audio_to_video(audio))


def embeddings(meta: dict, *names: str) -> list[torch.Tensor]:
    return [gaussian(*meta[name]).clamp(min=0).requires_grad_() for name in names]


@pytest.mark.parametrize("path", fixture_files("avsa", "heads_losses*.npz"))
def test_translations_and_projections_match_every_layer(path):
    meta, arrays = load_fixture(path)
    model = pretraining_model(depth_of(arrays))
    video, audio = embeddings(meta, "video_emb", "audio_emb")
    with torch.no_grad():
        output = features(video, audio, model)
        assert_matches(output.translated_audio_embeds, arrays, "v2a_out", FORWARD_TOLERANCE)
        assert_matches(output.translated_video_embeds, arrays, "a2v_out", FORWARD_TOLERANCE)
        hidden = video[:1]
        for index, layer in enumerate(model.video_to_audio.layers):
            hidden = layer(hidden)
            assert_matches(hidden, arrays, f"v2a_layer{index}_out_item0", FORWARD_TOLERANCE)
        assert_matches(model.video_head(video), arrays, "proj__video", FORWARD_TOLERANCE)
        assert_matches(model.audio_head(audio), arrays, "proj__audio", FORWARD_TOLERANCE)
        predicted = model.video_prediction_head(output.translated_video_embeds)
        assert_matches(predicted, arrays, "proj__video_pred", FORWARD_TOLERANCE)
        predicted = model.audio_prediction_head(output.translated_audio_embeds)
        assert_matches(predicted, arrays, "proj__audio_pred", FORWARD_TOLERANCE)


@pytest.mark.parametrize("path", fixture_files("avsa", "heads_losses*.npz"))
def test_easy_and_hard_loss_gradients_and_accuracies_match(path):
    meta, arrays = load_fixture(path)
    model = pretraining_model(depth_of(arrays))
    video, audio = embeddings(meta, "video_emb", "audio_emb")
    loss, terms = model.contrast(features(video, audio, model))
    loss.backward()
    np.testing.assert_allclose(loss.item(), arrays["easy+hard__loss"], rtol=1e-5)
    assert_matches(video.grad, arrays, "easy+hard__grad_video", FORWARD_TOLERANCE)
    assert_matches(audio.grad, arrays, "easy+hard__grad_audio", FORWARD_TOLERANCE)
    for short, direction in DIRECTIONS.items():
        stored = f"easy+hard__Video2AudioSeq__{{}}__{short}"
        np.testing.assert_allclose(terms[direction].item(), arrays[stored.format("Loss")], rtol=1e-5)
        for theirs, ours in ACCURACIES.items():
            expected = arrays[f"{stored.format('Metrics')}__{theirs}"]
            np.testing.assert_allclose(100 * terms[f"{direction}_{ours}"].item(), expected, rtol=1e-5)


@pytest.mark.parametrize("objective", ["hard", "avc"])
@pytest.mark.parametrize("path", fixture_files("avsa", "heads_losses*.npz"))
def test_other_contrasts_match(path, objective):
    meta, arrays = load_fixture(path)
    model = pretraining_model(depth_of(arrays), objective)
    video, audio = embeddings(meta, "video_emb", "audio_emb")
    _, terms = model.contrast(features(video, audio, model))
    for short, direction in DIRECTIONS.items():
        np.testing.assert_allclose(terms[direction].item(), arrays[f"{objective}__{short}"], rtol=1e-5)


@pytest.mark.parametrize("path", fixture_files("avsa", "heads_losses*.npz"))
def test_translation_without_context_matches(path):
    meta, arrays = load_fixture(path)
    model = pretraining_model(depth_of(arrays), context=False)
    items = len(arrays["noctx__v2a_out"])
    video, audio = embeddings(meta, "video_emb", "audio_emb")
    output = features(video[:items], audio[:items], model)
    assert_matches(output.translated_audio_embeds, arrays, "noctx__v2a_out", FORWARD_TOLERANCE)
    loss, _ = model.contrast(features(video, audio, model))
    np.testing.assert_allclose(loss.item(), arrays["noctx__easy+hard__loss"], rtol=1e-5)


@pytest.mark.parametrize("path", fixture_files("avsa", "heads_losses*.npz"))
def test_instance_discrimination_matches(path):
    meta, arrays = load_fixture(path)
    model = pretraining_model(0, "instdisc")
    video, audio = embeddings(meta, "instdisc_video", "instdisc_audio")
    output = features(video, audio, model)
    loss, terms = model.contrast(output)
    loss.backward()
    np.testing.assert_allclose(loss.item(), arrays["instdisc__loss"], rtol=1e-5)
    assert_matches(video.grad, arrays, "instdisc__grad_video", FORWARD_TOLERANCE)
    assert_matches(audio.grad, arrays, "instdisc__grad_audio", FORWARD_TOLERANCE)
    embeds = model.project(output)
    scores = (embeds.video_embeds[:, 0] @ embeds.audio_embeds[:, 0].T / model.config.contrast_temperature).detach()
    others = ~torch.eye(len(scores), dtype=torch.bool)
    for short, direction in DIRECTIONS.items():
        stored = f"instdisc__ContrastiveLoss__{{}}__{short}"
        np.testing.assert_allclose(terms[direction].item(), arrays[stored.format("Loss")], rtol=1e-5)
        for name, value in (("Pos", scores.diagonal().mean()), ("Neg", scores[others].mean())):
            np.testing.assert_allclose(value.item(), arrays[f"{stored.format('Scores')}__{name}"], rtol=1e-4)


@pytest.mark.parametrize(("name", "translates"), [("notransf", False), ("transf_audio", True)])
@pytest.mark.parametrize("path", fixture_files("avsa", "heads_losses*.npz"))
def test_correspondence_logits_match(path, name, translates, monkeypatch):
    meta, arrays = load_fixture(path)
    config = AvsaConfig(translation_depth=depth_of(arrays), matching_translation=translates, **SMALL_TOWERS)
    model = with_rule_weights(AvsaForAudioVisualCorrespondence(config))
    video, audio = (x.detach() for x in embeddings(meta, "video_emb", "audio_emb"))
    # The fixture begins behind the towers.
    monkeypatch.setattr(model, "see", lambda features: ((), features))
    monkeypatch.setattr(model, "hear", lambda features: ((), features))
    with torch.no_grad():
        output = model(video, audio, partners=torch.from_numpy(arrays["bin__other_idx"]))
    assert_matches(output.view_logits.flatten(0, 1), arrays, f"bin__{name}__crop_logits", FORWARD_TOLERANCE)
    assert_matches(output.logits, arrays, f"bin__{name}__video_logits", FORWARD_TOLERANCE)
    np.testing.assert_allclose(output.loss.item(), arrays[f"bin__{name}__loss"], rtol=1e-5)


def segmentation_target(recipe: str, seed: int) -> torch.Tensor:
    """Label map of the recipe stored beside the seed, read from its words."""
    count, shape = re.search(r"randint\(0,(\d+),\(([\d,]+)\)\)", recipe).groups()
    first_ignored, ignored = map(int, re.search(r"values>=(\d+) -> (\d+)", recipe).groups())
    which, removed = map(int, re.search(r"in map (\d+) class (\d+) ->", recipe).groups())
    target = np.random.RandomState(seed).randint(0, int(count), tuple(map(int, shape.split(","))))
    target[target >= first_ignored] = ignored
    target[which][target[which] == removed] = ignored
    return torch.from_numpy(target)


@pytest.mark.parametrize("path", fixture_files("avsa", "segmentation*.npz"))
def test_segmentation_maps_loss_and_metrics_match(path, monkeypatch):
    meta, arrays = load_fixture(path)
    seed, recipe = meta["target"]
    target = segmentation_target(recipe, seed)
    video, audio = pixels(meta["video"]), gaussian(*meta["audio"])
    seen = heard = None
    for name, condition in CONDITIONS.items():
        labels = int(arrays[f"{name}__output__shape"][2])
        model = AvsaForSemanticSegmentation(AvsaConfig(num_labels=labels, segmentation_condition=condition))
        theirs = {original_name(key, model.config) for key in model.state_dict() if key.startswith("pyramid")}
        assert theirs == set(map(str, arrays[f"{name}__fpn_keys"]))
        with_rule_weights(model)
        with torch.no_grad():
            # The towers are the same in all conditions.
            seen = model.see(video) if seen is None else seen
            heard = model.hear(audio) if heard is None and condition else heard
            monkeypatch.setattr(model, "see", lambda _, kept=seen: kept)
            monkeypatch.setattr(model, "hear", lambda _, kept=heard: kept)
            output = model(video, audio, labels=target)
        assert_matches(output.coarse_logits, arrays, f"{name}__output", FORWARD_TOLERANCE)
        assert_matches(output.logits.flatten(0, 1), arrays, f"{name}__upsampled", FORWARD_TOLERANCE)
        np.testing.assert_allclose(output.loss.item(), arrays[f"{name}__cross_entropy"], rtol=1e-5)
        found = output.logits.flatten(0, 1).argmax(1)
        accuracy = 100 * pixel_accuracy(found, target).item()
        overlap = 100 * mean_intersection_over_union(found, target, labels).item()
        # Ties of the largest class fall as rounding has it.
        assert accuracy == pytest.approx(arrays[f"{name}__pixel_accuracy"].item(), abs=0.02)
        assert overlap == pytest.approx(arrays[f"{name}__mean_iou"].item(), abs=0.02)


@pytest.mark.parametrize("path", fixture_files("avsa", "train_step*.npz"))
def test_two_training_steps_match(path):
    meta, arrays = load_fixture(path)
    model = with_rule_weights(AvsaForPreTraining(AvsaConfig(translation_dropout=0.0))).double().train()
    theirs = {name: original_name(name, model.config) for name in model.state_dict()}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-5)
    lead = meta["bs"], meta["naug"]

    for step, (embeds_limit, loss_limit) in enumerate(STEP_LIMITS):
        video = pixels((meta["video_seeds"][step], meta["video_shape"])).unflatten(0, lead).double()
        audio = gaussian(meta["audio_seeds"][step], meta["audio_shape"]).unflatten(0, lead).double()
        output = AvsaModel.forward(model, video, audio)
        loss, _ = model.contrast(output)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            norms = {theirs[name]: parameter.grad.norm().item() for name, parameter in model.named_parameters()}
            expected = dict(zip(map(str, arrays["param_names"]), arrays["grad_norms"], strict=True))
            assert norms.keys() == expected.keys()
            for name, norm in norms.items():
                # Rounding decides which of two near-equal values a max pool passes the gradient to.
                limit = 1e-6 * max(expected.values())
                np.testing.assert_allclose(norm, expected[name], rtol=1e-2, atol=limit, err_msg=name)
        optimizer.step()

        np.testing.assert_allclose(loss.item(), arrays[f"step{step}__loss"], rtol=loss_limit)
        for field in ("video", "audio"):
            stored = arrays[f"step{step}__{field}_emb"]
            actual = output[f"{field}_embeds"].detach().flatten(0, 1)
            np.testing.assert_allclose(actual, stored, rtol=0, atol=embeds_limit * np.abs(stored).max())

    means = {theirs[name]: x.double().mean().item() for name, x in model.named_buffers() if "running" in name}
    expected = dict(zip(map(str, arrays["buffer_names"]), arrays["buffer_means_after2"], strict=True))
    assert means.keys() == expected.keys()
    for name, mean in means.items():
        np.testing.assert_allclose(mean, expected[name], rtol=1e-2, atol=1e-3, err_msg=name)
