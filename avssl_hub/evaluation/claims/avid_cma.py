"""AVID-CMA's claim: items on which both senses agree make better positives than the clip alone."""

from .claim import Claim, Comparison, Variant

CLAIM = Claim(
    name="avid_cma",
    title="AVID-CMA beats AVID trained for as many more steps",
    source="AVID-CMA (arXiv 2004.12943), section 3.2",
    steps=2000,
    variants={
        "base": Variant("AVID, from which both go on"),
        "more": Variant("AVID goes on", start="base", share=0.5),
        "cma": Variant(
            "AVID-CMA goes on",
            ("objective.name=avid_cma", "objective.num_positives=16", "objective.num_negatives_within=64"),
            start="base",
            share=0.5,
        ),
    },
    comparisons=(
        Comparison("It gives pictures better features", "video_probe", "cma", "more"),
        Comparison("It gives sounds better features", "audio_probe", "cma", "more"),
    ),
    remarks="Both continuations see the same clips in the same order, with the same rate and number of steps.",
)
