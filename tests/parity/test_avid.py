"""AVID's towers, wrappers, spectrogram and evaluation transform against the authors' outputs."""

import re

import numpy as np
import pytest
import torch

from avssl_hub import (
    AvidConfig,
    AvidForLinearProbe,
    AvidForVideoClassification,
    AvidModel,
    AvidProcessor,
)
from avssl_hub.audio.spectrogram import fit_length, log_spectrogram
from conversion.avid_cma import RULES

from ._rules import assert_matches, fixture_files, gaussian, load_fixture, rule_weight, waveform
from ._towers import original_tower_name

FORWARD_TOLERANCE = 1e-5
FEATURES = ("conv1", "conv2x", "conv3x", "conv4x", "conv5x", "pool")


def original_name(name: str, config: AvidConfig) -> str:
    """The authors' name of one of our parameters, written independently of the converter's table."""
    name = original_tower_name(name, config.video_depth)
    return re.sub(r"^(video|audio)_projection\.layers\.(\d)", lambda m: f"{m[1]}_proj.projection.{2 * int(m[2])}", name)


def with_rule_weights(model: torch.nn.Module, **renamed: str) -> torch.nn.Module:
    """Fill a model by the weight rule; ``renamed`` maps prefixes of ours that the encoders' table does not know."""
    state = {}
    for name, value in model.state_dict().items():
        original = original_name(name, model.config)
        for ours, theirs in renamed.items():
            original = original.replace(ours, theirs)
        state[name] = rule_weight(original, value.shape)
    model.load_state_dict(state)
    return model.eval()


def pixels(entry: dict) -> torch.Tensor:
    return gaussian(entry["seed"], entry["shape"]).transpose(1, 2)


def frame_side(entry: dict) -> int:
    return entry["shape"][-1]


@pytest.mark.parametrize("path", fixture_files("avid_cma", "model_d*.npz"))
def test_towers_and_heads_match_every_intermediate(path):
    meta, arrays = load_fixture(path)
    depth = int(meta.get("depth") or re.search(r"model_d(\d+)", path.stem)[1])
    model = with_rule_weights(AvidModel(AvidConfig(video_depth=depth)))
    compared = 0
    with torch.no_grad():
        for name, entry in meta["inputs"].items():
            if name.startswith("video"):
                output = model(pixels(entry), output_hidden_states=True)
                values = dict(zip(FEATURES, output.video_hidden_states))
                values |= {"pool": output.video_pooled[..., None, None, None], "video_emb": output.video_embeds}
            else:
                output = model(input_features=gaussian(entry["seed"], entry["shape"]), output_hidden_states=True)
                values = dict(zip(FEATURES, output.audio_hidden_states))
                values |= {"pool": output.audio_pooled[..., None, None], "audio_emb": output.audio_embeds}
            for feature, value in values.items():
                key = f"{name}__{feature}"
                if key in arrays or f"{key}__sample" in arrays:
                    assert_matches(value, arrays, key, FORWARD_TOLERANCE)
                    compared += 1
    assert compared >= len(FEATURES)


@pytest.mark.parametrize("path", fixture_files("avid_cma", "model_d*.npz"))
def test_both_towers_at_once_match_the_wrapper(path):
    meta, arrays = load_fixture(path)
    if "wrapper__video_emb" not in arrays:
        pytest.skip(f"{path.name} has no wrapper output")
    batch = len(arrays["wrapper__video_emb"])
    videos = [
        entry for name, entry in meta["inputs"].items() if name.startswith("video") and entry["shape"][0] == batch
    ]
    audio = meta["inputs"]["audio"]
    model = with_rule_weights(AvidModel(AvidConfig()))
    with torch.no_grad():
        output = model(pixels(videos[0]), gaussian(audio["seed"], audio["shape"]))
    assert_matches(output.video_embeds, arrays, "wrapper__video_emb", FORWARD_TOLERANCE)
    assert_matches(output.audio_embeds, arrays, "wrapper__audio_emb", FORWARD_TOLERANCE)


@pytest.mark.parametrize("path", fixture_files("avid_cma", "wrappers*.npz"))
def test_classification_logits_match(path):
    meta, arrays = load_fixture(path)
    smaller = min(meta["inputs"].values(), key=frame_side)
    compared = 0
    for key, logits in arrays.items():
        if key.startswith("classification"):
            model = with_rule_weights(AvidForVideoClassification(AvidConfig(num_labels=logits.shape[1])))
            with torch.no_grad():
                assert_matches(model(pixels(smaller)).logits, arrays, key, FORWARD_TOLERANCE)
            compared += 1
    assert compared


@pytest.mark.parametrize("path", fixture_files("avid_cma", "wrappers*.npz"))
def test_linear_probe_features_and_logits_match(path):
    meta, arrays = load_fixture(path)
    larger = max(meta["inputs"].values(), key=frame_side)
    layers = sorted({key.split("__")[1] for key in arrays if key.startswith("most__")})
    labels = arrays[f"most__{layers[0]}__logits"].shape[1]
    config = AvidConfig(num_labels=labels)
    renamed = {f"probes.{name}.norm": f"classifiers.{i}.bn" for i, name in enumerate(config.probe_features)}
    renamed |= {f"probes.{name}.": f"classifiers.{i}." for i, name in enumerate(config.probe_features)}
    model = with_rule_weights(AvidForLinearProbe(config), **renamed)
    with torch.no_grad():
        output = model(pixels(larger))
    for index, name in enumerate(config.probe_features):
        assert_matches(output.pooled_features[index], arrays, f"most__{name}__pooled", FORWARD_TOLERANCE)
        assert_matches(output.logits[:, index], arrays, f"most__{name}__logits", FORWARD_TOLERANCE)


