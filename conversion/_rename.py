"""Renaming state-dict keys by a table that has to cover every key exactly once."""

import re
from collections.abc import Callable, Mapping, Sequence

import torch

from avssl_hub.errors import CheckpointError, explain

Rule = tuple[str, Callable[[re.Match], str]]


def strip_prefix(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Drop ``prefix`` if every key carries it, as wrappers for parallel training leave it."""
    if state and all(key.startswith(prefix) for key in state):
        return {key.removeprefix(prefix): value for key, value in state.items()}
    return dict(state)


def targets(key: str, rules: Sequence[Rule]) -> list[str]:
    """What each rule that matches ``key`` whole makes of it."""
    return [target(match) for pattern, target in rules if (match := re.fullmatch(pattern, key))]


def rename(state: Mapping[str, torch.Tensor], rules: Sequence[Rule], what: str) -> dict[str, torch.Tensor]:
    """Rename every key by the one rule that matches it whole.

    Raises:
        CheckpointError: Keys that no rule or several rules match, or two keys that become one; they are listed.
    """
    renamed, unmatched, ambiguous = {}, [], []
    for key, value in state.items():
        names = targets(key, rules)
        if len(names) != 1 or names[0] in renamed:
            (ambiguous if names else unmatched).append(key)
        else:
            renamed[names[0]] = value
    for problem, keys in (("no rule covers", unmatched), ("more than one rule or key claims", ambiguous)):
        if keys:
            listed = ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
            expected = "every key covered exactly once"
            next_step = "Is this a checkpoint of another family or size?"
            raise CheckpointError(explain(f"keys of {what}", f"{problem} {listed}", expected, next_step))
    return renamed


def check_fits(state: Mapping[str, torch.Tensor], model: torch.nn.Module, what: str) -> None:
    """Compare names and shapes with a model's.

    Raises:
        CheckpointError: A name is missing or left over, or a shape differs; they are listed.
    """
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    problems = [f"{name} is missing" for name in expected.keys() - state.keys()]
    problems += [f"{name} is left over" for name in state.keys() - expected.keys()]
    problems += [
        f"{name} has shape {tuple(state[name].shape)}, not {shape}"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    if problems:
        got = "; ".join(sorted(problems)[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise CheckpointError(explain(f"weights of {what}", got, f"exactly those of {type(model).__name__}"))
