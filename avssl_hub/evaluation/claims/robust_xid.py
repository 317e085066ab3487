"""Robust-xID's claims: weights and soft targets help where a share of the sound comes from off screen."""

from .claim import Claim, Comparison, Variant

WARMUP = 0.1
SETTING = ("objective.name=robust_xid", "data.world.off_screen_share=0.3")
NO_WEIGHTS, NO_SOFT_TARGETS = "objective.use_weights=false", "objective.softness=0"

CLAIM = Claim(
    name="robust_xid",
    title="Weights and soft targets make instance discrimination robust",
    source="Robust-xID (arXiv 2103.15916)",
    steps=1000,
    variants={
        "xid": Variant("xID", (*SETTING, NO_WEIGHTS, NO_SOFT_TARGETS)),
        "weights": Variant("xID + weights", (*SETTING, NO_SOFT_TARGETS), warmup=WARMUP),
        "soft": Variant("xID + soft targets", (*SETTING, NO_WEIGHTS), warmup=WARMUP),
        "both": Variant("Robust-xID: both", SETTING, warmup=WARMUP),
    },
    comparisons=(
        Comparison("Weights lower off-screen clips' share of the loss", "off_screen_share", "weights", "xid", True),
        Comparison("Weights part clean from off-screen clips better", "agreement_auc", "weights", "xid"),
        Comparison("Soft targets help where events recur", "probe", "soft", "xid"),
        Comparison("Both together beat xID", "probe", "both", "xid"),
    ),
    remarks="",
)
