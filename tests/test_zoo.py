"""The catalogue, finding a checkpoint, and opening it strictly; on disk and through a loopback Hub."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel, AutoProcessor

import avssl_hub
from avssl_hub import zoo
from avssl_hub._cards import join_card, split_card
from avssl_hub._loading import model_class
from avssl_hub.cards import fill
from avssl_hub.errors import (
    CheckpointError,
    HashMismatchError,
    InvalidValueError,
    UnknownNameError,
    WeightsNotFoundError,
)
from avssl_hub.models.avid import AvidConfig, AvidForVideoClassification, AvidModel, AvidProcessor
from conversion.multisensory import NETWORKS

from .hub_server import HubServer

ROOT = Path(__file__).resolve().parents[1]
FULL_SIZE = ["avid.audioset", "avid.kinetics", "avid_cma.audioset", "avid_cma.kinetics"]
SMALL = {
    "video_depth": 10,
    "video_hidden_sizes": (4, 8, 8, 16),
    "audio_hidden_sizes": (4, 8, 8, 16),
    "projection_sizes": (16, 8),
}


def small_model(seed: int = 0) -> AvidModel:
    torch.manual_seed(seed)
    return AvidModel(AvidConfig(**SMALL)).eval()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A checkpoint folder as the Hub holds it: config, weights, processor, card."""
    folder = tmp_path_factory.mktemp("template")
    small_model().save_pretrained(folder)
    AvidProcessor(num_frames=4, crop_size=32, resize_size=40).save_pretrained(folder)
    header, body = split_card(zoo.card("avid.kinetics").path)
    header["avssl"]["name"] = "avid_test.kinetics"
    (folder / "README.md").write_text(join_card(header, body), encoding="utf-8")
    fill(folder)
    return folder


@pytest.fixture
def checkpoint(template, tmp_path):
    return Path(shutil.copytree(template, tmp_path / "checkpoint"))


@pytest.fixture
def bare(checkpoint):
    """The same without a card, so that nothing but the loading itself can refuse it."""
    (checkpoint / "README.md").unlink()
    return checkpoint


@pytest.fixture
def catalogue(template, tmp_path, monkeypatch):
    """A catalogue of one card without weights, and an empty cache of converted ones."""
    folder = tmp_path / "model_cards" / "avid_test.kinetics"
    folder.mkdir(parents=True)
    for name in ("README.md", "config.json"):
        shutil.copyfile(template / name, folder / name)
    monkeypatch.setattr(zoo, "cards_folder", lambda: folder.parent)
    monkeypatch.setenv("AVSSL_HOME", str(tmp_path / "home"))
    return folder


def assert_same_weights(model, other):
    ours, theirs = model.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=0)


# The catalogue


def test_names_are_filtered_by_glob_part_family_and_task():
    assert set(FULL_SIZE) | {"avid_tiny.avworld"} <= set(avssl_hub.list_models())
    assert avssl_hub.list_models("multisensory*", task="sound-localization") == [
        "multisensory_localization.audioset",
        "multisensory_tiny.avworld",
    ]
    assert avssl_hub.list_models("avid*.kinetics") == ["avid.kinetics", "avid_cma.kinetics"]
    assert avssl_hub.list_models("cma") == ["avid_cma.audioset", "avid_cma.kinetics", "avid_cma_tiny.avworld"]
    assert avssl_hub.list_models("avid.audioset", family="avid") == ["avid.audioset"]
    assert avssl_hub.list_models("nothing") == []
    assert set(FULL_SIZE) <= set(avssl_hub.list_models(task="audio-visual-feature-extraction"))


def test_unknown_names_get_close_matches():
    with pytest.raises(
        UnknownNameError, match=r"unknown model: got 'avid_cma\.audoset'.*Did you mean 'avid_cma\.audioset'"
    ):
        avssl_hub.card("avid_cma.audoset")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'avid_tiny\.avworld'.*A folder is written '\./name'"):
        avssl_hub.load("avid_tiny.avword")
    with pytest.raises(UnknownNameError, match=r"unknown family: got 'avdi'.*Did you mean 'avid'"):
        avssl_hub.list_models(family="avdi")
    with pytest.raises(UnknownNameError, match=r"unknown task: got 'feature-extraction'.*'audio-visual-feature"):
        avssl_hub.list_models(task="feature-extraction")


