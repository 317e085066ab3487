"""The card schema, what is generated from cards, and that the files in the repository have not drifted."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard as HubCard

from avssl_hub import cards, zoo
from avssl_hub._card_text import models_table
from avssl_hub._cards import ModelCard, Parity, join_card, split_card
from avssl_hub._hub_header import hub_header
from avssl_hub.errors import InvalidValueError
from avssl_hub.models.avid import AvidConfig, AvidModel

ROOT = Path(__file__).resolve().parents[1]
SCORE = {
    "dataset": "AVWorld",
    "metric": "R@1 %",
    "value": 40,
    "spread": 1.5,
    "baseline": 1.0,
    "baseline_spread": 0.25,
    "protocol": "100 held-out clips",
    "source": "measured",
    "evidence": "measured",
}


@pytest.fixture
def edited(tmp_path):
    """Return ``edit(change)``: the path of a card whose header went through ``change``."""

    def edit(change):
        header, body = split_card(zoo.card("avid.kinetics").path)
        change(header)
        path = tmp_path / "README.md"
        path.write_text(join_card(header, body), encoding="utf-8")
        return path

    return edit


def test_generated_parts_in_the_repository_are_up_to_date():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if "<!-- models:start -->" not in readme:
        pytest.skip("README.md has no place for the table of models yet")
    drifted = [str(path.relative_to(ROOT)) for path in cards.outdated(ROOT)]
    assert drifted == [], "run `python -m avssl_hub.cards --write`"


@pytest.mark.parametrize("name", sorted(zoo.catalogue()))
def test_generated_parts_of_a_card_are_up_to_date(name):
    card = zoo.card(name)
    assert cards.regenerate(card) == card.path.read_text(encoding="utf-8"), "run `python -m avssl_hub.cards --write`"


@pytest.mark.parametrize("name", sorted(zoo.catalogue()))
def test_listed_hashes_are_those_of_the_files(name):
    card = zoo.card(name)
    for file, digest in card.files.items():
        assert hashlib.sha256(card.path.with_name(file).read_bytes()).hexdigest() == digest


def test_a_missing_field_is_named_with_its_file(edited):
    path = edited(lambda header: header["avssl"]["paper"].pop("title"))
    with pytest.raises(InvalidValueError) as caught:
        ModelCard.read(path)
    assert f"{path}: field avssl.paper.title: got nothing; expected a value." in str(caught.value)


def test_an_unknown_field_gets_a_close_match(edited):
    path = edited(lambda header: header["avssl"].update(familly="avid"))
    with pytest.raises(InvalidValueError, match=r"field avssl\.familly: got an unknown field.*Did you mean 'family'\?"):
        ModelCard.read(path)
    path = edited(lambda header: header.update(licence="mit"))
    with pytest.raises(InvalidValueError, match=r"field licence: got an unknown field.*Did you mean 'license'\?"):
        ModelCard.read(path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"parameters": "many"}, "field avssl.parameters: got 'many'; expected a value of type int"),
        ({"tasks": "embed"}, "field avssl.tasks: got 'embed'; expected a list"),
        ({"files": []}, "field avssl.files: got []; expected a mapping"),
        ({"gmacs": {"video": None}}, "field avssl.gmacs.video: got None; expected a value of type float"),
        ({"parity": 3}, "field avssl.parity: got 3; expected a mapping"),
        (
            {"licence": {"code": "MIT", "weights": "MIT", "redistributable": True}},
            "field avssl.licence.redistributable: got True; expected one of 'yes', 'no', 'unknown'. Quote it",
        ),
        ({"scores": [{**SCORE, "evidence": "recalled"}]}, "field avssl.scores[0].evidence: got 'recalled'"),
    ],
)
def test_an_ill_typed_field_is_refused(edited, change, expected):
    path = edited(lambda header: header["avssl"].update(change))
    with pytest.raises(InvalidValueError) as caught:
        ModelCard.read(path)
    assert f"{path}: {expected}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A model\n", "expected YAML between two '---' lines"),
        ("---\nlicense: [mit\n---\n", "got a YAML error"),
        ("---\n- mit\n---\n", "expected a mapping"),
        ("---\nlicense: mit\n---\n", "field avssl: got nothing"),
    ],
)
def test_a_file_without_our_header_is_refused(tmp_path, text, expected):
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(InvalidValueError) as caught:
        ModelCard.read(path)
    assert expected in str(caught.value)


def test_a_whole_number_stands_for_a_float_and_lists_become_tuples(edited):
    card = ModelCard.read(edited(lambda header: header["avssl"].update(gmacs={"video": 12})))
    assert (card.gmacs, card.paper.authors[0], card.class_) == ({"video": 12.0}, "Pedro Morgado", "AvidModel")


def test_the_table_has_one_row_a_card_with_its_facts():
    lines = models_table([zoo.card("avid_cma.audioset"), zoo.card("avid.kinetics")]).splitlines()
    assert len(lines) == 4
    assert lines[2] == (
        "| [`avid_cma.audioset`](model_cards/avid_cma.audioset/README.md) | AudioSet (1,784,108 clips, no labels) "
        "| 21.3 M | UCF-101, top-1 %: 91.5 (release) | not stated separately (code: CC-BY-NC-4.0) | convert |"
    )


@pytest.mark.parametrize("name", sorted(zoo.catalogue()))
def test_the_hub_reads_every_card(name):
    card = zoo.card(name)
    read = HubCard(card.path.read_text(encoding="utf-8")).data
    assert (read.library_name, read.pipeline_tag) == ("transformers", card.metadata.pipeline_tag)
    assert set(card.tasks) <= set(read.tags)
    assert ("toy" in read.tags) == (card.original is None)
    # What is measured on the procedural world comes first; results of benchmarks follow.
    measured = [score for score in card.scores if score.source == "measured"]
    results = [result for result in read.eval_results or [] if result.dataset_type == "avworld"]
    assert [result.metric_name.partition("; ")[2] for result in results] == [score.protocol for score in measured]
    for result, score in zip(results, measured):
        assert result.metric_value == pytest.approx(score.value / (100 if score.metric.endswith("%") else 1))


def test_the_hubs_part_follows_ours(edited):
    def change(header):
        header["avssl"].update(scores=[{**SCORE, "metric": "SDR, dB"}], tasks=["mono-to-ambisonics"])
        header["avssl"]["licence"]["weights"] = "OpenRAIL-M (with conditions)"

    header = hub_header(ModelCard.read(edited(change)))
    assert (header["license"], header["license_name"]) == ("other", "openrail-m")
    assert header["license_link"] == "https://github.com/facebookresearch/AVID-CMA"
    assert (header["pipeline_tag"], "ambisonics" in header["tags"]) == ("audio-to-audio", True)
    (index,) = header["model-index"]
    (result,) = index["results"]
    assert result["dataset"] == {"name": "AVWorld", "type": "avworld"}
    assert result["metrics"] == [
        {
            "type": "sdr",
            "value": 40.0,
            "name": "SDR, dB; 100 held-out clips",
            "args": {"spread_over_seeds": 1.5, "random_weights": 1.0},
        }
    ]
    benchmark = {"task": {"type": "t"}, "dataset": {"name": "E", "type": "esc10"}, "metrics": []}
    assert hub_header(ModelCard.read(edited(change)), [benchmark])["model-index"][0]["results"] == [result, benchmark]
    free = hub_header(ModelCard.read(edited(lambda header: header["avssl"]["licence"].update(weights="Apache-2.0"))))
    assert free["license"] == "apache-2.0"
    assert "license_name" not in free


def test_a_change_of_the_hubs_part_by_hand_is_drift(checkout):
    card = checkout / "model_cards" / "avid.kinetics" / "README.md"
    card.write_text(card.read_text().replace("pipeline_tag: feature-extraction", "pipeline_tag: image-to-text"))
    assert card in cards.outdated(checkout)
    assert "pipeline_tag: feature-extraction" in cards.outdated(checkout)[card]


def test_text_goes_between_the_markers_and_nowhere_else():
    text = "a\n<!-- x:start -->\nold\n<!-- x:end -->\nb\n"
    assert cards.replace_between(text, "x", "new", "file") == "a\n<!-- x:start -->\nnew\n<!-- x:end -->\nb\n"
    for broken in ("a", "<!-- x:start -->", text + text):
        with pytest.raises(InvalidValueError, match="file: generated part 'x'"):
            cards.replace_between(broken, "x", "new", "file")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a README and one card beside a small trained model."""
    folder = tmp_path / "model_cards" / "avid.kinetics"
    folder.mkdir(parents=True)
    shutil.copyfile(zoo.card("avid.kinetics").path, folder / "README.md")
    torch.manual_seed(0)
    AvidModel(
        AvidConfig(video_depth=10, video_hidden_sizes=(4, 4, 4, 4), audio_hidden_sizes=(4, 4, 4, 4))
    ).save_pretrained(folder)
    (tmp_path / "README.md").write_text("# Zoo\n<!-- models:start -->\n<!-- models:end -->\n")
    monkeypatch.setattr(zoo, "cards_folder", lambda: folder.parent)
    return tmp_path


