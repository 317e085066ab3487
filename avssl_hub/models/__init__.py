"""The model families; importing this registers every one with transformers' Auto classes."""

from importlib import import_module
from pkgutil import iter_modules

FAMILIES = tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))

for family in FAMILIES:
    import_module(f"{__name__}.{family}")
