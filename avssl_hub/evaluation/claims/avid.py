"""AVID's claim: telling clips apart across the senses teaches more than telling them apart within each."""

from .claim import Claim, Comparison, Variant

CLAIM = Claim(
    name="avid",
    title="Cross-modal beats within-modal instance discrimination",
    source="AVID (arXiv 2004.12943), section 3.1",
    steps=2000,
    variants={
        "cross": Variant("across the senses"),
        "within": Variant("within each sense", ("objective.cross=0", "objective.within=1")),
        "joint": Variant("both", ("objective.cross=1", "objective.within=1")),
    },
    comparisons=(
        Comparison("It gives pictures better features", "video_probe", "cross", "within"),
        Comparison("It gives sounds better features", "audio_probe", "cross", "within"),
    ),
    remarks="Probes read the class off frozen features. Retrieval across the senses is by chance where training never "
    "compares them, so it decides nothing here.",
)
