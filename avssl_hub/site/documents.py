"""Documents that lie elsewhere in the repository, and the parts of them that pages show."""

import re
from pathlib import Path

from .. import zoo
from ..errors import InvalidValueError, explain

ROOT = Path(__file__).resolve().parents[2]
_PAGES = Path(__file__).resolve().with_name("pages")
DOCUMENTS = ("CONTRIBUTING.md", "benchmarks/README.md", "benchmarks/*/README.md", "model_cards/*/README.md")
_LINK = re.compile(r"\]\(([^)#:\s]+)[^)]*\)")
_PART = re.compile(r"<!-- part: (\S+) (\S+) -->")
_CARDS = re.compile(r"<!-- cards: (\w+) -->")


def documents() -> list[str]:
    """Name the documents that become pages at their own places, and other files of the repository that they link to."""
    pages = [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]
    linked = {
        target
        for page in [ROOT / "README.md", *pages]
        for link in _LINK.findall(page.read_text(encoding="utf-8"))
        if (target := (page.parent / link).resolve()).is_file()
        and target.is_relative_to(ROOT)
        and not target.is_relative_to(_PAGES)
    }
    return [path.relative_to(ROOT).as_posix() for path in [*pages, *sorted(linked - {*pages})]]


def with_parts(markdown: str) -> str:
    """Put what is kept elsewhere where a page asks for it.

    ``<!-- part: FILE NAME -->`` stands for what is between ``<!-- NAME:start -->`` and its end in that file, and
    ``<!-- cards: FAMILY -->``, in a page one folder down, for links to the cards of a family.

    Raises:
        InvalidValueError: The file has no such part.
        UnknownNameError: There is no such family.
    """
    markdown = _PART.sub(lambda found: _part(found[1], found[2]), markdown)
    return _CARDS.sub(lambda found: _cards(found[1]), markdown)


def _part(file: str, name: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    _, opening, rest = text.partition(f"<!-- {name}:start -->")
    part, closing, _ = rest.partition(f"<!-- {name}:end -->")
    if not opening or not closing:
        raise InvalidValueError(explain(f"part {name!r} of {file}", "none", "a start and an end that are marked"))
    return part.strip()


def _cards(family: str) -> str:
    return "\n".join(f"- [`{name}`](../model_cards/{name}/README.md)" for name in zoo.list_models(family=family))