def test_every_card_is_named_after_its_folder_and_variant():
    for name, card in zoo.catalogue().items():
        variant, _, data = name.partition(".")
        assert card.path.parent.name == name
        assert card.hub.repo_id == f"avssl-hub/{variant}-{data}"
        (entry_point,) = card.torch_hub.entry_points
        assert name in (f"{entry_point}.{card.torch_hub.pretrained}", f"{entry_point}_{card.torch_hub.pretrained}")


def test_a_full_size_card_states_what_is_published():
    card = avssl_hub.card("avid_cma.audioset")
    assert card.original.url.endswith("/AVID-CMA_Audioset_InstX-N1024-PosW-N64-Top32_checkpoint.pth.tar")
    assert (card.original.sha256, card.licence.redistributable) == ("unverified", "unknown")
    assert {(score.dataset, score.value, score.evidence) for score in card.scores} == {
        ("UCF-101", 91.5, "author-readme"),
        ("HMDB-51", 64.7, "author-readme"),
        ("Kinetics-400", 48.9, "author-readme"),
    }


@pytest.mark.parametrize("name", FULL_SIZE)
def test_full_size_configs_are_the_papers(name):
    stored = json.loads(avssl_hub.card(name).path.with_name("config.json").read_text())
    assert stored.pop("architectures") == ["AvidModel"]
    del stored["dtype"], stored["transformers_version"]
    paper = AvidConfig().to_dict()
    assert stored == {key: paper[key] for key in stored}
    assert stored.keys() >= set(signature(AvidConfig.__init__).parameters) - {"self", "kwargs"}
    assert avssl_hub.load_processor(name).to_dict() == AvidProcessor().to_dict()


def avid_inputs(card):
    time, rows = map(int, re.match(r"(\d+) × (\d+)", card.input.spectrogram).groups())
    return {
        "video": {"pixel_values_videos": torch.zeros(1, card.input.frames, 3, card.input.size, card.input.size)},
        "audio": {"input_features": torch.zeros(1, 1, time, rows)},
    }


def multisensory_inputs(card):
    processor = avssl_hub.load_processor(card.name)
    inputs = {"input_values": torch.zeros(1, processor.num_channels, processor.num_samples)}
    if card.input.frames:
        inputs["pixel_values_videos"] = torch.zeros(1, card.input.frames, 3, card.input.size, card.input.size)
    return {"network": inputs}


def spatial_audio_gen_inputs(card):
    processor = avssl_hub.load_processor(card.name)
    frame = torch.zeros(1, card.input.frames, 3, card.input.size, card.input.width)
    inputs = {"audio": ("input_values", torch.zeros(1, 1, processor.window_samples))}
    inputs |= {"video": ("pixel_values_videos", frame), "flow": ("flow_values", frame)}
    return {"network": dict(inputs[encoder] for encoder in processor.encoders)}


def avsa_inputs(card):
    time, rows = map(int, re.match(r"(\d+) × (\d+)", card.input.spectrogram).groups())
    return {
        "video": {"pixel_values_videos": torch.zeros(1, card.input.frames, 3, card.input.size, card.input.size)},
        "audio": {"input_features": torch.zeros(1, 4, time, rows)},
    }


INPUTS = {
    "avid": avid_inputs,
    "avsa": avsa_inputs,
    "multisensory": multisensory_inputs,
    "spatial_audio_gen": spatial_audio_gen_inputs,
}


@pytest.mark.parametrize("name", sorted(zoo.catalogue()))
def test_parameters_and_multiply_adds_are_those_of_the_config(name):
    card = avssl_hub.card(name)
    if not card.path.with_name("config.json").is_file():
        pytest.skip(f"{name} has no config yet")
    found = model_class(card.path.parent, card)
    with torch.device("meta"):
        model = found(AutoConfig.from_pretrained(card.path.parent)).eval()
        towers = INPUTS[card.family](card)
    assert sum(parameter.numel() for parameter in model.parameters()) == card.parameters
    assert card.gmacs.keys() == towers.keys()
    for tower, inputs in towers.items():
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(**inputs)
        assert counter.get_total_flops() / 2e9 == pytest.approx(card.gmacs[tower], rel=0.01)


