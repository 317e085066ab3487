"""Errors a user can act on, and the wording they share.

Every message reads ``<what failed>: got <value>; expected <rule>. <next step>``.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class AvsslError(Exception):
    """Base of every error raised on purpose; its text is complete and fit for a user."""


class MissingExtraError(AvsslError, ModuleNotFoundError):
    """An optional dependency is not installed."""


class InvalidValueError(AvsslError, ValueError):
    """A setting or an argument breaks its rule."""


class UnknownNameError(AvsslError, LookupError):
    """A name is not among the known ones."""


class WeightsNotFoundError(AvsslError, FileNotFoundError):
    """A model is known but its weights are neither here nor on the Hub."""


class HashMismatchError(AvsslError):
    """A file's content is not the one that was recorded."""


class DownloadError(AvsslError, OSError):
    """A transfer failed or was cut."""


class CheckpointError(AvsslError):
    """A checkpoint file cannot be read or is not of the expected kind."""


def explain(what: str, got: object, expected: str, next_step: str = "") -> str:
    """Word an error: what failed, the value met, the rule, and what to do next."""
    return f"{what}: got {got}; expected {expected}.{' ' + next_step if next_step else ''}"


def some_of(names: Sequence[str], most: int = 10) -> str:
    """List names with commas between them, the first ones where there are many."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def unknown_name(kind: str, name: str, known: Iterable[str], next_step: str = "") -> UnknownNameError:
    """Build the error for ``name`` that is not in ``known``, with close matches first."""
    known = sorted(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    expected = f"one of {', '.join(map(repr, known))}" if known else "a registered name, but none is registered"
    hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return UnknownNameError(explain(f"unknown {kind}", repr(name), expected, " ".join(filter(None, [hint, next_step]))))