def test_fill_takes_facts_from_the_files_and_scores_from_a_list(checkout):
    folder = checkout / "model_cards" / "avid.kinetics"
    card = cards.fill(folder, [SCORE], Parity(2e-7, 1e-5, "the reference"), original_sha256="f" * 64)
    weights = (folder / "model.safetensors").read_bytes()
    assert card.files["model.safetensors"] == hashlib.sha256(weights).hexdigest()
    assert set(card.files) == {"config.json", "model.safetensors"}
    assert card.scores[0].value == 40.0
    assert [score.source for score in card.scores].count("release") == 3
    assert (card.parity.max_abs_error, card.original.sha256) == (2e-7, "f" * 64)
    text = card.path.read_text(encoding="utf-8")
    assert "| AVWorld | R@1 % | 40.0 ± 1.5 | 1.0 ± 0.25 | 100 held-out clips | measured (measured) |" in text
    assert "python -m conversion" not in text.partition("## How to use it")[2]
    # A second list replaces the measured scores and leaves the published ones.
    again = cards.fill(folder, [{**SCORE, "value": 50.0}])
    assert [score.value for score in again.scores if score.source == "measured"] == [50.0]
    assert again.parity == card.parity


def test_fill_counts_the_parameters(checkout):
    # Stem 3·4·147 + BN 8; four blocks of 4·4·(9+3+9+3) + 4 BN of 8; three strided shortcuts of 4·4.
    video = 4 * 3 * 147 + 8 + 4 * (4 * 4 * 24 + 4 * 8) + 3 * 16
    # Stem 4·49 + BN 8; four blocks of two 4·4·9 and two BN of 8.
    audio = 4 * 49 + 8 + 4 * (2 * 4 * 4 * 9 + 2 * 8)
    head = (4 * 512 + 512) + (512 * 512 + 512) + (512 * 128 + 128)
    assert cards.fill(checkout / "model_cards" / "avid.kinetics").parameters == video + audio + 2 * head


def test_the_command_finds_drift_and_mends_it(checkout, capsys):
    scores = checkout / "scores.json"
    scores.write_text(json.dumps([SCORE]))
    assert cards.main([]) == 1
    assert "README.md: out of date" in capsys.readouterr().out
    assert cards.main(["--write", "--fill", "avid.kinetics", "--scores", str(scores)]) == 0
    assert "avid.kinetics" in (checkout / "README.md").read_text(encoding="utf-8")
    capsys.readouterr()
    assert cards.main([]) == 0
    assert capsys.readouterr().out == ""
    scores.write_text(json.dumps([{**SCORE, "metrik": "x"}]))
    assert cards.main(["--fill", "avid.kinetics", "--scores", str(scores)]) == 1
    assert "scores[0].metrik: got an unknown field" in capsys.readouterr().err
