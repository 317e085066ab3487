"""Pretraining objectives: one loss a file, with the memory banks they share."""

from .avid import AvidObjective, ObjectiveOutput
from .memory_bank import MemoryBank, sample_negatives
from .nce import NCECriterion

__all__ = ["AvidObjective", "MemoryBank", "NCECriterion", "ObjectiveOutput", "sample_negatives"]
