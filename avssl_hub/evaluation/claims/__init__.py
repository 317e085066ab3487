"""Claims of the papers, tried in miniature on AVWorld: runs, a rule fixed beforehand, a table and a figure."""

from ...errors import unknown_name
from . import avid, avid_cma, avsa, multisensory, multisensory_separation, robust_xid, spatial_audio_gen
from .claim import Claim, Comparison, Variant
from .figure import draw_claim
from .report import summarize, write_report
from .runs import Run, execute, plan

CLAIMS = {
    module.CLAIM.name: module.CLAIM
    for module in (avid, avid_cma, robust_xid, multisensory, multisensory_separation, spatial_audio_gen, avsa)
}

__all__ = [
    "CLAIMS",
    "Claim",
    "Comparison",
    "Run",
    "Variant",
    "draw_claim",
    "execute",
    "find_claim",
    "plan",
    "summarize",
    "write_report",
]


def find_claim(name: str) -> Claim:
    """Return a claim by name.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name not in CLAIMS:
        raise unknown_name("claim", name, CLAIMS)
    return CLAIMS[name]
