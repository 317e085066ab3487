"""Publishing: what is refused, and the real client against a loopback Hub, from the upload to offline use."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from avssl_hub import zoo
from avssl_hub._cards import ModelCard, join_card, split_card
from avssl_hub.errors import AvsslError, WeightsNotFoundError
from avssl_hub.media import write_media
from conversion import publish as publishing
from conversion._publishable import card_problems, evidence_problems, file_problems, licence_problems
from conversion._upload import PublishError

from ..conftest import ROOT
from ..hub_server import HubServer

NAME, REPO = "avid_tiny.avworld", "avteam/avid_tiny-avworld"


@pytest.fixture
def checkpoint(tmp_path):
    return Path(shutil.copytree(zoo.card(NAME).path.parent, tmp_path / "cards" / NAME))


def edited(folder, change, body=lambda text: text):
    header, text = split_card(folder / "README.md")
    change(header)
    (folder / "README.md").write_text(join_card(header, body(text)), encoding="utf-8")
    return ModelCard.read(folder / "README.md")


# What is refused


@pytest.mark.parametrize(
    ("name", "reason"),
    [("avid_cma.audioset", "not known"), ("multisensory.audioset", "not known"), ("avsa.yt360", "not allowed")],
)
def test_weights_whose_authors_did_not_allow_it_are_not_passed_on(name, reason):
    with pytest.raises(PublishError, match=rf"publishing {name}: got passing the weights on is {reason} \(licence"):
        publishing.publish(name, "avteam")


@pytest.mark.parametrize(
    ("weights", "shown", "expected"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}, []),
        ("CC-BY-NC-4.0", {"license": "cc-by-nc-4.0"}, []),
        (
            "CC-BY-NC-4.0",
            {"license": "apache-2.0"},
            ["the Hub's license is 'apache-2.0', but the", "non-commercial use"],
        ),
        ("MIT", {"license": "other"}, ["license 'other' without license_name and license_link"]),
        ("OpenRAIL", {"license": "other", "license_name": "openrail", "license_link": "https://a.org"}, []),
        (
            "for non-commercial research only",
            {"license": "other", "license_name": "research", "license_link": "https://a.org"},
            ["the weights are for non-commercial use (for non-commercial research only)"],
        ),
    ],
)
def test_the_hubs_licence_has_to_be_that_of_the_weights(checkpoint, weights, shown, expected):
    def change(header):
        header.update(shown)
        header["avssl"]["licence"]["weights"] = weights

    problems = licence_problems(edited(checkpoint, change))
    assert len(problems) == len(expected)
    assert all(part in problem for part, problem in zip(expected, problems))


def test_only_a_yes_lets_weights_be_passed_on(checkpoint):
    card = edited(checkpoint, lambda header: header["avssl"]["licence"].update(redistributable="no"))
    assert licence_problems(card) == ["passing the weights on is not allowed (licence of the weights: Apache-2.0)"]


def test_pickles_links_folders_and_files_under_false_names_are_named(checkpoint):
    assert file_problems(checkpoint) == []
    torch.save({"a": torch.zeros(1)}, checkpoint / "pytorch_model.bin")
    torch.save({"a": torch.zeros(1)}, checkpoint / "memory_banks.safetensors")
    (checkpoint / "LICENSE").symlink_to("/etc/hostname")
    (checkpoint / "logs").mkdir()
    link, folder, banks, pickle = sorted(file_problems(checkpoint))
    assert (link, folder) == ("LICENSE is no plain file", "logs is no plain file")
    assert banks.startswith("memory_banks.safetensors is no safetensors file")
    assert pickle.startswith("pytorch_model.bin is neither .safetensors nor one of config.json")


def test_a_card_with_an_empty_section_or_an_outdated_part_is_named(checkpoint):
    card = edited(checkpoint, lambda header: None)
    assert card_problems(card) == []
    text = "All training clips were drawn and synthesised by a program: no person, recording or third-party work is in "
    text += "them."
    card = edited(checkpoint, lambda header: None, lambda body: body.replace(text, "").replace("758,432", "1"))
    assert card_problems(card) == [
        "the card has no text under 'Bias and privacy'",
        "generated parts of the card are out of date",
    ]


def test_what_is_not_proven_is_named(checkpoint):
    original = {"code": "https://a.org", "commit": "1", "url": "https://a.org/a", "sha256": "a" * 64}
    parity = {"max_abs_error": 1e-7, "tolerance": 1e-5, "against": "a second statement"}
    card = edited(checkpoint, lambda header: header["avssl"].update(original=original, parity=parity))
    (problem,) = evidence_problems(checkpoint, card)
    assert problem.startswith("parity_report.json cannot be read (FileNotFoundError")
    report = {"name": NAME, "max_error": 1e-7, "tolerance": 1e-5, "source_sha256": {"a": "a" * 64}}
    path = checkpoint / "parity_report.json"
    path.write_text(json.dumps(report))
    assert evidence_problems(checkpoint, card) == []
    path.write_text(json.dumps(report | {"name": "another", "max_error": 1.0, "source_sha256": {"a": "b" * 64}}))
    assert evidence_problems(checkpoint, card) == [
        "parity_report.json is of another",
        "parity_report.json shows an error of 1, 1e-05 is allowed",
        "parity_report.json is not of the file whose sha256 the card gives",
    ]
    (checkpoint / "golden.safetensors").unlink()
    assert "golden.safetensors is missing" in evidence_problems(checkpoint, card)


def test_everything_wrong_is_told_at_once_before_the_network_is_asked(checkpoint, monkeypatch):
    monkeypatch.setattr(zoo, "cards_folder", lambda: checkpoint.parent)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(publishing, "remote_files", lambda repo_id: pytest.fail("the Hub was asked"))
    (checkpoint / "notes.pkl").touch()
    (checkpoint / "golden.safetensors").unlink()
    with pytest.raises(PublishError) as caught:
        publishing.publish(NAME, "avteam")
    assert "notes.pkl is neither" in str(caught.value)
    assert "; golden.safetensors is missing; expected a folder that is in order." in str(caught.value)
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(WeightsNotFoundError, match="no weights on this machine"):
        publishing.publish(NAME, "avteam")


def test_offline_nothing_can_be_published(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AvsslError, match="offline mode; expected a network"):
        publishing.publish(NAME, "avteam", dry_run=True)


# With the real client, in a process of its own: huggingface_hub reads its settings when imported.

PUBLISHER = """
import contextlib, io, json, os, sys
from pathlib import Path
from avssl_hub import zoo
from conversion.__main__ import main
zoo.cards_folder = lambda: Path(sys.argv[1])

