"""How alike sound and picture are through one film, and the picture of it."""

from math import nan

import matplotlib.image
import pytest
import torch

from avssl_hub.pipelines.clip_embeddings import ClipEmbeddings
from avssl_hub.pipelines.match import NothingToMatchError
from avssl_hub.pipelines.similarity import similarity_over_time
from avssl_hub.pipelines.similarity_figure import draw_similarity


def clips(video, audio, reason=("", "", "")):
    video, audio = torch.tensor(video), torch.tensor(audio)
    start = torch.arange(3, dtype=torch.float64)
    return ClipEmbeddings("a.mp4", start, start + 2, ~audio.isnan().any(1), video, audio, reason)


# The third window has no sound.
FILM = clips([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], [[0.8, 0.6], [1.0, 0.0], [nan, nan]])


def test_each_picture_is_compared_with_its_own_sound_and_the_others():
    found = similarity_over_time(FILM)
    assert found.time.tolist() == [1, 2, 3]
    # 0.6 * 0.8 + 0.8 * 0.6 = 0.96 with the only other sound, and (0.6 + 0) / 2 = 0.3 with both.
    assert found.own[:2].tolist() == pytest.approx([0.8, 0.6])
    assert found.own[2].isnan()
    assert found.others.tolist() == pytest.approx([1.0, 0.96, 0.3])


def test_a_film_without_sound_is_told_so():
    mute = clips([[1.0, 0.0]] * 3, [[nan, nan]] * 3, ("no sound track",) * 3)
    with pytest.raises(NothingToMatchError, match=r"'a.mp4': got no sound track; expected a film with sound"):
        similarity_over_time(mute)


def test_the_figure_shows_what_is_missing_in_grey(tmp_path):
    draw_similarity(similarity_over_time(FILM), tmp_path / "a.png", "a model on a film")
    picture = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    grey = (abs(picture - 0xE6 / 255) < 0.004).all(-1)
    # A third of a square that takes most of the lower part.
    assert 0.05 < grey.mean() < 0.25
