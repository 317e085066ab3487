"""The separation networks' claim: the picture tells which of two sounds is the seen one."""

from pathlib import Path

from ..avworld_separation import score
from .claim import Claim, Comparison, Variant


def score_run(folder: Path) -> dict[str, float]:
    """Score a finished run of this claim on held-out mixtures of its world.

    Returns:
        ``right_tracks``: percent of mixtures whose two tracks come out in their own order, on-screen sound first.
    """
    return {"right_tracks": 100 * score(folder)["right_tracks"]["mean"]}


CLAIM = Claim(
    name="multisensory_separation",
    title="Sight tells the on-screen sound from the off-screen one",
    source="Audio-visual scene analysis (arXiv 1804.03641), section 6",
    steps=3000,
    variants={
        "on_off": Variant("u-net that sees", recipe="multisensory/separation_tiny_avworld"),
        "blind": Variant("u-net that only hears", share=0.5, recipe="multisensory/unet_pit_tiny_avworld"),
    },
    comparisons=(Comparison("Sight tells which track is which", "right_tracks", "on_off", "blind"),),
    remarks="Chance is 50 %, and what only hears can do no better. Both see 24,000 clips. The recipes are those of the "
    "toy checkpoints, whose settings were chosen by looking at seed 0 on some of the mixtures that are scored.",
    score=score_run,
)