def run(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["publish", "avid_tiny.avworld", *words])
    return status, out.getvalue().splitlines(), err.getvalue()

told = [run("--org", "avteam", "--dry-run"), run("--org", "avteam"), run("--org", "avteam")]
told.append(run("--org", "somebody"))
card = Path(sys.argv[1], "avid_tiny.avworld", "README.md")
card.write_text(card.read_text().replace("**A toy.**", "**Still a toy.**"))
told += [run("--org", "avteam", "--dry-run"), run("--org", "avteam")]
json.dump(told, sys.stdout)
"""
READER = """
import json, sys
from pathlib import Path
import torch
from transformers import AutoModel, AutoProcessor
import avssl_hub
from avssl_hub.app.abilities import SIMILARITY
from avssl_hub.app.answer import answer
from avssl_hub.app.limits import Limits
from avssl_hub.app.work import Workshop
from avssl_hub.cli import app
from typer.testing import CliRunner
repo, export, clip = sys.argv[1:]

def total(model):
    return sum(tensor.double().sum().item() for tensor in model.state_dict().values())

told = {"package": avssl_hub.__file__, "load": total(avssl_hub.load(repo))}
told["auto"] = total(AutoModel.from_pretrained(repo))
told["processor"] = AutoProcessor.from_pretrained(repo).crop_size
told["catalogue"] = total(avssl_hub.load("avid_tiny.avworld"))
told["torch_hub"] = total(torch.hub.load(export, "avid", pretrained="tiny.avworld", source="local"))
embed = CliRunner().invoke(app, ["embed", clip, "-m", repo, "-o", "out.npz", "--force"])
verify = CliRunner().invoke(app, ["verify", "hf://" + repo, "--json"])
told["pipeline"] = list(avssl_hub.pipeline("audio-visual-feature-extraction", repo)(clip).video_embeds.shape)
workshop = Workshop(Path(), Limits(), "cpu")
page = answer(workshop, "reader", SIMILARITY, "avid_tiny.avworld", Path(clip), lambda done, total, what: None)
told["page"] = [page.kind, [file.name for file in page.files]]
told["embed"] = [embed.exit_code, embed.output if embed.exit_code else ""]
told["verified"] = json.loads(verify.stdout)["verified"]
print(json.dumps(told))
"""


def run(code, arguments, cwd, **environment):
    settings = {"HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1", "AVSSL_HOME": str(cwd)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(
        command, cwd=cwd, env=os.environ | settings | environment, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def exported(folder, revision):
    """A copy of the sources whose card pins the published commit; the weights are not in it."""
    shutil.copytree(ROOT / "avssl_hub", folder / "avssl_hub", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "hubconf.py", folder / "hubconf.py")
    card = folder / "model_cards" / NAME
    card.mkdir(parents=True)
    for name in ("README.md", "config.json", "preprocessor_config.json"):
        shutil.copyfile(zoo.card(NAME).path.with_name(name), card / name)
    edited(card, lambda header: header["avssl"].update(hub={"repo_id": REPO, "revision": revision}))
    return folder


def test_a_checkpoint_is_published_once_and_used_by_everyone_then_offline(checkpoint, tmp_path):
    clip = write_media(
        tmp_path / "clip.mp4", torch.zeros(16, 64, 64, 3, dtype=torch.uint8), 8.0, torch.zeros(1, 32000), 16000
    )
    files = sorted(path.name for path in checkpoint.iterdir())
    with HubServer(writers={"secret": "avteam"}) as server:
        online = {"HF_ENDPOINT": server.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
        dry, first, second, foreign, edit, third = run(
            PUBLISHER, [checkpoint.parent], tmp_path, **online, HF_TOKEN="secret", PYTHONPATH=str(ROOT)
        )
        assert dry == [0, [f"would make {REPO}", *(f"would upload {name}" for name in files)], ""]
        commit = sorted(server.repositories[REPO], key=list(server.repositories[REPO]).index)[1]
        assert first[1][:-1] == [f"made {REPO}", *(f"uploaded {name}" for name in files)]
        assert first[1][-1].startswith(f"{REPO} is now at {commit}; ")
        assert second[1] == [*(f"unchanged {name}" for name in files), f"{REPO} is up to date"]
        assert foreign[0] == 2
        assert "publishing to somebody/avid_tiny-avworld: got server status 403; expected leave to write" in foreign[2]
        assert edit[1] == ["would upload README.md", *(f"unchanged {name}" for name in files if name != "README.md")]
        assert third[1][0] == "uploaded README.md"
        # The repository as it was made, the first upload, and the edited card; large files went once.
        assert len(server.repositories[REPO]) == 3
        assert sorted(len(content) for content in server.large.values()) == sorted(
            (checkpoint / name).stat().st_size for name in ("golden.safetensors", "model.safetensors")
        )
        published = server.repositories[REPO][commit]
        for name in set(files) - {"README.md"}:
            assert published[name] == (checkpoint / name).read_bytes()
        text = published["README.md"].decode()
        assert f'avssl_hub.load("{REPO}")' in text
        assert f"repo_id: {REPO}" in text
        assert "](../" not in text

        export = exported(tmp_path / "export", commit)
        reader = [REPO, export, clip]
        seen = run(READER, reader, tmp_path, **online, PYTHONPATH=str(export))
        weights = server.requests("model.safetensors")
    assert seen.pop("package") == str(export / "avssl_hub" / "__init__.py")
    expected = sum(tensor.double().sum().item() for tensor in zoo.load(NAME).state_dict().values())
    assert {name: seen[name] for name in ("load", "auto", "catalogue", "torch_hub")} == dict.fromkeys(
        ("load", "auto", "catalogue", "torch_hub"), pytest.approx(expected)
    )
    assert (seen["processor"], seen["embed"], seen["verified"]) == (zoo.load_processor(NAME).crop_size, [0, ""], True)
    assert (seen["pipeline"], seen["page"]) == ([2, 64], ["done", ["similarity.png"]])
    # Of each of two commits once, and not again.
    assert len(weights) <= 2
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    again = run(READER, reader, tmp_path, **offline, PYTHONPATH=str(export))
    assert again.pop("package") == str(export / "avssl_hub" / "__init__.py")
    assert again == seen