@pytest.mark.parametrize("path", fixture_files("avid_cma", "log_spectrogram*.npz"))
def test_log_spectrogram_matches_before_and_after_normalisation(path):
    meta, arrays = load_fixture(path)
    wave = waveform(meta["wave_seed"], meta["n"], 1, meta["rate"])
    assert wave.sum().item() == pytest.approx(meta["wave_sum"], abs=1e-9)
    np.testing.assert_allclose(wave[0, :64].numpy(), arrays["prep__first64"], atol=1e-7)
    sound = wave[0].float()
    for nfft, fps in sorted(
        {tuple(map(int, re.findall(r"nfft(\d+)_fps(\d+)", key)[0])) for key in arrays if "nfft" in key}
    ):
        hop = meta["rate"] // fps
        processor = AvidProcessor(fft_size=2 * nfft, hop_length=hop, audio_duration=meta["n"] / meta["rate"])
        prefix = f"logspec_nfft{nfft}_fps{fps}"
        decibels = log_spectrogram(sound, 2 * nfft, hop, processor.num_spectrogram_frames)
        # 1e-4 dB, written as a share of the largest level.
        largest = np.abs(arrays.get(f"{prefix}_db", arrays.get(f"{prefix}_db__sample"))).max()
        assert_matches(decibels[None], arrays, f"{prefix}_db", 1e-4 / largest)
        assert_matches(processor.spectrogram(sound)[None], arrays, f"{prefix}_normalized", FORWARD_TOLERANCE)


@pytest.mark.parametrize("path", fixture_files("avid_cma", "log_spectrogram*.npz"))
def test_zero_padding_changes_only_the_recorded_frames(path):
    meta, arrays = load_fixture(path)
    sound = waveform(meta["wave_seed"], meta["n"], 1, meta["rate"])[0].float()
    reflected, padded = (log_spectrogram(sound, 1024, 240, 200, pad_mode=mode) for mode in ("reflect", "constant"))
    frames = arrays["logspec_constant_pad_differing_frames"]
    differing = ((reflected - padded).abs().amax(1) > 1e-3).nonzero().flatten().numpy()
    np.testing.assert_array_equal(differing, frames)
    np.testing.assert_allclose(padded[frames].numpy(), arrays["logspec_constant_pad_db_frames"], atol=1e-4)


@pytest.mark.parametrize("path", fixture_files("avid_cma", "log_spectrogram*.npz"))
def test_short_stereo_is_mixed_down_and_padded(path):
    meta, arrays = load_fixture(path)
    short = meta["short_stereo"]
    sound = waveform(short["wave_seed"], short["n"], short["ch"], meta["rate"]).mean(0).float()
    duration = meta["n"] / meta["rate"]
    result = AvidProcessor(audio_duration=duration)(audio=fit_length(sound, len(sound)), sampling_rate=meta["rate"])
    features = result["input_features"][0]
    assert_matches(features, arrays, "short_stereo_normalized", FORWARD_TOLERANCE)
    for key in arrays:
        if rows := re.match(r"short_stereo_normalized__rows_([\d_]+)", key):
            assert_matches(features[0, list(map(int, rows[1].split("_")))], arrays, key, FORWARD_TOLERANCE)


@pytest.mark.parametrize("path", fixture_files("avid_cma", "video_prep_eval*.npz"))
def test_evaluation_transforms_match(path):
    meta, arrays = load_fixture(path)
    shape = tuple(map(int, re.search(r"256,\(([\d,]+)\)", meta["recipe"])[1].split(",")))
    repeats = int(re.search(r"repeated (\d+)x", meta["recipe"])[1])
    num_frames = int(re.search(r"num_frames=(\d+)", meta["recipe"])[1])
    small = np.random.RandomState(meta["seed"]).randint(0, 256, shape).astype(np.uint8)
    frames = torch.from_numpy(small.repeat(repeats, 1).repeat(repeats, 2))
    crop = int(arrays["msc_eval__shape"][-1])
    sizes = {"num_frames": num_frames, "crop_size": crop, "resize_size": int(crop / 0.875)}
    for key, keep in (("msc_eval", True), ("crop_eval", False)):
        result = AvidProcessor(keep_aspect_ratio=keep, **sizes)(videos=frames)["pixel_values_videos"][0].numpy()
        # Pillow rounds its fixed-point sums elsewhere than torch: one grey level, in few pixels.
        difference = np.abs(
            result.swapaxes(0, 1).reshape(-1)[:: int(arrays[f"{key}__stride"])] - arrays[f"{key}__sample"]
        )
        grey_level = 1 / (255 * 0.224)
        assert difference.max() < 1.05 * grey_level
        assert (difference > FORWARD_TOLERANCE).mean() < 2e-3


def test_converter_table_agrees_with_an_independent_one():
    for depth in (10, 18, 34):
        config = AvidConfig(video_depth=depth)
        for name in AvidModel(config).state_dict():
            original = original_name(name, config)
            targets = [target(match) for pattern, target in RULES if (match := re.fullmatch(pattern, original))]
            assert targets == [name]
