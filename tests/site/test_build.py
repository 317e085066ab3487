"""The site as it is built: without a warning, without a dead link, and with nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
import yaml

import avssl_hub
from avssl_hub import zoo
from tests.conftest import ROOT

from .blocks import PAGES

CONFIG = PAGES.parent / "mkdocs.yml"
# Where an address is followed by the browser itself, and not by the reader.
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """What a page offers and wants: names of places, links, and files that belong to it."""

    def __init__(self, path):
        super().__init__()
        self.path, self.names, self.links, self.fetched = path, set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.names |= {given.get("id"), given.get("name") if tag == "a" else None} - {None}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif given.get(FETCHED.get(tag)):
            self.fetched.append(given[FETCHED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the pages of the built site by their paths."""
    for module in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(module, reason="the site is built with the extra 'docs'")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", CONFIG, "--site-dir", out]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    return {path: Page(path) for path in sorted(out.rglob("*.html")) if path.name != "404.html"}


def test_every_link_leads_somewhere(site):
    dead = []
    for page in site.values():
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if parts.scheme not in ("https", "http", "mailto") or not parts.netloc + parts.path:
                    dead.append((page.path.name, link))
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            names = site[target].names if target in site else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in names):
                dead.append((page.path.name, link))
    assert sum(len(page.links) for page in site.values()) > 1000
    assert dead == []


def test_nothing_is_fetched_from_elsewhere(site):
    out = next(path for path in site if path.name == "index.html" and path.with_name("search").is_dir()).parent
    fetched = {link for page in site.values() for link in page.fetched}
    assert any(link.endswith(".js") for link in fetched)
    assert [link for link in fetched if urlsplit(link).netloc] == []
    sheets = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)\"']+", sheets) == []


def test_every_public_name_has_an_entry(site):
    names = set().union(*(page.names for page in site.values()))
    entries = {name.rpartition(".")[2] for name in names if name.startswith("avssl_hub.")}
    assert set(avssl_hub.__all__) - entries == set()


def test_every_checkpoint_has_its_card(site):
    pages = {path.parent.name for path in site if path.parts[-3] == "model_cards"}
    assert pages == set(zoo.catalogue())
    (models,) = (page for path, page in site.items() if path.name == "models.html")
    assert {f"model_cards/{name}/index.html" for name in pages} <= set(models.links)


def test_every_family_has_a_page_and_a_place_in_the_menu():
    menu = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["nav"]
    for family in {card.family for card in zoo.catalogue().values()}:
        assert (PAGES / "families" / f"{family}.md").is_file()
        assert f"families/{family}.md" in str(menu)
        assert f"reference/{family}.md" in str(menu)


def test_every_page_is_in_the_menu():
    menu = CONFIG.read_text(encoding="utf-8").partition("\nnav:")[2]
    assert [path for path in PAGES.rglob("*.md") if path.relative_to(PAGES).as_posix() not in menu] == []
