"""Claims in miniature: what is planned, that numbers come from the runs, and what the rule makes of them."""

import json
import math
import shlex
import statistics
from functools import partial

import matplotlib.image
import numpy as np
import pytest
import torch
import yaml

from avssl_hub.data.avworld import draw_scenes
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.evaluation.claims import (
    CLAIMS,
    Claim,
    Comparison,
    Variant,
    draw_claim,
    execute,
    find_claim,
    plan,
    summarize,
    write_report,
)
from avssl_hub.evaluation.claims.report import judge
from avssl_hub.evaluation.claims.runs import finish
from avssl_hub.evaluation.claims.scoring import score_banks, score_run
from avssl_hub.training import load_recipe
from avssl_hub.training.reading import RECIPES

SMALL = [
    "model.video_hidden_sizes=[4, 4, 8, 8]",
    "model.audio_hidden_sizes=[4, 4, 8, 8]",
    "model.projection_sizes=8",
    "data.items=24",
    "objective.num_negatives=4",
    "optimizer.warmup_steps=0",
    "loop.batch_size=8",
]
QUICK = partial(score_run, test_clips=100, probe_clips=120)


# The least that has all parts: a run that goes on from another, and what is compared.
LEAST = Claim(
    name="least",
    title="More steps help",
    source="Nobody",
    steps=6,
    variants={"base": Variant("as it is"), "more": Variant("with more steps", start="base", share=0.5)},
    comparisons=(
        Comparison("Pictures gain", "video_probe", "more", "base"),
        Comparison("Positives lose", "positive_kinds", "more", "base", lower=True),
    ),
    remarks="A test.",
    score=QUICK,
)


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    # Sums come out the same bit for bit only on as many threads as the runs have, which is one.
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("claim")
    runs = plan(LEAST, folder, range(3), steps=30, overrides=SMALL)

    def interrupt(done, total, remark):
        if done:
            raise KeyboardInterrupt

    # What follows holds of runs that were stopped under way and taken up.
    with pytest.raises(KeyboardInterrupt):
        execute(runs, jobs=1, progress=interrupt)
    assert not all(run.outcome() for run in runs)
    moves = []
    execute(runs, jobs=2, progress=lambda *move: moves.append(move))
    return folder, runs, moves


def test_every_claim_plans_each_variant_with_each_seed_after_what_it_starts_from(tmp_path):
    for claim in CLAIMS.values():
        runs = plan(claim, tmp_path, range(3), steps=400)
        assert [(run.variant, run.recipe.seed) for run in runs] == [
            (name, seed) for name in claim.variants for seed in range(3)
        ]
        folders = [str(run.folder) for run in runs]
        for number, run in enumerate(runs):
            variant = claim.variants[run.variant]
            assert run.recipe.loop.steps == max(1, round(400 * variant.share))
            assert not variant.start or run.recipe.start_from in folders[:number]
        for comparison in claim.comparisons:
            better, worse = (claim.variants[name] for name in (comparison.better, comparison.worse))
            if comparison.worse != "untrained":
                # Where pretraining itself is the question, the start differs and nothing else.
                assert claim.name in ("multisensory", "avsa") or better.start == worse.start
                assert _clips(runs, comparison.better) == _clips(runs, comparison.worse), "on equal terms"


def _clips(runs, variant):
    """Clips that the runs of a variant see."""
    return {run.recipe.loop.steps * run.recipe.loop.batch_size for run in runs if run.variant == variant}


def test_rival_continuations_differ_in_nothing_but_the_objective(tmp_path):
    runs = {run.variant: run.recipe for run in plan(find_claim("avid_cma"), tmp_path, [0])}
    more, cma = (runs[name].to_dict() for name in ("more", "cma"))
    assert {key for key in more if more[key] != cma[key]} == {"name", "objective"}
    assert cma["objective"]["temperature"] == more["objective"]["temperature"]


