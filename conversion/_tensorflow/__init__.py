"""TensorFlow checkpoints without TensorFlow: ``TensorBundle(path)``, its ``variables`` and ``read(name)``."""

from .bundle import TensorBundle, Variable
from .paths import find_prefix

__all__ = ["TensorBundle", "Variable", "find_prefix"]
