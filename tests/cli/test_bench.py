"""``avssl bench``: the commands of the benchmarks, passed through."""

import pytest

pytest.importorskip("sklearn", reason="benchmarks need the extra 'metrics'")


def test_commands_are_passed_through_with_their_options_and_status(avssl, tmp_path):
    listed = avssl("bench", "ls")
    assert (listed.exit_code, "esc10" in listed.stdout) == (0, True)
    refused = ("--model", "avid_tiny.avworld", "--data", "x", "--out", tmp_path, "--task", "esc-10")
    result = avssl("bench", "run", *refused)
    assert (result.exit_code, "unknown task: got 'esc-10'" in result.stderr) == (2, True)


def test_help_is_that_of_the_benchmarks(avssl):
    result = avssl("bench", "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("usage: avssl bench ")
    assert "validate" in result.stdout
