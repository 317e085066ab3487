"""The AVSA family: the common contract, views, objectives against their formulas, heads on frozen towers."""

import math

import pytest
import torch
from torch import nn

from avssl_hub import (
    AvsaConfig,
    AvsaForAudioVisualCorrespondence,
    AvsaForPreTraining,
    AvsaForSemanticSegmentation,
    AvsaForSpatialAlignment,
    AvsaForVideoClassification,
    AvsaModel,
)
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.avsa import draw_partners
from avssl_hub.models.avsa.losses_avsa import contrast_samples, contrast_views, contrast_views_and_samples

from .common import ModelFamilyTests

SIZES = {
    "video_depth": 10,
    "video_hidden_sizes": (8, 8, 12, 16),
    "audio_hidden_sizes": (8, 8, 12, 16),
    "translation_intermediate_size": 24,
    "projection_size": 8,
    "matching_hidden_size": 8,
    "segmentation_hidden_size": 12,
    "segmentation_branch_size": 8,
    "segmentation_norm_groups": 4,
    "num_labels": 5,
}


def small_config(**changes) -> AvsaConfig:
    return AvsaConfig(**{**SIZES, **changes})


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def views(samples: int = 2, count: int = 3) -> dict[str, torch.Tensor]:
    return {
        "pixel_values_videos": noise(samples, count, 8, 3, 32, 32),
        "input_features": noise(samples, count, 4, 20, 32),
    }


class TestAvsa(ModelFamilyTests):
    model_classes = (
        AvsaModel,
        AvsaForPreTraining,
        AvsaForAudioVisualCorrespondence,
        AvsaForSpatialAlignment,
        AvsaForSemanticSegmentation,
        AvsaForVideoClassification,
    )
    main_outputs = (
        "video_embeds",
        "audio_embeds",
        "translated_audio_embeds",
        "translated_video_embeds",
        "predicted_audio_embeds",
        "predicted_video_embeds",
        "logits",
    )
    modalities = {
        "pixel_values_videos": ["video_embeds", "translated_audio_embeds"],
        "input_features": ["audio_embeds", "translated_video_embeds"],
    }

    def config(self):
        return small_config(translation_dropout=0.0, matching_translation=True, segmentation_condition="audio+context")

    def inputs(self, model_class, batch=2):
        if model_class is AvsaForVideoClassification:
            return {"pixel_values_videos": noise(batch, 8, 3, 32, 32)}
        return views(batch)


def test_default_networks_have_the_papers_sizes():
    with torch.device("meta"):
        model = AvsaForPreTraining(AvsaConfig())
        first = AvsaForPreTraining(AvsaConfig.instance_discrimination())
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert (sizes.pop("video_encoder"), sizes.pop("audio_encoder")) == (15_379_136, 4_735_104)
    assert sum(sizes.values()) == 12_872_192
    towers = ("video_encoder.", "audio_encoder.")
    assert sum(p.numel() for name, p in first.named_parameters() if not name.startswith(towers)) == 131_328


def test_feature_maps_have_the_papers_sizes():
    model = AvsaModel(AvsaConfig(video_hidden_sizes=(4, 4, 4, 8), audio_hidden_sizes=(4, 4, 4, 8))).eval()
    with torch.no_grad():
        output = model(noise(1, 2, 8, 3, 112, 112), noise(1, 2, 4, 100, 128), output_hidden_states=True)
    expected = [(8, 56), (8, 56), (4, 28), (2, 14), (1, 7)]
    assert [tuple(m.shape) for m in output.video_hidden_states] == [
        (1, 2, width, time, side, side) for width, (time, side) in zip((4, 4, 4, 4, 8), expected)
    ]
    expected = [(50, 64), (50, 64), (25, 32), (13, 16), (13, 16)]
    assert [tuple(m.shape[3:]) for m in output.audio_hidden_states] == expected


def test_views_are_embedded_one_by_one_and_translated_together():
    model = AvsaModel(small_config()).eval()
    inputs = views(2, 3)
    with torch.no_grad():
        whole = model(**inputs)
        single = model(**{name: values[:, 1] for name, values in inputs.items()})
        turned = model(**{name: values.flip(1) for name, values in inputs.items()})
    assert single.video_embeds.shape == single.translated_video_embeds.shape == (2, 16)
    torch.testing.assert_close(single.video_embeds, whole.video_embeds[:, 1])
    torch.testing.assert_close(single.audio_embeds, whole.audio_embeds[:, 1])
    assert not torch.allclose(single.translated_audio_embeds, whole.translated_audio_embeds[:, 1], atol=1e-3)
    # Views have no order: what is translated follows them.
    torch.testing.assert_close(turned.translated_audio_embeds, whole.translated_audio_embeds.flip(1))