@pytest.mark.parametrize(("claim", "variant"), [("avid_cma", "cma"), ("robust_xid", "both_mild")])
def test_the_tiny_recipe_and_the_command_before_it_are_the_claim_s(claim, variant, tmp_path):
    runs = {run.variant: run.recipe for run in plan(find_claim(claim), tmp_path, [0])}
    name = f"{claim}/tiny_avworld"
    opening = (RECIPES / f"{name}.yaml").read_text().partition("\nname:")[0].replace("\n#", " ")
    first, before, *overrides = shlex.split(opening.partition("First: avssl train ")[2].partition("Override:")[0])
    out, *overrides = overrides
    assert (first, before, out) == (name, "-o", load_recipe(name).start_from)
    for ours, theirs in ((load_recipe(name), runs[variant]), (load_recipe(name, overrides), runs["base"])):
        ours, theirs = (_objective_in_full(recipe) for recipe in (ours, theirs))
        assert {key for key in ours if ours[key] != theirs[key]} <= {"name", "start_from"}


def _objective_in_full(recipe):
    """Plain settings, with the objective as it is built: the same object may be written in several ways."""
    objective = recipe.build_objective(recipe.data.items, 4)
    built = {key: value for key, value in vars(objective).items() if not key.startswith("_")}
    return recipe.to_dict() | {"objective": (type(objective), built)}


def test_stored_scores_are_those_of_the_stored_run(reproduced):
    _, runs, moves = reproduced
    # Three seeds of thirty steps and of fifteen.
    assert moves[-1][:2] == (135, 135)
    for run in (runs[0], runs[-1]):
        again = QUICK(run.folder)
        assert run.outcome()["scores"] == pytest.approx(again)
        assert 0 <= again["video_probe"] <= 100
        assert again["probe"] == pytest.approx((again["video_probe"] + again["audio_probe"]) / 2)
    assert runs[0].outcome()["scores"] != runs[-1].outcome()["scores"]


def test_finished_runs_are_passed_over(reproduced):
    _, runs, _ = reproduced
    before = [(run.folder / "scores.json").stat().st_mtime_ns for run in runs]
    moves = []
    execute(runs, progress=lambda *move: moves.append(move))
    assert [(run.folder / "scores.json").stat().st_mtime_ns for run in runs] == before


def test_an_interrupted_run_is_taken_up_and_ends_as_if_it_had_not_been(reproduced, tmp_path):
    class Interrupted(Exception):
        pass

    def interrupt(step, steps, losses):
        if step == 3:
            raise Interrupted

    _, whole, _ = reproduced
    overrides = [*SMALL, "loop.checkpoint_every=2"]
    run = plan(LEAST, tmp_path, [0], steps=30, overrides=overrides)[0]
    with pytest.raises(Interrupted):
        finish(run, interrupt)
    assert run.outcome() is None
    taken = []
    finish(run, lambda step, *_: taken.append(step))
    assert taken == list(range(3, 31))
    weights = [(each.folder / "model.safetensors").read_bytes() for each in (run, whole[0])]
    assert weights[0] == weights[1]


def test_other_settings_are_refused_before_any_work(reproduced):
    folder, _, _ = reproduced
    with pytest.raises(
        InvalidValueError, match=r"got a recipe that differs in loop.steps; expected the recipe in .*base-seed0"
    ):
        plan(LEAST, folder, range(3), overrides=SMALL)


def test_the_report_holds_every_number_and_follows_from_the_runs(reproduced):
    folder, runs, _ = reproduced
    table, figure = folder / "table.md", folder / "figure.png"
    write_report(summarize(LEAST, runs), folder)
    results = json.loads((folder / "results.json").read_text())
    stored = {(run.variant, str(run.recipe.seed)): run.outcome()["scores"] for run in runs}
    for name, variant in results["variants"].items():
        assert {seed: run["scores"] for seed, run in variant["seeds"].items()} == {
            seed: scores for (of, seed), scores in stored.items() if of == name
        }
        values = [stored[name, seed]["probe"] for seed in "012"]
        assert variant["mean"]["probe"] == pytest.approx(np.mean(values))
        assert variant["spread"]["probe"] == pytest.approx(np.std(values, ddof=1))
        assert all(run["train_seconds"] > 0 for run in variant["seeds"].values())
    last = results["comparisons"][-1]
    assert last["gains"] == {
        seed: pytest.approx(stored["base", seed]["positive_kinds"] - stored["more", seed]["positive_kinds"])
        for seed in "012"
    }
    assert results["recipe"] == json.loads(json.dumps(runs[0].recipe.to_dict()))
    assert yaml.safe_load((runs[0].folder / "recipe.yaml").read_text()) == results["recipe"]
    text = table.read_text()
    for comparison in results["comparisons"]:
        outcome = "| shown |" if comparison["shown"] else "| **not shown** |"
        assert any(comparison["statement"] in line and outcome in line for line in text.splitlines())
    assert results["rule"] in text
    draw_claim(results, figure)
    assert matplotlib.image.imread(figure).std() > 0.05