@pytest.mark.parametrize("name", sorted(zoo.catalogue()))
def test_the_stated_input_is_the_processors(name):
    clip = avssl_hub.card(name).input
    if not avssl_hub.card(name).path.with_name("preprocessor_config.json").is_file():
        pytest.skip(f"{name} has no processor yet")
    processor = avssl_hub.load_processor(name)
    if avssl_hub.card(name).family == "spatial_audio_gen":
        sizes = (clip.fps, [clip.size, clip.width], clip.sampling_rate)
        assert sizes == (processor.fps, processor.image_size, processor.sampling_rate)
        assert clip.audio_duration == pytest.approx(processor.window_samples / clip.sampling_rate, abs=1e-4)
        return
    if clip.frames:
        size = processor.view_size if avssl_hub.card(name).family == "avsa" else processor.crop_size
        assert (clip.frames, clip.fps, clip.size) == (processor.num_frames, processor.fps, size)
    assert clip.sampling_rate == processor.sampling_rate
    if avssl_hub.card(name).family == "multisensory":
        assert clip.audio_duration == pytest.approx(processor.num_samples / clip.sampling_rate, abs=1e-4)
        return
    assert clip.audio_duration == processor.audio_duration
    time = clip.audio_duration * clip.sampling_rate / processor.hop_length
    rows = len(processor.spectrogram_mean)
    assert clip.spectrogram.startswith(f"{time:g} × {rows} ")


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_multisensory_configs_are_those_that_are_converted_to(name):
    network, folder = NETWORKS[name], avssl_hub.card(name).path.parent
    stored = json.loads((folder / "config.json").read_text())
    assert stored.pop("architectures") == [network.model_class.__name__] == [avssl_hub.card(name).class_]
    del stored["dtype"], stored["transformers_version"]
    expected = network.config.to_dict()
    assert stored == {key: expected[key] for key in stored}
    assert stored.keys() >= set(signature(type(network.config).__init__).parameters) - {"self", "kwargs"}
    assert avssl_hub.load_processor(name).to_dict() == network.processor.to_dict()


def test_full_size_parameters_are_the_sum_the_paper_page_gives():
    assert avssl_hub.card("avid.kinetics").parameters == 15_379_136 + 4_725_696 + 2 * 590_976


# Finding


def test_lookup_goes_from_the_catalogue_to_the_converted(catalogue, template):
    with pytest.raises(WeightsNotFoundError) as caught:
        zoo.resolve("avid_test.kinetics")
    text = str(caught.value)
    assert "`python -m conversion avid.kinetics --download`" in text
    assert "AVID_Kinetics_Cross-N1024_checkpoint.pth.tar" in text
    assert "licence of the code: CC-BY-NC-4.0" in text
    assert str(zoo.converted_path("avid_test.kinetics")) in text
    converted = Path(shutil.copytree(template, zoo.converted_path("avid_test.kinetics")))
    assert zoo.resolve("avid_test.kinetics") == converted
    shutil.copyfile(template / "model.safetensors", catalogue / "model.safetensors")
    assert zoo.resolve("avid_test.kinetics") == catalogue