@pytest.mark.parametrize("change", [{"translation_context": False}, {"translation_depth": 0}])
def test_without_context_a_view_is_translated_alone(change):
    model = AvsaModel(small_config(**change)).eval()
    inputs = views(2, 3)
    with torch.no_grad():
        whole = model(**inputs)
        single = model(**{name: values[:, 1] for name, values in inputs.items()})
    torch.testing.assert_close(single.translated_audio_embeds, whole.translated_audio_embeds[:, 1])
    if not model.video_to_audio.layers:
        assert torch.equal(whole.translated_audio_embeds, whole.video_embeds)


def test_missing_sound_is_masked_and_left_out_of_the_loss():
    model = AvsaForPreTraining(small_config()).eval()
    inputs, mask = views(3), torch.tensor([True, False, True])
    output = model(**inputs, audio_mask=mask, return_loss=True)
    assert output.audio_embeds.isnan().all((1, 2)).tolist() == [False, True, False]
    assert output.predicted_video_embeds.isnan().all((1, 2)).tolist() == [False, True, False]
    heard = model(**{name: values[mask] for name, values in inputs.items()}, return_loss=True)
    torch.testing.assert_close(output.loss, heard.loss)


def unit(*shape: int, seed: int) -> torch.Tensor:
    return nn.functional.normalize(noise(*shape, seed=seed), dim=-1)


def expected_loss(predictions, targets, temperature, candidates) -> float:
    """Mean negative log share of the own target, term by term; ``candidates`` gives the others of a query."""
    total, (samples, count) = 0.0, predictions.shape[:2]
    for i in range(samples):
        for j in range(count):
            scores = [math.exp(predictions[i, j] @ targets[place] / temperature) for place in candidates(i, j)]
            own = math.exp(predictions[i, j] @ targets[i, j] / temperature)
            total -= math.log(own / (own + sum(scores)))
    return total / (samples * count)


def test_contrasts_are_their_formulas():
    predictions, targets, samples, count = unit(3, 4, 5, seed=1), unit(3, 4, 5, seed=2), range(3), range(4)

    def other_views(i, j):
        return [(i, k) for k in count if k != j]

    def other_samples(i, j):
        return [(m, j) for m in samples if m != i]

    for contrast, candidates in (
        (contrast_views, other_views),
        (contrast_samples, other_samples),
        (contrast_views_and_samples, lambda i, j: other_views(i, j) + other_samples(i, j)),
    ):
        actual = contrast(predictions, targets, 0.3).loss.item()
        assert actual == pytest.approx(expected_loss(predictions, targets, 0.3, candidates), rel=1e-5)


def test_accuracies_count_the_queries_that_meet_their_target():
    # Two samples of two views along four axes; the last prediction points to the other view of its sample.
    targets = torch.eye(4).view(2, 2, 4)
    predictions = targets.clone()
    predictions[1, 1] = targets[1, 0]
    assert contrast_views(predictions, targets, 0.07).accuracies["spatial_alignment"] == 0.75
    shares = contrast_views_and_samples(predictions, targets, 0.07).accuracies
    # Its own target's score, 0, is no better than that of the other sample's, which is no hit.
    assert (shares["spatial_alignment"], shares["correspondence"]) == (0.75, 0.75)


@pytest.mark.parametrize("objective", ["easy+hard", "hard", "avc", "instdisc"])
def test_every_objective_trains_its_heads(objective):
    depth = 0 if objective == "instdisc" else 1
    model = AvsaForPreTraining(small_config(objective=objective, translation_depth=depth)).train()
    output = model(**views(3), return_loss=True)
    output.loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    assert {"video_to_audio", "audio_to_video"} < set(output.loss_terms)
    halves = output.loss_terms["video_to_audio"] + output.loss_terms["audio_to_video"]
    torch.testing.assert_close(output.loss.detach(), halves / 2)


def test_second_phase_takes_the_towers_of_the_first_alone(tmp_path):
    first = AvsaForPreTraining(AvsaConfig.instance_discrimination(**SIZES))
    first.save_pretrained(tmp_path)
    second = AvsaForPreTraining.from_pretrained(tmp_path, objective="easy+hard", translation_depth=2)
    fresh = [name for name in second.state_dict() if name not in first.state_dict()]
    assert {name.split(".")[0] for name in fresh} == {
        "video_to_audio",
        "audio_to_video",
        "video_head",
        "audio_head",
        "video_prediction_head",
        "audio_prediction_head",
    }
    for name, value in first.video_encoder.state_dict().items():
        assert torch.equal(second.video_encoder.state_dict()[name], value)


