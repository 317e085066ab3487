"""A workshop, and films that are good and bad."""

import pytest

from avssl_hub.app.limits import Limits
from avssl_hub.app.work import Workshop
from tests.media.corpus import make
from tests.pipelines.readable import film


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the folder of a workshop's results."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def _workshop(results):
    made = Workshop(results, Limits(seconds=5.0), "cpu")
    yield made
    made.close()


@pytest.fixture
def workshop(_workshop):
    """Return a workshop without results; all tests share its process, which takes seconds to begin."""
    yield _workshop
    for session in ("one", "two", "../../two"):
        _workshop.forget(session)


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Return a folder with ``good.mp4`` of 4 s, ``long.mp4``, ``mute.mp4``, ``text.mp4`` and ``cut.mp4``."""
    folder = tmp_path_factory.mktemp("films")
    good = film(folder / "good.mp4")
    film(folder / "mute.mp4", seconds_of_sound=0)
    make(folder / "long.mp4", [second / 10 for second in range(60)])
    (folder / "text.mp4").write_text("This is no film at all.\n" * 50)
    content = good.read_bytes()
    (folder / "cut.mp4").write_bytes(content[: len(content) // 2])
    return folder