def test_a_folder_must_exist_and_hold_a_model(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="nowhere, which does not exist"):
        avssl_hub.load(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(WeightsNotFoundError, match=r"got notes\.txt; expected config\.json and model\*\.safetensors"):
        avssl_hub.load(str(tmp_path))


def test_a_name_that_is_a_folder_and_a_hub_id_is_refused_with_both_forms(checkpoint, monkeypatch):
    (checkpoint.parent / "org").mkdir()
    checkpoint.rename(checkpoint.parent / "org" / "model")
    monkeypatch.chdir(checkpoint.parent)
    with pytest.raises(InvalidValueError, match=r"'\./org/model' for the folder or 'hf://org/model' for the Hub"):
        avssl_hub.load("org/model")
    assert zoo.resolve("./org/model") == Path("org/model")
    monkeypatch.chdir("org")
    assert zoo.resolve("model") == Path("model")


# Opening


def test_load_gives_the_saved_weights_in_evaluation_mode(checkpoint):
    model = avssl_hub.load(checkpoint)
    assert type(model) is AvidModel
    assert not model.training
    assert_same_weights(model, small_model())


def test_load_uses_the_class_the_config_names(tmp_path):
    torch.manual_seed(0)
    classifier = AvidForVideoClassification(AvidConfig(**SMALL, num_labels=7))
    classifier.save_pretrained(tmp_path)
    loaded = avssl_hub.load(tmp_path)
    assert type(loaded) is AvidForVideoClassification
    assert_same_weights(loaded, classifier)


def test_auto_classes_open_the_same_folder(checkpoint):
    assert AutoConfig.from_pretrained(checkpoint).video_hidden_sizes == [4, 8, 8, 16]
    assert_same_weights(AutoModel.from_pretrained(checkpoint), small_model())
    assert AutoProcessor.from_pretrained(checkpoint).crop_size == 32
    assert avssl_hub.load_processor(checkpoint).num_frames == 4


def test_loading_says_nothing_and_leaves_the_settings_of_transformers(checkpoint, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    avssl_hub.load(checkpoint)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_one_flipped_byte_in_any_file_is_caught_by_name(checkpoint, name):
    content = bytearray((checkpoint / name).read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    content[-3] ^= 1
    (checkpoint / name).write_bytes(content)
    with pytest.raises(HashMismatchError) as caught:
        avssl_hub.load(checkpoint)
    got = hashlib.sha256(content).hexdigest()
    assert f"sha256 of {checkpoint / name}: got {got}; expected {digest}" in str(caught.value)


def test_a_listed_file_that_is_missing_is_named(checkpoint):
    (checkpoint / "preprocessor_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"got no preprocessor_config\.json; expected every file its card lists"):
        avssl_hub.load(checkpoint)


def test_missing_and_unexpected_keys_are_listed(bare):
    weights = load_file(bare / "model.safetensors")
    weights["video_encoder.stem.extra.weight"] = weights.pop("video_encoder.stem.conv.weight")
    save_file(weights, bare / "model.safetensors", {"format": "pt"})
    expected = (
        r"1 missing keys \(video_encoder\.stem\.conv\.weight\) and "
        r"1 unexpected keys \(video_encoder\.stem\.extra\.weight\); expected exactly the keys of AvidModel"
    )
    with pytest.raises(CheckpointError, match=expected):
        avssl_hub.load(bare)


def test_other_shapes_are_refused(bare):
    config = json.loads((bare / "config.json").read_text())
    config["projection_sizes"] = [16, 4]
    (bare / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="other shapes"):
        avssl_hub.load(bare)


def test_a_truncated_file_is_named(bare):
    content = (bare / "model.safetensors").read_bytes()
    (bare / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"checkpoint/model\.safetensors: got .*The file is cut or damaged"):
        avssl_hub.load(bare)


def test_a_model_of_no_family_here_is_refused(bare):
    (bare / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertModel"]}))
    with pytest.raises(CheckpointError, match=r"config\.json: model_type: got 'bert'; expected one of .*'avid'"):
        avssl_hub.load(bare)
    (bare / "config.json").write_text('{"model_type": "avid"')
    with pytest.raises(CheckpointError, match=r"config\.json: got invalid JSON"):
        avssl_hub.load(bare)


def test_a_class_the_family_does_not_have_is_refused(bare):
    config = json.loads((bare / "config.json").read_text()) | {"architectures": ["AvidForPoetry"]}
    (bare / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        CheckpointError, match="architectures: got 'AvidForPoetry'; expected a model class of the family"
    ):
        avssl_hub.load(bare)


def test_a_card_of_another_family_is_refused(checkpoint):
    header, body = split_card(checkpoint / "README.md")
    header["avssl"]["family"] = "avsa"
    (checkpoint / "README.md").write_text(join_card(header, body), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"model_type: got 'avid'; expected 'avsa', as .*README"):
        avssl_hub.load(checkpoint)


def test_somebody_elses_readme_is_no_card(checkpoint):
    (checkpoint / "README.md").write_text("# A model\n")
    assert_same_weights(avssl_hub.load(checkpoint), small_model())


# Through the Hub; each client is a process of its own, as huggingface_hub reads its settings when imported.

OLD, NEW = "a" * 40, "b" * 40
CLIENT = """
import dataclasses, json, sys
from pathlib import Path
import torch
from transformers import AutoConfig, AutoModel, AutoProcessor, pipeline
import avssl_hub.models  # registers the Auto classes
import avssl_hub.pipelines.hf  # registers the tasks
from avssl_hub import zoo
from avssl_hub.errors import AvsslError
OLD, folder = sys.argv[1], Path(sys.argv[2])
zoo.cards_folder = lambda: folder

def attempt(make):
    try:
        return make()
    except AvsslError as error:
        return [type(error).__name__, str(error)]

def total(model):
    return sum(tensor.double().sum().item() for tensor in model.state_dict().values())

print(json.dumps({
    "auto_main": total(AutoModel.from_pretrained("org/model")),
    "auto_pinned": total(AutoModel.from_pretrained("org/model", revision=OLD)),
    "auto_config": AutoConfig.from_pretrained("org/model", revision=OLD).video_depth,
    "auto_processor": AutoProcessor.from_pretrained("org/model", revision=OLD).crop_size,
    "pipeline_main": total(pipeline("audio-visual-feature-extraction", "org/model", device="cpu").model),
    "pipeline_pinned": total(avssl_hub.pipeline("audio-visual-feature-extraction", "org/model", revision=OLD).model),
    "load_main": attempt(lambda: total(zoo.load("org/model"))),
    "load_pinned": attempt(lambda: total(zoo.load("hf://org/model", revision=OLD))),
    "load_card": attempt(lambda: total(zoo.load("avid_test.kinetics"))),
    "processor_card": attempt(lambda: zoo.load_processor("avid_test.kinetics").crop_size),
    "wrong_hash": attempt(lambda: total(zoo.load("avid_wrong.kinetics"))),
}))
"""


def client(endpoint, home, cards, **environment):
    settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "AVSSL_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", CLIENT, OLD, str(cards)]
    result = subprocess.run(
        command, env=os.environ | settings | environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def pinned_cards(template, folder):
    """Two cards that pin ``org/model`` at ``OLD``; the second expects other weights."""
    for name in ("avid_test.kinetics", "avid_wrong.kinetics"):
        header, body = split_card(template / "README.md")
        header["avssl"] |= {"name": name, "hub": {"repo_id": "org/model", "revision": OLD}}
        if name == "avid_wrong.kinetics":
            header["avssl"]["files"]["model.safetensors"] = "0" * 64
        (folder / name).mkdir(parents=True)
        (folder / name / "README.md").write_text(join_card(header, body), encoding="utf-8")
    return folder


def total(model):
    return sum(tensor.double().sum().item() for tensor in model.state_dict().values())


def test_hub_ids_revisions_and_the_cache(template, tmp_path):
    newer = Path(shutil.copytree(template, tmp_path / "newer"))
    small_model(seed=1).save_pretrained(newer)
    fill(newer)
    contents = {
        commit: {path.name: path.read_bytes() for path in folder.iterdir()}
        for commit, folder in ((OLD, template), (NEW, newer))
    }
    old, new = pytest.approx(total(small_model())), pytest.approx(total(small_model(seed=1)))
    assert total(small_model()) != new
    cards = pinned_cards(template, tmp_path / "cards")
    with HubServer({"org/model": contents}, {("org/model", "main"): NEW}) as server:
        online = client(server.url, tmp_path / "home", cards)
        weights = server.requests("model.safetensors")
    assert online["auto_main"] == online["pipeline_main"] == online["load_main"] == new
    assert online["auto_pinned"] == online["pipeline_pinned"] == online["load_pinned"] == online["load_card"] == old
    assert (online["auto_config"], online["auto_processor"], online["processor_card"]) == (10, 32, 32)
    assert online["wrong_hash"][0] == "HashMismatchError"
    digest = hashlib.sha256(contents[OLD]["model.safetensors"]).hexdigest()
    assert f"model.safetensors: got {digest}; expected {'0' * 64}" in online["wrong_hash"][1]
    assert len(weights) == 2, "each revision's weights come over the wire once"
    offline = client("http://127.0.0.1:9", tmp_path / "home", cards, HF_HUB_OFFLINE="1")
    assert offline == online
