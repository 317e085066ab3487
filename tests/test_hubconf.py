"""``torch.hub`` entry points, used from a clean copy of the sources without the package installed."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import torch

from avssl_hub import zoo
from avssl_hub.errors import InvalidValueError, UnknownNameError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def hubconf():
    spec = importlib.util.spec_from_file_location("hubconf", ROOT / "hubconf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry_points(module):
    return {name for name in dir(module) if callable(getattr(module, name)) and not name.startswith("_")}


def test_entry_points_are_those_of_the_cards(hubconf):
    named = {entry for card in zoo.catalogue().values() for entry in card.torch_hub.entry_points}
    assert entry_points(hubconf) == {*named, "processor"}
    assert {"avid", "avid_cma"} <= named


def test_an_untrained_variant_is_the_papers_unless_told_otherwise(hubconf):
    with torch.device("meta"):
        network = hubconf.multisensory_localization(fusion_hidden_size=8)
    assert type(network).__name__ == "MultisensoryForAlignment"
    assert (network.config.last_stage_stride, network.config.fusion_hidden_size) == (1, 8)
    with pytest.raises(InvalidValueError, match=r"MultisensoryConfig\.last_stage_stride: got 3"):
        hubconf.multisensory_separation(last_stage_stride=3)


def test_help_lists_the_weights_and_an_example(hubconf):
    for name in (
        '"audioset": AVID-CMA pretrained on AudioSet',
        '"kinetics"',
        '"tiny.avworld": A toy',
        'torch.hub.load(repository, "processor", "avid_cma.audioset")',
    ):
        assert name in hubconf.avid_cma.__doc__
    assert hubconf.avid_cma.__name__ == "avid_cma"


def test_a_processor_needs_no_weights(hubconf):
    assert hubconf.processor("avid_cma.audioset", num_frames=4).crop_size == 224


def test_dependencies_are_declared_by_the_package(hubconf):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {line.partition(">")[0].replace("-", "_") for line in project["dependencies"]}
    assert {name.replace("yaml", "pyyaml") for name in hubconf.dependencies} <= declared


def test_an_unknown_value_of_pretrained_lists_the_known(hubconf):
    with pytest.raises(
        UnknownNameError, match=r"unknown pretrained value of avid_cma: got 'audoset'.*Did you mean 'audioset'"
    ):
        hubconf.avid_cma(pretrained="audoset")
    with pytest.raises(UnknownNameError, match=r"got 'True'; expected one of 'audioset', 'kinetics', 'tiny\.avworld'"):
        hubconf.avid_cma(pretrained=True)


# -S leaves out the line that puts an editable install of this checkout on the path; packages come in by hand. The copy
# lies where torch.hub keeps what it has from GitHub, so that it looks there and needs no network.
CLIENT = """
import json, sys
sys.path.append(sys.argv[1])
import torch
torch.hub.set_dir(sys.argv[2])
call, known = json.loads(sys.argv[3]), {"trust_repo": True, "skip_validation": True, "verbose": False}
where = "avssl/hub:main"
result = {"list": sorted(torch.hub.list(where, **known))}
del known["verbose"]
result["help"] = {name: torch.hub.help(where, name, **known) for name in result["list"]}
small = {"video_depth": 10, "video_hidden_sizes": [4, 4, 4, 4], "audio_hidden_sizes": [4, 4, 4, 4]}
untrained = torch.hub.load(where, "avid", **known, **small)
result["stem"] = list(untrained.video_encoder.stem.conv.weight.shape)
import avssl_hub
result["package"] = avssl_hub.__file__


def told(model):
    return [type(model).__name__, sum(p.numel() for p in model.parameters()), model.training]


with torch.device("meta"):  # full size, and no memory
    result["untrained"] = {name: told(torch.hub.load(where, name, **known)) for name in call["variants"]}
result["pretrained"], result["processors"] = {}, {}
for variant, value, name in call["weights"]:
    model = torch.hub.load(where, variant, pretrained=value, **known)
    result["pretrained"][name] = told(model)
    result["processors"][name] = type(torch.hub.load(where, "processor", name, **known)).__name__
    if name == "avid_cma_tiny.avworld":
        processor = torch.hub.load(where, "processor", name, **known)
        second = torch.sin(torch.arange(processor.sampling_rate) / 10)
        with torch.inference_mode():
            embeds = model(**processor(audio=second, sampling_rate=processor.sampling_rate)).audio_embeds
        result["finite"] = bool(embeds.isfinite().all())
print(json.dumps(result))
"""


def variants():
    """Cards by the variant that ``torch.hub`` has them under."""
    found = {}
    for card in zoo.catalogue().values():
        for variant in card.torch_hub.entry_points:
            found.setdefault(variant, []).append(card)
    return found


@pytest.fixture(scope="module")
def from_a_clean_copy(tmp_path_factory):
    """What the client reports, run in another folder against a copy that holds only the sources."""
    folder = tmp_path_factory.mktemp("export")
    copy = folder / "hub" / "avssl_hub_main"
    for name in ("avssl_hub", "model_cards"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "hubconf.py", copy / "hubconf.py")
    (folder / "elsewhere").mkdir()
    here = [(name, card.torch_hub.pretrained, card.name) for name, cards in variants().items() for card in cards]
    wanted = {"variants": list(variants()), "weights": [entry for entry in here if zoo.card(entry[2]).files]}
    command = [
        sys.executable,
        "-S",
        "-c",
        CLIENT,
        sysconfig.get_path("purelib"),
        str(folder / "hub"),
        json.dumps(wanted),
    ]
    result = subprocess.run(
        command,
        cwd=folder / "elsewhere",
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return copy, json.loads(result.stdout)


def test_an_untrained_model_takes_values_of_the_config(from_a_clean_copy):
    copy, result = from_a_clean_copy
    assert result["package"] == str(copy / "avssl_hub" / "__init__.py")
    # out channels, colours, then the (3, 7, 7) kernel of the stem
    assert result["stem"] == [4, 3, 3, 7, 7]


def test_every_entry_point_is_listed_and_explained(from_a_clean_copy):
    _, result = from_a_clean_copy
    assert result["list"] == sorted([*variants(), "processor"])
    for variant, cards in variants().items():
        text = result["help"][variant]
        for card in cards:
            assert f'"{card.torch_hub.pretrained}": {card.summary}' in text
        assert f'torch.hub.load(repository, "{variant}", pretrained="' in text
    assert 'torch.hub.load(repository, "processor", ' in result["help"]["processor"]


def test_every_entry_point_builds_the_papers_network(from_a_clean_copy):
    _, result = from_a_clean_copy
    for variant, cards in variants().items():
        name, parameters, training = result["untrained"][variant]
        assert (name, training) == (cards[0].class_, True)
        if papers := [card.parameters for card in cards if card.original]:
            assert parameters == papers[0]


def test_weights_come_with_the_copy(from_a_clean_copy):
    _, result = from_a_clean_copy
    small = {card.name: card for card in zoo.catalogue().values() if card.files}
    assert result["pretrained"] == {name: [card.class_, card.parameters, False] for name, card in small.items()}
    assert set(result["processors"]) == set(small)
    assert result["processors"]["avsa_tiny.avworld"] == "AvsaProcessor"
    assert result["finite"]
