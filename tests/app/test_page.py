"""The page as a user meets it: the command's server, driven in a headless Chromium."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from tests.benchmarks import browser
from tests.conftest import ROOT
from tests.media.corpus import make

PATIENCE = 60  # seconds, on a busy machine

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra 'app'")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the page's address and its folder; in the end, what served it ends well and leaves nothing."""
    scratch = tmp_path_factory.mktemp("scratch")
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "avssl_hub.cli", "app", "--port", "0", "--max-seconds", "12.5", "--max-size", "1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=scratch)
    said = process.stdout.readline()
    yield re.search(r"http://127\.0\.0\.1:\d+", said)[0], next(scratch.glob("avssl-app-*"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert list(scratch.iterdir()) == []


@pytest.fixture(scope="module")
def page(server, tmp_path_factory):
    path = browser.find()
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(browser.NAMES)} on the path")
    made = browser.Browser(path, tmp_path_factory.mktemp("profile"))
    made.look(1280, 900)
    made.open(server[0])
    until(made, "document.querySelectorAll('#film input[type=file], #similarity-start').length === 2")
    yield made
    made.close()


def until(page, condition):
    """Wait for an expression in the page to be true."""
    begin = time.monotonic()
    while not page.run(condition):
        assert time.monotonic() - begin < PATIENCE, f"{condition}: {page.run('document.body.innerText')}"
        time.sleep(0.1)


def click(page, text):
    wanted = f"[...document.querySelectorAll('button')].find(e => e.innerText.startsWith({json.dumps(text)}))"
    page.run(f"{wanted}.click()")


def give(page, film):
    """Take away the film that is there, and upload another."""
    page.run("document.querySelector('#film button[aria-label=Clear]')?.click()")
    until(page, "document.querySelector('#film input[type=file]') !== null")
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="#film input[type=file]")["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=node, files=[str(film)])


def said(page, section, text):
    """Wait until a section says something."""
    words = f"document.querySelector('#{section}-said').innerText"
    until(page, f"{words}.includes({json.dumps(text)})")
    return page.run(words)


@pytest.fixture(scope="module")
def bad(films, tmp_path_factory):
    """Return films that cannot be used, with what is said of each."""
    long = make(tmp_path_factory.mktemp("long") / "long.mp4", [second / 2 for second in range(27)])
    return [
        (films / "text.mp4", "text.mp4"),
        (films / "cut.mp4", "cut.mp4"),
        (films / "mute.mp4", "got no sound track; expected a film with sound"),
        (long, "s; expected at most 12.5 s. Cut a piece out of it."),
    ]


def test_bad_films_are_explained_and_the_page_goes_on_to_show_good_ones(page, bad, tmp_path):
    page.click("#similarity-start")
    said(page, "similarity", "No film yet")
    for film, text in bad:
        give(page, film)
        until(page, "document.querySelector('#film button[aria-label=Clear]') !== null")
        page.click("#similarity-start")
        assert "/films" not in said(page, "similarity", text)
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(1_200_000))
    give(page, large)
    until(page, "document.querySelector('.toast-wrap')?.innerText.includes('maximum allowed size of 1.0')")

    click(page, "Three objects in turn")
    until(page, "document.querySelector('#film video') !== null")
    page.click("#similarity-start")
    # Again and again, for at first nothing is under way that could be cancelled.
    stopped = "document.querySelector('#similarity-said').innerText.includes('Cancelled.')"
    until(page, f"(document.querySelector('#similarity-stop').click(), {stopped})")
    page.click("#similarity-start")
    said(page, "similarity", "avid_tiny.avworld on three_objects.mp4: Cosine of the picture with its own sound")
    until(page, "[...document.querySelectorAll('.image-frame img')].some(e => e.naturalWidth > 500)")


def test_what_a_model_can_do_follows_the_choice(page):
    click(page, "A sound from off the screen")
    until(page, "document.querySelector('#screen-start')?.offsetParent != null")
    assert page.run("document.querySelector('#similarity-start')?.offsetParent == null")
    assert "Its world has a handful of classes" not in page.run("document.body.innerText")
    click(page, "What it cannot do")
    until(page, "document.body.innerText.includes('Its world has a handful of classes')")
    page.click("#screen-start")
    said(page, "screen", "4.00 s of sound parted")
    until(
        page,
        "[...document.querySelectorAll('video')].filter(e => e.readyState > 0 && e.videoWidth === 128).length === 3",
    )


def test_a_phone_shows_all_without_scrolling_sideways(page):
    page.look(390, 844, phone=True)
    assert page.run("document.documentElement.scrollWidth") <= 390


def test_nothing_is_asked_of_other_sites(page, server):
    asked = [problem for problem in page.problems if re.match(r"(blob:)?\w+://", problem)]
    assert asked
    assert [address for address in asked if not address.removeprefix("blob:").startswith(server[0])] == []


def test_leaving_takes_the_results_along(page, server):
    results = server[1] / "results"
    assert sorted(path.name for path in results.rglob("*.png")) == ["similarity.png", "spectrogram.png"]
    page.call("Page.navigate", url="about:blank")
    begin = time.monotonic()
    while list(results.iterdir()):
        assert time.monotonic() - begin < PATIENCE
        time.sleep(0.1)
