"""What a claim in miniature consists of: ways of training, and which of them has to do better at what."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .scoring import score_run


@dataclass(frozen=True)
class Variant:
    """One way of training.

    Attributes:
        label: What a reader calls it.
        overrides: Settings that differ from the recipe's, ``section.key=value`` each.
        start: Variant whose finished run of the same seed it goes on from; empty for a fresh start.
        share: Its steps, as a share of the claim's.
        recipe: Recipe by its name in ``avssl train``; empty for the claim's miniature.
    """

    label: str
    overrides: tuple[str, ...] = ()
    start: str = ""
    share: float = 1.0
    recipe: str = ""


@dataclass(frozen=True)
class Comparison:
    """A statement that numbers can bear out or not: one variant scores better than another.

    Attributes:
        statement: What is claimed.
        score: Name of the score compared.
        better: Variant that should do better.
        worse: Variant that should do worse.
        lower: Whether a lower score is the better one.
        against: Score of the worse variant that counts, where that is another: a baseline's on the same test clips.
    """

    statement: str
    score: str
    better: str
    worse: str
    lower: bool = False
    against: str = ""


@dataclass(frozen=True)
class Claim:
    """A published claim, and how it is tried in miniature.

    Attributes:
        name: Name on the command line.
        title: The claim in one line.
        source: Where it was published.
        steps: Steps of a whole run.
        variants: Ways of training by name, each after the one it starts from.
        comparisons: What has to hold, fixed before any run.
        remarks: What a reader has to know to judge the outcome.
        miniature: What the runs share that name no recipe of their own: one beside this file.
        score: Scores the run in a folder, in percent; a function that can be sent to another process.
    """

    name: str
    title: str
    source: str
    steps: int
    variants: dict[str, Variant]
    comparisons: tuple[Comparison, ...]
    remarks: str
    miniature: str = "miniature"
    score: Callable[[Path], dict[str, float]] = score_run
