"""Results side by side: paired and unpaired differences, and what is refused."""

from pathlib import Path

import pytest

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
from benchmarks import _compare
from benchmarks.__main__ import main
from benchmarks._board import Entry
from tests.benchmarks.made_results import edit, made

EASY = {"fold 1": "1" * 30 + "0" * 10, "fold 2": "1" * 20 + "0" * 20}
# Right where EASY is, and on four more of each fold.
BETTER = {"fold 1": "1" * 34 + "0" * 6, "fold 2": "1" * 24 + "0" * 16}


@pytest.fixture
def two(tmp_path):
    made(tmp_path, EASY, model="old")
    made(tmp_path, BETTER, model="new")
    return tmp_path


def lines(folder, *names):
    (comparison,) = _compare.compare([_compare.find(name, [folder]) for name in names])
    return comparison


def bounds(line):
    return [float(bound) for bound in line.difference[1].split(" to ")]


def test_differences_are_paired_by_recording(two):
    comparison = lines(two, "old", "new")
    old, new = comparison.lines
    assert (old.score, new.score, new.difference[0]) == ("62.5", "72.5", "+10.0")
    assert new.splits == {"fold 1": "85.0", "fold 2": "60.0"}
    assert comparison.remark.startswith("Differences are from old, in points. Paired")
    # Each fold gains 4 of 40: a mean of 0.1, whose standard error is sqrt(0.1 * 0.9 / 80), 3.35 points.
    low, high = bounds(new)
    assert low == pytest.approx(10 - 1.96 * 3.35, abs=1.2)
    assert high == pytest.approx(10 + 1.96 * 3.35, abs=1.2)


def test_more_than_two_are_set_against_the_first(two):
    third = made(two, EASY, model="third")
    comparison = lines(two, "old", "new", str(third))
    assert [line.name for line in comparison.lines] == ["old", "new", "third@1"]
    assert comparison.lines[2].difference == ("+0.0", "+0.0 to +0.0")


def test_a_model_stands_for_its_scores_and_a_file_for_a_control(two, capsys):
    control = made(two, EASY, model="new", control="shuffled-labels")
    assert main(["compare", "old", "new", "--results", str(two)]) == 0
    assert "control" not in capsys.readouterr().out
    assert main(["compare", str(two / "old"), str(control)]) == 0
    assert "new@1 (control: shuffled labels)" in capsys.readouterr().out


def test_revisions_of_a_model_are_told_apart(two):
    made(two, EASY, model="new", revision="2")
    with pytest.raises(_compare.ComparisonError, match=r"new/1/.* and new/2/.*expected one of each.*MODEL@REVISION"):
        _compare.find("new", [two])
    assert [line.name for line in lines(two, "new@1", "new@2").lines] == ["new@1", "new@2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "got other protocol version 1 and 2; expected the same in both"),
        ({"settings": {"clips": 3}}, r"other protocol settings \{'clips': 10\} and \{'clips': 3\}"),
        ({"contents": "e" * 64}, "other contents_sha256 of the data [0-9a-f]{12}… and eeeeeeeeeeee…"),
        ({"metric": "R@1"}, "other metric top-1 accuracy and R@1"),
    ],
)
def test_unlike_results_are_not_compared(two, changes, message):
    made(two, EASY, model="new", **changes)
    with pytest.raises(_compare.ComparisonError, match=message):
        lines(two, "old", "new")


def test_results_of_two_recipes_are_told_apart(tmp_path):
    for model, hits in (("old", EASY), ("new", BETTER)):
        for recipe, changed in (("long", []), ("short", []), ("short", ["loop.epochs"])):
            made(tmp_path, hits, model=model, settings={"recipe": recipe, "changed": changed})
    comparisons = _compare.compare([_compare.find(name, [tmp_path]) for name in ("old", "new")])
    assert [comparison.lines[1].difference[0] for comparison in comparisons] == ["+10.0"] * 3
    entry = Entry(
        {"protocol": {"name": "finetune", "version": 2, "settings": {"recipe": "gdt", "changed": ["x"]}}}, Path()
    )
    assert entry.protocol == "finetune.gdt-changed v2"


def test_another_task_version_is_named(two):
    other = edit(two / "new" / "1" / "esc10.linear_probe.json", lambda result: result["task"].update(version=7))
    with pytest.raises(_compare.ComparisonError, match="other task version 1 and 7"):
        lines(two, "old", str(other))


def test_files_of_two_protocols_are_told_to_be_so(two):
    other = made(two, EASY, model="new", protocol="avid_sound")
    with pytest.raises(_compare.ComparisonError, match="other protocol linear_probe and avid_sound"):
        lines(two, str(two / "old" / "1" / "esc10.linear_probe.json"), str(other))


def test_what_cannot_be_found_is_named(two, tmp_path, capsys):
    assert main(["compare", "old", "nwe", "--results", str(two)]) == 2
    assert "unknown model with results: got 'nwe'" in capsys.readouterr().err
    assert main(["compare", "old", "--results", str(two)]) == 2
    assert "results to compare: got 1; expected two or more" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["compare", "old", str(tmp_path / "empty"), "--results", str(two)]) == 2
    assert "empty: got none" in capsys.readouterr().err
    assert main(["compare", "old", str(tmp_path / "gone.json"), "--results", str(two)]) == 2
    assert "Or name a result file, or a folder of results." in capsys.readouterr().err


def test_models_without_a_common_task_are_told_what_they_have(two):
    old = _compare.find("old", [two])
    result = old.entries[0].result
    of_esc50 = Entry(result | {"task": result["task"] | {"name": "esc50", "title": "ESC-50", "part": None}}, Path("x"))
    far = _compare.Subject("far", [of_esc50])
    message = r"none \(old has ESC-10 \(80 of 400 recordings\), linear_probe v1; far has ESC-50, linear_probe v1\)"
    with pytest.raises(_compare.ComparisonError, match=message):
        _compare.compare([old, far])
