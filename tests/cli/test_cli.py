"""The command as a whole: help, version, errors, and what starting it costs."""

import subprocess
import sys

import pytest

import avssl_hub
from avssl_hub.cli._companions import companion
from avssl_hub.errors import AvsslError

VERBS = (
    "ls",
    "info",
    "embed",
    "sync",
    "localize",
    "separate",
    "spatialize",
    "align360",
    "segment360",
    "recognize",
    "demo",
    "train",
    "reproduce",
    "convert",
    "doctor",
    "app",
    "data",
)


def test_help_lists_the_verbs(avssl):
    result = avssl("--help")
    assert result.exit_code == 0
    assert all(f" {verb} " in result.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", [*VERBS[:-1], "data prepare"])
def test_every_verb_has_help(avssl, verb):
    result = avssl(*verb.split(), "--help")
    assert result.exit_code == 0
    assert f"avssl {verb}" in result.stdout


def test_version(avssl):
    result = avssl("--version")
    assert (result.exit_code, result.stdout) == (0, f"avssl_hub {avssl_hub.__version__}\n")


def test_starting_loads_nothing_heavy():
    heavy = {"torch", "transformers", "av", "numpy", "pyarrow", "matplotlib", "huggingface_hub"}
    code = f"import sys, avssl_hub.cli; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_user_error_is_one_paragraph_on_stderr(avssl):
    result = avssl("info", "avid_cma.audiset")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: unknown model: got 'avid_cma.audiset'; expected one of 'avid.audioset', ")
    assert "Did you mean 'avid_cma.audioset'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_debug_lets_errors_through(avssl):
    result = avssl("--debug", "info", "nope")
    assert isinstance(result.exception, AvsslError)


def test_python_m_works():
    command = [sys.executable, "-m", "avssl_hub.cli", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"avssl_hub {avssl_hub.__version__}\n"


def test_companions_are_found_in_a_checkout():
    assert "avid_cma.audioset" in companion("conversion.registry").names()


def test_a_missing_companion_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("avssl_hub.cli._companions._PACKAGE", tmp_path / "avssl_hub")
    with pytest.raises(AvsslError, match=r"looking for conversion: got no such folder; .* Install the package again"):
        companion("conversion.registry")
