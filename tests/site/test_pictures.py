"""The pages' pictures show what the commands draw."""

import numpy as np
import pytest
from PIL import Image

from avssl_hub.site.pictures import FIGURES, draw_pictures


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("pictures"))


def _grey(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((90, 90), Image.Resampling.BOX), float)


def test_pictures_are_what_is_drawn_today(drawn):
    assert {path.name for path in drawn} == {path.name for path in FIGURES.glob("*.webp")}
    for path in drawn:
        # Of 255; rounding and compression change less than a point of a graph or a letter.
        difference = np.abs(_grey(path) - _grey(FIGURES / path.name))
        assert difference.mean() < 0.5, f"{path.name}: run python -m avssl_hub.site.pictures, and look at it"
        assert difference.max() < 12, f"{path.name}: run python -m avssl_hub.site.pictures, and look at it"
