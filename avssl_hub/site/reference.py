"""Pages of the reference, made of what there is: public names, commands and recipes."""

from .. import _HOME_OF
from .command_line import command_line
from .documents import ROOT

_RECIPES = ROOT / "avssl_hub" / "training" / "recipes"
# Beside the public names of the package itself.
_MORE = {
    # Its function of the same name is public.
    "catalogue": ["media.probe"],
    "pipelines": [
        "pipelines.embed_files",
        "pipelines.hf.tasks",
        "pipelines.overlay",
        "pipelines.separate_file",
        "pipelines.spatialize_file",
    ],
    "training": ["training", "objectives"],
    "worlds": ["data.avworld", "data.avworld.export", "data.avworld360", "data.avworld360.export"],
    "ambisonics": ["audio.ambisonics"],
}


def pages() -> dict[str, str]:
    """Return the generated pages by their names."""
    found = {f"reference/{name}.md": _modules(name, modules) for name, modules in _modules_of_pages().items()}
    return {
        **found,
        "reference/index.md": _index(),
        "reference/command_line.md": command_line(),
        "recipes.md": _recipes(),
    }


def _modules_of_pages() -> dict[str, list[str]]:
    """Return the modules that each page documents; a family has a page of its own."""
    pages: dict[str, list[str]] = {}
    for home in sorted({*_HOME_OF.values()}):
        group, _, name = home.partition(".")
        page = {"models": name, "pipelines": group}.get(group, "catalogue")
        pages.setdefault(page, []).append(home)
    for page, more in _MORE.items():
        pages.setdefault(page, []).extend(more)
    return pages


def _modules(page: str, modules: list[str]) -> str:
    return "\n\n".join([f"# Reference: {page.replace('_', ' ')}", *(f"::: avssl_hub.{module}" for module in modules)])


def _index() -> str:
    lines = [
        "# Python",
        "",
        "Names to import from `avssl_hub` itself. Importing it is quick: torch and transformers are loaded when a name",
        "that needs them is first used.",
        "",
        *(f"- [`{name}`][avssl_hub.{home}.{name}]" for name, home in sorted(_HOME_OF.items())),
    ]
    return "\n".join(lines)


def _recipes() -> str:
    lines = [
        "# Recipes",
        "",
        "Each says what it reproduces, what it scored or should score, and what it costs. `avssl train NAME -o FOLDER`",
        "runs one; [Training](training.md) tells the rest.",
    ]
    for path in sorted(_RECIPES.rglob("*.yaml")):
        name = path.relative_to(_RECIPES).with_suffix("").as_posix()
        head = path.read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
        lines += [
            "",
            f"## {name}",
            "",
            "```{.text .wrapped}",
            *(line.removeprefix("#").removeprefix(" ") for line in head),
            "```",
        ]
    return "\n".join(lines)
