"""Which state of the converters made a checkpoint."""

import subprocess
from pathlib import Path


def converters_commit() -> str | None:
    """Return the last commit that changed the converters, and whether they have since; None outside a checkout."""
    commit = _git("log", "-1", "--format=%H", "--", ".")
    changed = commit and _git("status", "--porcelain", "--", ".")
    return f"{commit} with changes" if changed else commit or None


def _git(*words: str) -> str:
    try:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