@pytest.mark.parametrize("model_class", [AvsaForSpatialAlignment, AvsaForSemanticSegmentation])
def test_heads_leave_the_towers_as_they_are_also_after_loading(model_class, tmp_path):
    config = small_config(segmentation_condition="audio+context", segmentation_frozen_statistics=True)
    AvsaForPreTraining(config).save_pretrained(tmp_path)
    model = model_class.from_pretrained(tmp_path).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    labels = torch.tensor([0, 1])
    if model_class is AvsaForSemanticSegmentation:
        labels = labels[:, None, None, None].expand(2, 3, 32, 32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    model(**views(), labels=labels).loss.backward()
    optimizer.step()
    changed = {name.split(".")[0] for name, x in model.state_dict().items() if not torch.equal(x, before[name])}
    assert changed == {"pyramid" if model_class is AvsaForSemanticSegmentation else "classifier"}


def test_released_segmentation_lets_statistics_drift():
    model = AvsaForSemanticSegmentation(small_config()).train()
    before = model.video_encoder.stem.norm.running_mean.clone()
    model(views()["pixel_values_videos"])
    assert not torch.equal(model.video_encoder.stem.norm.running_mean, before)


def test_correspondence_pairs_pictures_with_partners_sounds():
    model = AvsaForAudioVisualCorrespondence(small_config()).eval()
    inputs, partners = views(3), torch.tensor([2, 0, 1])
    output = model(**inputs, partners=partners)
    assert output.labels.tolist() == [0, 0, 0, 1, 1, 1]
    crossed = model(inputs["pixel_values_videos"], inputs["input_features"][partners])
    torch.testing.assert_close(output.logits[3:], crossed.logits)
    torch.testing.assert_close(output.logits, output.view_logits.mean(1))
    log_probabilities = output.view_logits.double().log_softmax(2)
    expected = -torch.cat([log_probabilities[:3, :, 0], log_probabilities[3:, :, 1]]).mean()
    assert output.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    with pytest.raises(InvalidValueError, match="partners and labels"):
        model(**inputs, partners=partners, labels=partners)


def test_partners_are_others_and_all_of_them():
    drawn = torch.stack([draw_partners(4, torch.Generator().manual_seed(seed)) for seed in range(200)])
    for own in range(4):
        assert set(drawn[:, own].tolist()) == {0, 1, 2, 3} - {own}
    with pytest.raises(InvalidValueError, match="samples to pair: got 1; expected at least 2"):
        draw_partners(1)


def test_segmentation_has_a_class_for_every_pixel_of_any_size():
    model = AvsaForSemanticSegmentation(small_config(segmentation_condition="audio")).eval()
    with torch.no_grad():
        output = model(noise(2, 8, 3, 50, 38), noise(2, 4, 20, 32))
    assert output.logits.shape == (2, 5, 50, 38)
    assert output.coarse_logits.shape == (2, 5, 25, 19)
    with pytest.raises(InvalidValueError, match="input_features: got None; expected log-mels"):
        model(noise(2, 8, 3, 50, 38))
    with pytest.raises(InvalidValueError, match="pixel_values_videos: got 4 frames; expected 8"):
        model(noise(2, 4, 3, 50, 38), noise(2, 4, 20, 32))


def test_pyramid_starts_near_zero_and_pools_time_evenly():
    torch.manual_seed(0)
    pyramid = AvsaForSemanticSegmentation(AvsaConfig(**{**SIZES, "segmentation_hidden_size": 256})).pyramid
    assert pyramid.outputs[0].weight.std().item() == pytest.approx(1e-3, rel=0.02)
    for pool, frames in zip(pyramid.time_pools, (8, 4, 2, 1), strict=True):
        assert pool.weight.flatten().tolist() == [1 / frames] * frames


def test_inference_form_gives_equal_features():
    model = AvsaModel(small_config()).eval()
    inputs = views()
    with torch.no_grad():
        expected = model(**inputs)
        actual = model.optimize_for_inference()(**inputs)
    for name in ("video_embeds", "audio_embeds", "translated_audio_embeds"):
        torch.testing.assert_close(actual[name], expected[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("audio_hidden_sizes", (8, 8, 8, 8), r"the last as large as the last of video_hidden_sizes"),
        ("translation_depth", -1, "at least 0"),
        ("objective", "easy", "one of 'easy\\+hard', 'hard', 'avc', 'instdisc'"),
        ("segmentation_condition", "context", "one of None, 'audio'"),
        ("segmentation_branch_size", 6, r"positive multiple of segmentation_norm_groups \(4\)"),
        ("contrast_temperature", 0, "a positive number"),
    ],
)
def test_config_names_the_field_that_is_wrong(field, value, expected):
    with pytest.raises(InvalidValueError, match=rf"AvsaConfig\.{field}: got .*; expected .*{expected}"):
        small_config(**{field: value})


def test_instance_discrimination_has_no_translations():
    with pytest.raises(InvalidValueError, match=r"translation_depth: got 2; expected .*instdisc"):
        small_config(objective="instdisc")


def test_loss_needs_both_modalities():
    model = AvsaForPreTraining(small_config())
    with pytest.raises(InvalidValueError, match="return_loss: got one modality"):
        model(views()["pixel_values_videos"], return_loss=True)
    with pytest.raises(InvalidValueError, match="neither modality"):
        model()
