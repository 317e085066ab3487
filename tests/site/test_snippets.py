"""Every snippet of the pages runs as it stands, in an empty folder with a reader's files; the others are commands."""

import shutil

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from avssl_hub import zoo
from avssl_hub.cli import app
from avssl_hub.site.documents import documents
from avssl_hub.training import load_recipe
from benchmarks.__main__ import _parser as benchmarks_parser
from conversion.__main__ import parser as conversion_parser
from conversion.registry import names as convertible
from tests.conftest import ROOT

from .blocks import PAGES, blocks_of

ALL_PAGES = sorted(PAGES.rglob("*.md"))
DOCUMENTS = [ROOT / "README.md", *(ROOT / name for name in documents() if name.endswith(".md"))]
RUN = [page for page in ALL_PAGES if any(not block.reason for block in blocks_of(page))]


def named(path):
    return path.relative_to(ROOT).as_posix().removeprefix("avssl_hub/site/pages/")


@pytest.mark.parametrize("page", RUN, ids=named)
def test_snippets_of_a_page_run_one_after_the_other(page, readers_files, tmp_path, monkeypatch):
    folder = tmp_path / "reader"
    shutil.copytree(readers_files, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AVSSL_HOME", str(tmp_path / "home"))
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.reason:
            continue
        if block.language == "python":
            exec(compile(block.code, block.where, "exec"), names)
            continue
        for words in block.commands():
            assert words[0] == "avssl", f"{block.where}: {words} is none of our commands: say why it is not run"
            result = CliRunner().invoke(app, words[1:], prog_name="avssl")
            assert result.exit_code == 0, f"{block.where}: {words}\n{result.output}"


@pytest.mark.parametrize("page", ALL_PAGES, ids=named)
def test_every_fence_is_a_block_that_can_be_read(page):
    blocks = blocks_of(page)
    assert page.read_text(encoding="utf-8").count("```") == 2 * len(blocks)
    assert {block.language for block in blocks} <= {"python", "sh"}
    # What a column of the page holds.
    assert max((len(line) for block in blocks for line in block.code.splitlines()), default=0) <= 80


@pytest.fixture(scope="module")
def parsed():
    """Return ``parse(words)``: the name and the parameters of a command of ``avssl``, which is not run."""
    seen, root = [], get_command(app)

    def record(command, name):
        for verb, below in getattr(command, "commands", {}).items():
            record(below, f"{name} {verb}".strip())
        if not hasattr(command, "commands"):
            command.callback = lambda **parameters: seen.append((name, parameters))

    def parse(words):
        seen.clear()
        root.main(words, prog_name="avssl", standalone_mode=False)
        return seen.pop()

    record(root, "")
    return parse


def check(words, parsed):
    """Fail unless a command of ours is one: its options exist, and the recipes, checkpoints and models it names."""
    if words[0].endswith("avssl"):
        module, rest = "avssl_hub.cli", words[1:]
    elif "-m" in words:
        module, *rest = words[words.index("-m") + 1 :]
    else:
        return
    if module == "benchmarks" or rest[:1] == ["bench"]:
        benchmarks_parser("").parse_args(rest[module == "avssl_hub.cli" :])
    elif module == "conversion":
        assert conversion_parser().parse_args(rest).name in convertible()
    elif module == "avssl_hub.cli":
        name, given = parsed(rest)
        if name == "train":
            load_recipe(given["recipe"], given["overrides"] or ())
        if name == "convert":
            assert given["name"] in convertible()
        model = given.get("model")
        if model and "/" not in model:
            zoo.card(model)


@pytest.mark.parametrize("page", [*ALL_PAGES, *DOCUMENTS], ids=named)
def test_commands_that_are_not_run_are_commands(page, parsed):
    for block in blocks_of(page):
        if block.language == "sh" and (block.reason or page in DOCUMENTS):
            for words in block.commands():
                check(words, parsed)
        elif block.language == "python" and block.reason:
            compile(block.code, block.where, "exec")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("embed a.mp4 -m avid_tiny.avworld --owt x.npz", "No such option"),
        ("embd a.mp4", "No such command"),
        ("embed a.mp4 -m avid_tiny.avwrld -o x.npz", "Did you mean 'avid_tiny.avworld'"),
        ("train avid/tiny_avworld -o x loop.stepz=3", "stepz"),
    ],
)
def test_what_is_no_command_is_found(command, told, parsed):
    with pytest.raises(Exception, match=told):
        check(["avssl", *command.split()], parsed)
