"""The model families; importing a family registers it with transformers' Auto classes."""

from importlib import import_module
from pkgutil import iter_modules

FAMILIES = tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))


def register_all() -> None:
    """Register every family with ``AutoConfig``, ``AutoModel`` and ``AutoProcessor``."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
