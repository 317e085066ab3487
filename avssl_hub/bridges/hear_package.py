"""A model with its weights as a package of its own, which HEAR's tools import and name results after."""

import re
import shutil
from pathlib import Path

from .. import __version__, zoo
from ..outputs import check_new, make_folder, replacing

_MODEL_FILES = ("*.json", "*.safetensors", "README.md", "LICENSE*")

_PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{module}"
version = "{version}"
description = "A model of avssl-hub as a module of HEAR 2021."
dependencies = ["avssl-hub>={version}"]

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""

_MODULE = '''\
"""A model of avssl-hub as a module of HEAR 2021."""

from pathlib import Path

from avssl_hub.bridges import hear
from avssl_hub.bridges.hear import get_scene_embeddings, get_timestamp_embeddings

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]


def load_model(model_file_path: str = "") -> hear.HearModel:
    """Load the model of this package, or another."""
    return hear.load_model(model_file_path or str(Path(__file__).with_name("model")))
'''


def write_hear_package(name: str, out: Path, force: bool = False) -> str:
    """Write ``pyproject.toml`` and, with a copy of the model, a module of HEAR 2021.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        out: Folder to write to.
        force: Whether to write over a package that is there.

    Returns:
        The module's name.

    Raises:
        OutputError: There is a package, or it cannot be written.
        AvsslError: As :func:`avssl_hub.load` raises.
    """
    source = zoo.resolve(name)
    title = source.name if Path(name).is_dir() else name.removeprefix("hf://")
    module = "avssl_" + re.sub(r"\W+", "_", title, flags=re.ASCII).lower()
    make_folder(out / module / "model")
    project = out / "pyproject.toml"
    check_new(project, force)
    for path in [path for pattern in _MODEL_FILES for path in source.glob(pattern)]:
        with replacing(out / module / "model" / path.name) as partial:
            shutil.copyfile(path, partial)
    # The project last: it says that the package is whole.
    for place, text in ((out / module / "__init__.py", _MODULE), (project, _PROJECT)):
        with replacing(place) as partial:
            partial.write_text(text.format(module=module, version=__version__), encoding="utf-8")
    return module
