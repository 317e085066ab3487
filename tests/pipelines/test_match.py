"""Pictures and sounds of a collection compared, and the picture of it."""

import math

import matplotlib.image
import pytest
import torch

from avssl_hub.media import MediaOpenError
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines.match import Matches, NothingToMatchError, match, mean_direction
from avssl_hub.pipelines.match_figure import draw_matches

from .readable import RATE, film, sample


@pytest.fixture
def matches(tmp_path):
    files = [film(tmp_path / f"{name}.mp4", seed=number) for number, name in enumerate("abc")]
    cosines = torch.tensor([[0.9, 0.1], [0.2, 0.3], [0.8, -0.5]])
    return Matches(tuple(files), (0, 1, 2), (0, 2), cosines)


def test_files_without_sound_have_no_column(pipe, tmp_path):
    files = [film(tmp_path / "a.mp4", seconds_of_sound=0), film(tmp_path / "b.mp4", seed=5)]
    found = match(pipe, files, clips=1)
    assert (found.pictures, found.sounds) == ((0, 1), (1,))
    picture, sound = (2.0, 5.0), (sample(0, 5), sample(RATE - 1, 5))
    dot = sum(a * b for a, b in zip(picture, sound))
    cosine = dot / math.hypot(*picture) / math.hypot(*sound)
    assert found.similarity.flatten().tolist() == pytest.approx([cosine] * 2, abs=1e-5)


def test_a_file_stands_for_the_mean_direction_of_its_windows():
    rows = torch.tensor([[2.0, 0.0], [0.0, 7.0], [torch.nan, torch.nan]])
    assert mean_direction(rows).tolist() == pytest.approx([math.sqrt(0.5)] * 2)


def test_nearest_and_hits(matches):
    assert matches.nearest_sound() == [0, 2, 0]
    assert matches.nearest_picture() == [0, 1]
    # Files 0 and 2 have both; only file 0 finds itself, in both directions.
    assert matches.hits() == (1, 1, 2)


def test_nothing_to_match_is_an_error(pipe, tmp_path):
    with pytest.raises(NothingToMatchError, match=r"got no file with sound \(files: 1\); expected at least one"):
        match(pipe, [film(tmp_path / "a.mp4", seconds_of_sound=0)])
    broken = tmp_path / "broken.mp4"
    broken.write_text("not a film")
    with pytest.raises(MediaOpenError, match=r"broken\.mp4"):
        match(pipe, [broken])


def test_the_picture_shows_every_clip(matches, tmp_path):
    path = tmp_path / "similarity.png"
    draw_matches(matches, ["first", "second", "third"], path, "tests")
    image = matplotlib.image.imread(path)
    assert image[0, 0, :3].tolist() == [1, 1, 1]
    # The strongest colours of the scale are in it: +0.9 is dark orange, -0.5 a light violet.
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    assert ((red > 0.4) & (green < 0.3) & (blue < 0.1)).mean() > 0.01
    assert ((blue > green + 0.1) & (blue > red)).mean() > 0.01
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "c.mp4", "similarity.png"]


def test_a_picture_that_cannot_be_written_is_named(matches, tmp_path):
    with pytest.raises(OutputError, match=r"writing .*nowhere/similarity\.png"):
        draw_matches(matches, ["a", "b", "c"], tmp_path / "nowhere" / "similarity.png", "tests")
