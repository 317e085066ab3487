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
    assert entry_points(hubconf) == named
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
        "load_processor",
    ):
        assert name in hubconf.avid_cma.__doc__
    assert hubconf.avid_cma.__name__ == "avid_cma"


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


# -S leaves out the line that puts an editable install of this checkout on the path; packages come in by hand.
CLIENT = """
import json, sys
sys.path.append(sys.argv[1])
import torch
repository = sys.argv[2]
small = {"video_depth": 10, "video_hidden_sizes": [4, 4, 4, 4], "audio_hidden_sizes": [4, 4, 4, 4]}
untrained = torch.hub.load(repository, "avid", source="local", **small)
result = {"class": type(untrained).__name__, "stem": list(untrained.video_encoder.stem.conv.weight.shape)}
result["training"] = untrained.training
from avssl_hub import load_processor
import avssl_hub
result["package"] = avssl_hub.__file__
result["crop"] = load_processor("avid_cma.audioset").crop_size
if sys.argv[3]:
    model = torch.hub.load(repository, "avid_cma", pretrained="tiny.avworld", source="local")
    result["pretrained"] = [sum(p.numel() for p in model.parameters()), model.training]
    processor = load_processor("avid_cma_tiny.avworld")
    second = torch.sin(torch.arange(processor.sampling_rate) / 10)
    with torch.inference_mode():
        embeds = model(**processor(audio=second, sampling_rate=processor.sampling_rate)).audio_embeds
    result["finite"] = bool(embeds.isfinite().all())
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def from_a_clean_copy(tmp_path_factory):
    """What the client reports, run in another folder against a copy that holds only the sources."""
    folder = tmp_path_factory.mktemp("export")
    for name in ("avssl_hub", "model_cards"):
        shutil.copytree(ROOT / name, folder / "repository" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "hubconf.py", folder / "repository" / "hubconf.py")
    (folder / "elsewhere").mkdir()
    tiny = "yes" if zoo.card("avid_tiny.avworld").files else ""
    command = [sys.executable, "-S", "-c", CLIENT, sysconfig.get_path("purelib"), str(folder / "repository"), tiny]
    result = subprocess.run(
        command,
        cwd=folder / "elsewhere",
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return folder / "repository", json.loads(result.stdout)


def test_an_untrained_model_takes_values_of_the_config(from_a_clean_copy):
    repository, result = from_a_clean_copy
    assert result["package"] == str(repository / "avssl_hub" / "__init__.py")
    assert (result["class"], result["training"]) == ("AvidModel", True)
    # out channels, colours, then the (3, 7, 7) kernel of the stem
    assert result["stem"] == [4, 3, 3, 7, 7]


def test_the_processor_is_at_hand_afterwards(from_a_clean_copy):
    assert from_a_clean_copy[1]["crop"] == 224


def test_pretrained_weights_come_with_the_copy(from_a_clean_copy):
    card = zoo.card("avid_tiny.avworld")
    if not card.files:
        pytest.skip("avid_tiny.avworld has no weights yet")
    assert from_a_clean_copy[1]["pretrained"] == [card.parameters, False]
    assert from_a_clean_copy[1]["finite"]
