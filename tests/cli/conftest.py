"""Running verbs in this process, with very small networks in folders."""

import pytest
from typer.testing import CliRunner

from avssl_hub.cli import app
from tests.pipelines.conftest import alignment_folder, avid_folder, avsa_folder  # noqa: F401


@pytest.fixture
def avssl(tmp_path, monkeypatch):
    """Return ``run(*words)``: the result of ``avssl`` with those words, in an empty folder and home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVSSL_HOME", str(tmp_path / "home"))

    def run(*words):
        return CliRunner().invoke(app, list(map(str, words)), prog_name="avssl")

    return run
