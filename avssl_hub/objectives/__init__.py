"""Pretraining objectives, one a file: what a training run minimises, with the memory banks that some share."""

from ._banked import BANKS_FILE
from .agreement import find_positive_sets
from .avc import AvcObjective
from .avid import AvidObjective
from .avid_cma import AvidCmaObjective
from .avts import AvtsObjective
from .memory_bank import MemoryBank, sample_negatives
from .nce import NCECriterion
from .objective import Objective, ObjectiveOutput
from .robust_xid import RobustXidObjective

# By the name a recipe gives.
OBJECTIVES: dict[str, type[Objective]] = {
    "avid": AvidObjective,
    "avid_cma": AvidCmaObjective,
    "robust_xid": RobustXidObjective,
    "avc": AvcObjective,
    "avts": AvtsObjective,
}

__all__ = [
    "BANKS_FILE",
    "OBJECTIVES",
    "AvcObjective",
    "AvidCmaObjective",
    "AvidObjective",
    "AvtsObjective",
    "MemoryBank",
    "NCECriterion",
    "Objective",
    "ObjectiveOutput",
    "RobustXidObjective",
    "find_positive_sets",
    "sample_negatives",
]
