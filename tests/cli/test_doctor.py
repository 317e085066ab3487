"""``avssl doctor``: it recognises what is broken, and never breaks on it."""

from importlib import metadata

import pytest

from avssl_hub.cli import _checks


@pytest.fixture
def broken(monkeypatch):
    """Return ``make(module, error)``: from now on importing that module fails."""
    real = _checks.import_module
    errors = {}

    def fake(name):
        if name in errors:
            raise errors[name]
        return real(name)

    monkeypatch.setattr(_checks, "import_module", fake)
    return errors.__setitem__


def found(what):
    (finding,) = (finding for finding in _checks.all_findings() if finding.what == what)
    return finding


def test_a_sound_installation_passes(avssl):
    result = avssl("doctor")
    assert result.exit_code == 0, result.stdout
    for text in ("PyAV", "FFmpeg", "h264", "libx264", "8 frames and 1 s of sound came back", "threads of torch"):
        assert text in result.stdout
    assert metadata.version("torch") in result.stdout
    assert "repair" not in result.stdout


@pytest.mark.parametrize(
    ("module", "error"),
    [
        ("torchvision", RuntimeError("operator torchvision::nms does not exist")),
        ("torchaudio", OSError("libc10_cuda.so: cannot open shared object file: No such file or directory")),
        ("torchaudio", OSError("_torchaudio.abi3.so: undefined symbol: aoti_torch_abi_version")),
    ],
)
def test_builds_that_do_not_fit_are_recognised(avssl, broken, module, error):
    broken(module, error)
    result = avssl("doctor")
    assert result.exit_code == 1
    (advice,) = (line for line in result.stdout.splitlines() if line.startswith(f"import {module}: "))
    assert "one matching set: pip install --force-reinstall 'torch==2.11.*' 'torchvision==0.26.*'" in advice
    assert "a build for CUDA beside a torch built for" in found(f"import {module}").found


def test_another_import_error_is_quoted(broken):
    broken("torchvision", ImportError("No module named 'PIL'"))
    finding = found("import torchvision")
    assert (finding.state, finding.found) == ("repair", "ImportError: No module named 'PIL'")


def test_without_torch_or_decoder_it_still_reports(avssl, broken):
    broken("torch", ImportError("libtorch_cpu.so: cannot open shared object file"))
    broken("av", ImportError("No module named 'av'"))
    result = avssl("doctor")
    assert result.exit_code == 1
    assert "import torch: pip install --force-reinstall" in result.stdout
    assert "decoder: pip install --force-reinstall av" in result.stdout
    assert "Python" in result.stdout


def test_a_check_that_fails_becomes_a_line(avssl, monkeypatch):
    def explode():
        raise RuntimeError("boom")

    monkeypatch.setattr("avssl_hub.zoo.list_models", explode)
    result = avssl("doctor")
    assert result.exit_code == 1
    assert "RuntimeError: boom" in result.stdout


def test_packages_are_compared_with_what_is_needed(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda _: ["typer>=999", "nothing-like-it>=1", "pytest; extra == 'test'"])
    findings = {finding.what: finding for finding in _checks._packages()}
    assert set(findings) == {"typer", "nothing-like-it"}
    assert findings["typer"].repair == "pip install 'typer>=999'"
    assert findings["nothing-like-it"].found == "not installed"


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("AVSSL_HOME", str(tmp_path / "locked"))
    monkeypatch.setattr(_checks.os, "access", lambda path, mode: False)
    finding = found("converted weights")
    assert finding.state == "repair"
    assert "set AVSSL_HOME" in finding.repair


def test_offline_mode_is_told(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert found("network").found.startswith("HF_HUB_OFFLINE is set")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert found("network").found == "downloads are allowed"
