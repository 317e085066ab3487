"""The fenced blocks of a page, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PAGES = ROOT / "avssl_hub" / "site" / "pages"
FENCE = re.compile(r'^```(?:(\w+)|\{\.(\w+) data-not-run="([^"]+)"\})\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Attributes:
        where: File and line of its first line.
        language: Such as "sh".
        code: The text.
        reason: Why it is not run; empty if it is.
    """

    where: str
    language: str
    code: str
    reason: str

    def commands(self) -> Iterator[list[str]]:
        """Give the words of each command of a block of the shell."""
        for line in self.code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                yield words[:end]
                words = words[end + 1 :]


def blocks_of(path: Path) -> list[Block]:
    """Read the blocks of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start(4)) + 1
        language = match[1] or match[2]
        found.append(Block(f"{path.relative_to(ROOT)}:{line}", language, match[4], match[3] or ""))
    return found
