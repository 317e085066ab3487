"""Pretraining objectives: one loss a file, with the memory banks they share."""

from ._banked import BankedObjective, ObjectiveOutput
from .agreement import find_positive_sets
from .avid import AvidObjective
from .avid_cma import AvidCmaObjective
from .memory_bank import MemoryBank, sample_negatives
from .nce import NCECriterion
from .robust_xid import RobustXidObjective

OBJECTIVES = {"avid": AvidObjective, "avid_cma": AvidCmaObjective, "robust_xid": RobustXidObjective}

__all__ = [
    "OBJECTIVES",
    "AvidCmaObjective",
    "AvidObjective",
    "BankedObjective",
    "MemoryBank",
    "NCECriterion",
    "ObjectiveOutput",
    "RobustXidObjective",
    "find_positive_sets",
    "sample_negatives",
]
