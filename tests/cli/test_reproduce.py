"""``avssl reproduce``: refusals before any work, and what it says of finished runs."""

import json
import subprocess
import sys

import pytest

from avssl_hub.evaluation.claims import CLAIMS, Claim, Comparison, Variant, plan

CLAIM = Claim("least", "One beats two", "Nobody", 2, {"one": Variant("1"), "two": Variant("2")}, (), "A test.")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["avid_cna"], "unknown claim: got 'avid_cna'"),
        (["avid", "--seeds", "2"], "greater than or equal to 3"),
        (["avid", "loop.step=3"], "unknown recipe key in 'loop': got 'step'"),
    ],
)
def test_mistakes_are_explained_before_any_work(avssl, tmp_path, words, text):
    result = avssl("reproduce", *words, "-o", "out")
    assert result.exit_code == 2
    assert text in result.stderr
    assert not (tmp_path / "out").exists()


def test_finished_runs_become_a_table_a_figure_and_a_verdict(avssl, tmp_path, monkeypatch):
    statement = Comparison("One is better than two", "probe", "one", "two")
    monkeypatch.setitem(CLAIMS, "least", Claim(**{**vars(CLAIM), "comparisons": (statement,)}))
    for run in plan(CLAIMS["least"], "out", range(3)):
        run.folder.mkdir(parents=True)
        probe = {"one": 60.0, "two": 50.0}[run.variant] + run.recipe.seed
        (run.folder / "scores.json").write_text(json.dumps({"scores": {"probe": probe}, "score_seconds": 1.5}))
        (run.folder / "metrics.json").write_text(json.dumps({"seconds": 4.5}))
    result = avssl("reproduce", "least", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "One is better than two  probe  +10.0 ± 0.0  shown" in result.stdout
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["shown"] is True
    assert results["run_seconds"] == 6 * 6.0
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| 2 | 1 | 51.0 | 2 | 4 |" in table
    assert (tmp_path / "out" / "figure.png").stat().st_size > 5000


def test_a_missing_extra_is_named_with_the_command_that_brings_it(tmp_path):
    script = "import sys; sys.modules['sklearn'] = None; from avssl_hub.cli import main; sys.argv[0] = 'avssl'; main()"
    command = [sys.executable, "-c", script, "reproduce", "avid", "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "got no scikit-learn; expected the extra 'metrics'. Run: pip install 'avssl-hub[metrics]'" in done.stderr
    assert not (tmp_path / "out").exists()
