"""AVSA's claims: telling views apart teaches where sound comes from, and several views say more than one."""

from pathlib import Path

from ...training import noted_recipe
from ...training.views.probes import ProbeRecipe
from .. import probe_scores, view_scores
from ..held_out_views import HeldOut
from .claim import Claim, Comparison, Variant

RECIPE = "avsa/tiny_avworld"
TEST = HeldOut(scenes=2000)
ONE_VIEW = ("views.count=1", "loop.batch_size=64")
# Whole scenes told apart by their sound: the curriculum's first phase, and all that AVC is.
CORRESPONDENCE = ("model.objective=instdisc", "model.translation_depth=0", *ONE_VIEW)
PROBE = ("task=spatial_alignment_probe", "loop.batch_size=32")
TRANSLATED = (*PROBE, "model.matching_translation=true")


def score_run(folder: Path) -> dict[str, float]:
    """Score a finished run of this claim on test scenes of its world.

    Returns:
        In percent: of a probe ``alignment``, the share of sounds of which it is told rightly whether they were turned;
        of pretraining on several views ``matched_views``, the share that a translation is nearest to its own of.
    """
    recipe = noted_recipe(folder)
    if isinstance(recipe, ProbeRecipe):
        return {"alignment": probe_scores.score(folder, TEST)["accuracy"]}
    return {"matched_views": view_scores.score(folder, TEST)["matched_views"]} if recipe.views.count > 1 else {}


def _probe(label: str, of: str, *changes: str) -> Variant:
    return Variant(label, changes, start=of, share=0.5, recipe=RECIPE)


CLAIM = Claim(
    name="avsa",
    title="Telling views apart teaches where sound comes from",
    source="Learning representations from audio-visual spatial alignment (arXiv 2011.01819), section 4.2",
    steps=500,
    variants={
        "first": Variant("whole scenes told apart", (*CORRESPONDENCE, 'start_from=""'), share=0.5, recipe=RECIPE),
        "avc": Variant("then the same further, on as many clips", CORRESPONDENCE, "first", share=0.25, recipe=RECIPE),
        "avc_longer": Variant("and on as many views", CORRESPONDENCE, "first", recipe=RECIPE),
        "avsa": Variant("then views of a scene", start="first", recipe=RECIPE),
        "scenes": Variant("then scenes by their views' maxima", ("model.objective=avc",), "first", recipe=RECIPE),
        "one_view": Variant("then single views translated", ONE_VIEW, "first", recipe=RECIPE),
        "avc_probe": _probe("probe of AVC, four views", "avc", *PROBE),
        "avc_longer_probe": _probe("probe of AVC for longer, four views", "avc_longer", *PROBE),
        "avsa_probe": _probe("probe of AVSA, four views", "avsa", *PROBE),
        "translated_probe": _probe("probe of AVSA's translation, four views", "avsa", *TRANSLATED),
        "scenes_probe": _probe("probe of the scenes' translation, four views", "scenes", *TRANSLATED),
        "one_view_probe": _probe("probe of AVSA's translation, one view", "one_view", *TRANSLATED, "views.count=1"),
    },
    comparisons=(
        Comparison("AVSA tells turned sound better than AVC on as many clips", "alignment", "avsa_probe", "avc_probe"),
        Comparison("And than AVC on as many views", "alignment", "avsa_probe", "avc_longer_probe"),
        Comparison("Views told apart help, not scenes alone", "alignment", "translated_probe", "scenes_probe"),
        Comparison("Four translated views tell it better than one", "alignment", "translated_probe", "one_view_probe"),
    ),
    remarks="Chance is 50 %. Half of the sounds are turned about the vertical by any angle, small ones too, which "
    "nobody could tell. AVSA sees four views of each of 16 clips a step, and AVC one of each of 64. Budgets "
    "are counted in clips, as the paper's epochs are; on as many views AVC has seen four times as many clips. "
    "In AVWorld a view often shows nothing of what sounds, so that direction helps to tell scenes apart as "
    "well. The comparison on as many views was the first; those on as many clips and with scenes alone were "
    "added after it had not shown (seeds 0 to 2). With two to three sources and views of 90 to 120 degrees, "
    "AVC on as many views was no worse either (75.5 against 73.6 %, seed 7).",
    score=score_run,
)
