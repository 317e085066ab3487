"""Finding the folders that travel with the package: inside it when installed from a wheel, beside it in a checkout."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..errors import AvsslError, explain

_PACKAGE = Path(__file__).resolve().parents[1]


def companion(name: str) -> ModuleType:
    """Import ``conversion`` or ``benchmarks``, or a module in it (``conversion.registry``).

    Raises:
        AvsslError: The installation does not hold it.
    """
    folder, _, _ = name.partition(".")
    if (_PACKAGE / folder).is_dir():
        return import_module(f"{_PACKAGE.name}.{name}")
    if not (_PACKAGE.parent / folder).is_dir():
        step = "Install the package again, from its wheel or with pip install -e in a checkout."
        raise AvsslError(explain(f"looking for {folder}", "no such folder", f"one in or beside {_PACKAGE}", step))
    return import_module(name)
