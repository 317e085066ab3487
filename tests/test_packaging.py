"""The built wheel carries converters, benchmarks and cards, and the package stays light to import."""

import os
import subprocess
import sys
import zipfile

import pytest

from .conftest import ROOT


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip(f"the build backend cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site, *arguments):
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=site.parent, env=environment, capture_output=True, text=True
    )


def test_wheel_holds_nothing_outside_the_package(unpacked_wheel):
    tops = {path.name for path in unpacked_wheel.iterdir()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"avssl_hub"}
    held = {path.name for path in (unpacked_wheel / "avssl_hub").iterdir()}
    assert {"conversion", "benchmarks", "model_cards", "models", "training"} <= held
    assert "site" not in held
    assert (unpacked_wheel / "avssl_hub" / "models" / "avid" / "statistics.safetensors").exists()
    assert (unpacked_wheel / "avssl_hub" / "benchmarks" / "page" / "template.html").exists()
    assert (unpacked_wheel / "avssl_hub" / "training" / "recipes" / "avid" / "tiny_avworld.yaml").exists()


def test_wheel_lists_and_converts_as_a_checkout_does(unpacked_wheel):
    code = "import avssl_hub; print(avssl_hub.__file__); print(*avssl_hub.list_models())"
    done = run(unpacked_wheel, "-c", code)
    assert done.returncode == 0, done.stderr
    place, names = done.stdout.splitlines()
    assert place.startswith(str(unpacked_wheel))
    assert "avid_cma.audioset" in names
    for command in (["-m", "avssl_hub.conversion"], ["-m", "avssl_hub.cli", "convert"]):
        done = run(unpacked_wheel, *command, "avid_cma.audiosett", "--download")
        assert done.returncode == 2
        assert "Did you mean 'avid_cma.audioset'" in done.stderr


def test_wheel_lists_benchmarks_as_a_checkout_does(unpacked_wheel):
    tasks = sorted(path.parent.name for path in ROOT.glob("benchmarks/*/task.yaml"))
    assert "esc10" in tasks
    for command in (["avssl_hub.benchmarks"], ["avssl_hub.cli", "bench"]):
        done = run(unpacked_wheel, "-m", *command, "ls")
        assert done.returncode == 0, done.stderr
        # A row too wide for the output goes on in a line that begins with blanks.
        rows = [line for line in done.stdout.splitlines()[1:] if not line.startswith(" ")]
        assert [row.split()[0] for row in rows] == tasks


def test_wheel_has_adapters_and_exports(unpacked_wheel):
    code = (
        "from avssl_hub.benchmarks._models import _adapter\n"
        "from avssl_hub.evaluation.encoder import Encoder\n"
        "for name in ('ast:AstEncoder', 'videomae:VideoMaeEncoder'):\n"
        "    print(_adapter(f'avssl_hub.benchmarks.adapters.{name}', Encoder).model_type)"
    )
    done = run(unpacked_wheel, "-c", code)
    assert done.stdout.split() == ["audio-spectrogram-transformer", "videomae"], done.stderr
    export = ["export", "hear", "--model", "avid_tiny.avworld", "--out", "hear"]
    done = run(unpacked_wheel, "-m", "avssl_hub.benchmarks", *export)
    assert done.returncode == 0, done.stderr
    code = "import avssl_avid_tiny_avworld as module; print(module.load_model().scene_embedding_size)"
    done = run(unpacked_wheel, "-c", f"import sys; sys.path.append('hear'); {code}")
    assert done.stdout.split() == ["128"], done.stderr


def test_import_loads_neither_torch_nor_transformers():
    code = (
        "import sys, avssl_hub; from avssl_hub import list_models; list_models()\n"
        "print(sorted({'torch', 'transformers', 'av', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves():
    import avssl_hub

    for name in avssl_hub.__all__:
        assert getattr(avssl_hub, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Loda'"):
        _ = avssl_hub.Loda
