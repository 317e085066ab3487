"""AVID's claim: telling clips apart across the senses teaches more than telling them apart within each."""

from .claim import Claim, Comparison, Variant

CLAIM = Claim(
    name="avid",
    title="Cross-modal beats within-modal instance discrimination",
    source="AVID (arXiv 2004.12943), section 3.1",
    steps=1200,
    variants={
        "cross": Variant("across the senses"),
        "within": Variant("within each sense", ("objective.cross=0", "objective.within=1")),
        "joint": Variant("both", ("objective.cross=1", "objective.within=1")),
    },
    comparisons=(
        Comparison("Pictures' features are better if learned across the senses", "video_probe", "cross", "within"),
        Comparison("Sounds' features are better if learned across the senses", "audio_probe", "cross", "within"),
    ),
    remarks="Probes read the class off frozen features. Retrieval across the senses is by chance where training never "
    "compares them, so it decides nothing here. Tried besides: with 700 steps sounds gain with every seed and pictures "
    "do not (+8.2, -2.0, +1.4); at AVID's own temperature, 0.07, training within each sense ends at 23.5 % and 25.5 % "
    "for pictures and sounds after 2500 steps, against 87.2 % and 99.2 % across the senses (seed 0).",
)
