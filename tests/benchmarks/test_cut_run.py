"""A run that is killed loses at most the recording it was at."""

import json
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
from benchmarks.__main__ import main
from tests.conftest import ROOT

RECORDINGS = 12
DEADLINE = 120  # seconds


def finished(cache):
    return len(list(cache.glob("*/[!.]*.safetensors")))


@pytest.fixture
def arguments(own, tmp_path):
    """Return ``arguments(name)``: those of a run on the twelve sounds with folders of that name."""
    common = ["run", "--task", "own", "--model", "avid_tiny.avworld", "--data", str(own), "--modality", "audio"]
    # A clip at a time, so that there is time to be killed in.
    common += ["--batch-size", "1"]
    return lambda name: [*common, "--out", str(tmp_path / name), "--cache", str(tmp_path / f"{name}-cache")]


def test_a_killed_run_goes_on_and_ends_as_one_that_was_not(arguments, tmp_path):
    cache = tmp_path / "cut-cache"
    command = [sys.executable, "-m", "benchmarks", *arguments("cut")]
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    started = time.monotonic()
    while not finished(cache) and run.poll() is None and time.monotonic() < started + DEADLINE:
        time.sleep(0.002)
    run.kill()
    error = run.communicate()[1].decode()
    assert run.returncode == -signal.SIGKILL, error
    kept = finished(cache)
    assert 0 < kept < RECORDINGS
    assert not (tmp_path / "cut").exists() or not list((tmp_path / "cut").rglob("*.json"))

    assert main(arguments("cut")) == 0
    assert main(arguments("uncut")) == 0
    cut, uncut = (json.loads(next((tmp_path / name).rglob("*.json")).read_text()) for name in ("cut", "uncut"))
    assert (cut["run"]["reused_recordings"], uncut["run"]["reused_recordings"]) == (kept, 0)
    assert {**cut, "run": None} == {**uncut, "run": None}
