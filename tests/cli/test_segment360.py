"""``avssl segment360`` from the shell."""

import json

import pytest
import torch

from avssl_hub.media import write_media
from avssl_hub.models.avsa import AvsaForSemanticSegmentation
from tests.pipelines.segmenting import NAMES, config, film, left_bright, processor


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return folders of random models: one that sees, and one that hears too."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    for name, condition in (("sees", None), ("hears", "audio+context")):
        AvsaForSemanticSegmentation(config(condition)).save_pretrained(folder / name)
        processor().save_pretrained(folder / name)
    return folder


def test_segment360_writes_all_and_says_so(avssl, models, tmp_path):
    film(tmp_path / "a.mp4", 1.0)
    result = avssl("segment360", "a.mp4", "-m", models / "hears", "-o", "o.mp4", "--csv", "o.csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("a.mp4: 2 clips, 0.50 s apart\nclass")
    assert "Look at o.mp4\nLook at o.csv" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "o.csv", "o.mp4"]


def test_segment360_prints_shares_as_json(avssl, models, tmp_path):
    write_media(tmp_path / "a.mp4", left_bright(1.5), 8)
    result = avssl("segment360", "a.mp4", "-m", models / "sees", "--json", "--every", "0.75")
    assert result.exit_code == 0, result.stderr
    assert "no spherical metadata: taken for equirectangular" in result.stderr
    told = json.loads(result.stdout)
    assert [second["second"] for second in told["seconds"]] == [0]
    assert set(told["shares"]) == set(NAMES)
    assert sum(told["shares"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a.mp4", "-o", "there.mp4"], "pass --force to replace it"),
        (["a.mp4", "-o", "a.mp4", "--force"], "got the film itself"),
        (["a.mp4", "--csv", "o.txt"], "got suffix '.txt'; expected .csv"),
        (["flat.mp4"], "pass --projection equirectangular"),
        (["mute.mp4"], "got none; expected four channels in it"),
        (["a.mp4", "--every", "0.1"], "at least the clip's 0.5"),
        (["a.mp4", "--channels", "W,X"], "got 'W,X'; expected four numbers with commas between them"),
        (["nowhere.mp4"], "nowhere.mp4"),
    ],
)
def test_mistakes_in_segmenting_are_explained(avssl, models, tmp_path, words, text):
    film(tmp_path / "a.mp4", 0.5)
    write_media(tmp_path / "flat.mp4", left_bright(0.5)[:, :, :64], 8)
    write_media(tmp_path / "mute.mp4", left_bright(0.5), 8)
    (tmp_path / "there.mp4").touch()
    before = sorted(tmp_path.iterdir())
    result = avssl("segment360", *words, "-m", models / "hears")
    assert result.exit_code == 2
    assert text in result.stderr
    assert sorted(tmp_path.iterdir()) == before
