"""The leaderboard: which results it takes, what it calls them, Markdown, Hub metadata, and no drift."""

import json
import re
import shutil

import pytest
import yaml
from huggingface_hub import EvalResultEntry, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
from avssl_hub import zoo
from avssl_hub._cards import ModelCard, split_card
from benchmarks import _board, _generated, _hub_metadata, _page, _tasks
from benchmarks.__main__ import main
from benchmarks._results import ResultError, check_file
from tests.benchmarks.made_results import edit, made, whole
from tests.conftest import ROOT

PART = {"fold 1": "1" * 9 + "0", "fold 3": "1" * 7 + "000"}  # 80 % of 20 recordings
CARD = "avid_tiny.avworld"


@pytest.fixture
def results(tmp_path):
    """Return a folder with a model on a part and on the whole, a baseline, and a control."""
    folder = tmp_path / "results"
    made(folder, PART, model="m")
    made(folder, whole(0.9), model="m", protocol="avid_sound")
    made(folder, PART, model="plain", parameters=0, pretrain_data="nothing")
    made(folder, {"fold 1": "1" + "0" * 9, "fold 3": "0" * 10}, model="m", control="shuffled-labels")
    return folder


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of what of the checkout holds parts of the leaderboard."""
    shutil.copy(ROOT / "README.md", tmp_path)
    for path in sorted((ROOT / "model_cards").glob("*/README.md")):
        (tmp_path / "model_cards" / path.parent.name).mkdir(parents=True)
        shutil.copy(path, tmp_path / "model_cards" / path.parent.name)
    return tmp_path


def test_generated_parts_in_the_repository_are_up_to_date():
    drifted = [str(path.relative_to(ROOT)) for path in _generated.outdated(ROOT, _board.collect())]
    assert drifted == [], "run `python -m benchmarks leaderboard --write`"


def test_a_part_a_baseline_and_a_control_are_called_so(results):
    told = [(entry.data, entry.protocol, entry.model, entry.kind_in_words) for entry in _board.collect([results])]
    part = "ESC-10 (20 of 400 recordings)"
    assert told == [
        ("ESC-10", "avid_sound v1", "m", "model"),
        (part, "linear_probe v1", "m", "model"),
        (part, "linear_probe v1", "plain", "baseline"),
        (part, "linear_probe v1", "m", "control: shuffled labels"),
    ]


def test_results_of_an_old_task_are_called_old(tmp_path):
    edit(made(tmp_path, whole(0.5)), lambda result: result["task"].update(version=3))
    (entry,) = _board.collect([tmp_path])
    assert entry.data == "ESC-10 (version 3, now 1)"


def test_one_run_in_two_folders_is_refused(results, tmp_path):
    shutil.copytree(results, tmp_path / "again")
    with pytest.raises(ResultError, match=r"results m/1/esc10.*got .*again.*expected one"):
        _board.collect([results, tmp_path / "again"])
    assert main(["leaderboard", "--results", str(tmp_path / "gone")]) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda result: result["hits"].pop(), "hits: got .*expected the splits and scores of the reported layer"),
        (lambda result: result["hits"][0].update(hits=[1] * 10), "hits: got .*expected the splits and scores"),
        (lambda result: result["hits"][0]["groups"].pop(), r"hits: got \[\(9, 10\), \(10, 10\)\] groups and hits"),
    ],
)
def test_hits_that_contradict_the_scores_are_refused(tmp_path, change, message):
    file = edit(made(tmp_path, PART), change)
    with pytest.raises(ResultError, match=message):
        check_file(file)


def test_a_figure_that_is_told_twice_is_refused(tmp_path, monkeypatch):
    rows = json.loads((_tasks.ROOT / "esc50" / "external.json").read_text())[:2]
    (tmp_path / "esc50").mkdir()
    (tmp_path / "esc50" / "external.json").write_text(json.dumps([*rows, {**rows[0], "value": 99.0}]))
    monkeypatch.setattr(_tasks, "ROOT", tmp_path)
    with pytest.raises(_tasks.TaskError, match=r"Cross-AVID.*, twice: 67\.25 and 99\.0 of arXiv 2004.12943"):
        _tasks.external_figures("esc50")


def test_the_table_has_a_row_a_result_and_links_it(results, capsys):
    assert main(["leaderboard", "--results", str(results)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + 4
    assert rows[2] == (
        "| ESC-10 | avid_sound v1 | m | model | top-1 accuracy | [90.0](benchmarks/results/m/1/esc10.json) "
        "| 80.0 to 100.0 | 0.5 |"
    )


def test_names_cannot_break_a_table(tmp_path, capsys):
    made(tmp_path, PART, model="a|b`c<d>[e]")
    assert main(["leaderboard", "--results", str(tmp_path)]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert "| a\\|b'c&lt;d>\\[e\\] |" in row
    assert "](benchmarks/results/a%7Cb%60c%3Cd%3E%5Be%5D/1/esc10.linear_probe.json) |" in row


def test_model_index_names_parts_and_has_neither_baselines_nor_controls(results):
    index = _hub_metadata.model_index("m", _board.collect([results]))
    name, told = model_index_to_eval_results(json.loads(json.dumps(index)))
    assert name == "m"
    scores = {(one.dataset_name, one.metric_type, one.metric_name): one.metric_value for one in told}
    # The hits' share, worked out by hand: 90 % and 70 % of ten.
    assert scores == {
        ("ESC-10", "accuracy", "top-1 accuracy, avid_sound v1, pooled"): 0.9,
        ("ESC-10 (20 of 400 recordings)", "accuracy", "top-1 accuracy, linear_probe v1, pooled"): pytest.approx(0.8),
    }
    assert {one.task_type for one in told} == {"audio-classification"}


def test_only_whole_data_sets_feed_the_hubs_rankings(results):
    (entry,) = parse_eval_result_entries(_hub_metadata.eval_entries(_board.collect([results])))
    assert isinstance(entry, EvalResultEntry)
    assert (entry.task_id, entry.value) == ("esc10.avid_sound", 0.9)
    assert entry.dataset_id == _hub_metadata.BENCHMARK


def test_cards_and_readme_take_scores_of_their_own_weights(checkout, tmp_path):
    weights = zoo.card(CARD).files["model.safetensors"]
    folder = tmp_path / "results"
    made(folder, PART, model=CARD, revision=weights[:12], weights=weights)
    made(folder, {"fold 1": "1" + "0" * 9}, model=CARD, revision="older", protocol="avid_sound")
    made(folder, PART, model=CARD, revision="random-seed0", control="random-weights")
    entries = _board.collect([folder])
    for path, text in _generated.outdated(checkout, entries).items():
        path.write_text(text, encoding="utf-8")
    path = checkout / "model_cards" / CARD / "README.md"
    (index,) = ModelCard.read(path).metadata.model_index
    own, benchmark = index["results"]
    assert (own["dataset"]["name"], benchmark["metrics"][0]["value"]) == ("AVWorld", pytest.approx(0.8))
    # Beside the score, what the same network gives before any training.
    row = "| ESC-10 (20 of 400 recordings) | top-1 accuracy | 80.0 | 70.0 to 90.0 | 80.0 | – | linear_probe v1 |"
    assert row in split_card(path)[1]
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    assert "[10.0](benchmarks/results/avid_tiny.avworld/older/esc10.json)" in readme
    assert _generated.outdated(checkout, entries) == {}
    # Without the results all of it goes again.
    assert path in _generated.outdated(checkout, [])
    header = yaml.safe_load(_generated.outdated(checkout, [])[path].split("---\n")[1])
    assert header["model-index"][0]["results"] == [own]


def test_only_the_projects_own_results_are_written_into_it(results, capsys):
    assert main(["leaderboard", "--write", "--results", str(results)]) == 2
    assert "--write: got --results beside it; expected the project's own results" in capsys.readouterr().err


def test_a_folder_gets_all_there_is(results, tmp_path, capsys):
    out = tmp_path / "board"
    assert main(["leaderboard", "--results", str(results), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out / "index.html")
    for file in results.rglob("*.json"):
        assert (out / "results" / file.relative_to(results)).read_bytes() == file.read_bytes()
    models = out / "models" / "m" / "1"
    assert yaml.safe_load((models / "model-index.yaml").read_text())["model-index"][0]["name"] == "m"
    assert "| 90.0 |" in (models / "scores.md").read_text()
    assert yaml.safe_load((models / ".eval_results" / "avssl_hub.yaml").read_text())[0]["value"] == 0.9
    assert not (out / "models" / "plain").exists()
    assert len(list((out / "plots").glob("*.svg"))) == 2
    assert main(["leaderboard", "--results", str(results), "--out", str(out)]) == 2
    assert "pass --force" in capsys.readouterr().err
    assert main(["leaderboard", "--results", str(results), "--out", str(out), "--force"]) == 0


def test_names_in_the_data_cannot_end_the_script(tmp_path):
    # Not as a file: no such name can be a folder's.
    (entry,) = _board.collect([made(tmp_path, PART).parents[2]])
    entry.result["model"]["name"] = "</script><script>alert(1)</script><!-- page:data -->\u2028"
    text = _page.page([entry], [], {})
    assert "alert(1)</script>" not in text
    opening = '<script type="application/json" id="board">'
    data = json.loads(text.partition(opening)[2].partition("</script>")[0])
    assert data["ours"][0]["model"]["name"] == entry.result["model"]["name"]


def test_a_plot_follows_the_colours_around_it_and_needs_no_font(results):
    from benchmarks._plots import alone, draw_all

    plots = draw_all(_board.collect([results]))
    titles = {"ESC-10, audio: top-1 accuracy", "ESC-10 (20 of 400 recordings), audio: top-1 accuracy"}
    assert set(plots) == titles
    svg = plots["ESC-10 (20 of 400 recordings), audio: top-1 accuracy"]
    assert "currentColor" in svg
    assert "<text" not in svg
    parts = set(re.findall(r'id="control-\d+-\d+-(\w+)"', svg))
    assert parts == {"name", "line", "interval", "mark"}
    assert "prefers-color-scheme" in alone(svg)


def test_the_projects_own_results_have_a_page(tmp_path):
    assert main(["leaderboard", "--out", str(tmp_path / "board")]) == 0
    told = (tmp_path / "board" / "index.html").read_text()
    # Of features and classifiers, and of training.
    assert "esc10.json" in told
    assert "finetune.avid_8_ucf-changed" in told