@pytest.mark.parametrize(
    ("better", "worse", "lower", "shown"),
    [
        ([60, 61, 62], [50, 50, 50], False, True),
        ([60, 61, 49], [50, 50, 50], False, False),
        # Better with every seed, by 1, 1 and 10: mean 4, standard deviation 5.2.
        ([51, 51, 60], [50, 50, 50], False, False),
        ([60, 61, 62], [50, 50, 50], True, False),
        ([50, 50, 50], [60, 61, 62], True, True),
        ([50, 50, 50], [50, 50, 50], False, False),
    ],
)
def test_shown_means_better_with_every_seed_and_beyond_the_spread(better, worse, lower, shown):
    variants = {
        name: {"seeds": {str(seed): {"scores": {"probe": value}} for seed, value in enumerate(values)}}
        for name, values in (("a", better), ("b", worse))
    }
    verdict = judge(Comparison("a beats b", "probe", "a", "b", lower), variants)
    assert verdict["shown"] is shown
    assert verdict["mean"] == statistics.mean(verdict["gains"].values())


def test_a_variant_may_be_held_against_a_baseline_on_its_own_clips():
    runs = {"0": {"scores": {"emd": 40.0, "prior": 90.0}}, "1": {"scores": {"emd": 50.0, "prior": 95.0}}}
    verdict = judge(Comparison("a beats it", "emd", "a", "a", True, against="prior"), {"a": {"seeds": runs}})
    assert verdict["gains"] == {"0": 50.0, "1": 45.0}
    assert verdict["shown"]


def test_banks_are_held_against_the_truth_of_the_scenes(tmp_path):
    runs = {run.variant: run.recipe for run in plan(find_claim("robust_xid"), tmp_path, [0])}
    scenes = draw_scenes(runs["both"].data.world, "train", range(1024))
    kinds, off = scenes.kinds[:, 0], scenes.off_screen
    share = 100 * off.double().mean().item()
    # A direction for each kind; an off-screen item's sound points the other way.
    rows = torch.nn.functional.one_hot(kinds, 64).float()
    banks = {"video_bank": rows, "audio_bank": torch.where(off[:, None], -rows, rows)}
    scores = score_banks(runs["both"], banks)
    assert scores["agreement_auc"] == 100
    # Both senses agree with those of one kind that are likewise on or off screen, and with no other item.
    mates = ((kinds[:, None] == kinds) & (off[:, None] == off)).sum(1) - 1
    assert scores["positive_kinds"] == pytest.approx(100 * (mates.clamp(max=16) / 16).double().mean().item())
    # Agreement is 1 or -1: with a share p off screen its mean is 1 - 2 p, its deviation 2 sqrt(p (1 - p)).
    p = share / 100
    z = np.array([2 * p, 2 * p - 2]) / (2 * math.sqrt(p * (1 - p))) / math.sqrt(0.5)
    clean, injected = 0.25 + 0.75 * np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in z])
    expected = 100 * p * injected / (p * injected + (1 - p) * clean)
    assert scores["off_screen_share"] == pytest.approx(expected, rel=1e-2)
    unweighted = score_banks(runs["xid"], {"video_bank": rows, "audio_bank": rows})
    assert unweighted["off_screen_share"] == pytest.approx(share, rel=1e-5)
    assert unweighted["agreement_auc"] == 50


def test_an_unknown_claim_meets_its_close_matches():
    with pytest.raises(UnknownNameError, match=r"unknown claim: got 'avid_cna'; .*Did you mean 'avid_cma'"):
        find_claim("avid_cna")
