"""Segmenting the sphere: every direction gets the class of what is seen there, when it is seen there."""

import csv
import math

import pytest
import torch

from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import (
    MediaOpenError,
    MediaReader,
    MissingStreamError,
    probe,
    read_sound,
    read_spatial_metadata,
    write_media,
)
from avssl_hub.models.avsa import AvsaModel
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines._sphere_source import UnfitVideoError, VideoLayout
from avssl_hub.pipelines.segment import SegmentationPipeline
from avssl_hub.pipelines.segment_file import segment_file

from .segmenting import NAMES, Hears, config, film, left_bright, pipeline, processor


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What is found in a film whose left is bright for a second, and its right for another."""
    return pipeline()(film(tmp_path_factory.mktemp("films") / "a.mp4"))


def test_every_direction_gets_its_class_at_its_time(found):
    assert (found.classes, found.every, found.maps.dtype) == (NAMES, 0.5, torch.uint8)
    assert found.times.tolist() == pytest.approx([0, 0.5, 1, 1.5])
    height, width = found.maps.shape[1:]
    assert width == 2 * height
    # 16 pixels are the 76 degrees of a view.
    assert height == pytest.approx(180 * 16 / math.degrees(2 * math.atan(math.pi / 4)), abs=1)
    border = width // 16
    for moment, classes in enumerate(found.maps):
        left, right = classes[:, border : width // 2 - border], classes[:, width // 2 + border : -border]
        bright, dark = (left, right) if moment < 2 else (right, left)
        # At the poles all azimuths meet.
        assert (bright[2:-2] == 1).all()
        assert (dark[2:-2] == 0).all()


def test_shares_are_those_of_the_sphere(found):
    assert torch.allclose(found.shares, torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64), atol=0.03)
    assert found.shares.sum(1).tolist() == pytest.approx([1] * 4)
    seconds, shares = found.per_second()
    assert seconds == [0, 1]
    assert torch.allclose(shares[0], found.shares[:2].mean(0))


def test_areas_count_by_solid_angle(tmp_path):
    # What lies more than 30 degrees above the horizon is a quarter of the sphere, and a third of the picture.
    frames = torch.zeros(4, 96, 192, 3, dtype=torch.uint8)
    frames[:, :32] = 255
    write_media(tmp_path / "a.mp4", frames, 8)
    shares = pipeline()(tmp_path / "a.mp4").shares
    assert shares[0, 1].item() == pytest.approx(0.25, abs=0.02)


def test_clips_may_lie_apart(tmp_path):
    found = pipeline()(film(tmp_path / "a.mp4", 2.0), every=0.75)
    assert found.times.tolist() == pytest.approx([0, 0.75, 1.5])
    with pytest.raises(InvalidValueError, match=r"every: got 0.25; expected seconds, at least the clip's 0.5"):
        pipeline()(tmp_path / "a.mp4", every=0.25)


def test_a_film_shorter_than_a_clip_is_one_moment(tmp_path):
    found = pipeline()(film(tmp_path / "a.mp4", 0.25))
    assert len(found.times) == 1
    assert found.shares[0, 1].item() == pytest.approx(0.5, abs=0.03)


def test_a_film_that_is_cut_short_says_so(tmp_path):
    whole = film(tmp_path / "a.mp4", 6.0).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    found = pipeline()(tmp_path / "cut.mp4")
    assert 0 < len(found.times) < 12
    assert "no picture decodes after" in found.notes[-1]


def test_sound_is_heard_around_the_clip_until_it_ends(tmp_path):
    loud = 0.5 * torch.rand(4, 8000, generator=torch.Generator().manual_seed(0))
    path = film(tmp_path / "a.mp4", 3.0, loud)
    found = pipeline(Hears, "audio")(path)
    # A window reaches 0.05 s before its clip and behind it.
    assert found.maps.flatten(1).float().mean(1).tolist() == [1, 1, 1, 0, 0, 0]
    assert [note for note in found.notes if "taken for silence" in note] == [
        "no sound, taken for silence: 1.00 to 3.00 s"
    ]


def test_sound_beside_the_film_is_heard(tmp_path):
    write_media(tmp_path / "a.mp4", left_bright(1.0), 8)
    write_media(tmp_path / "sound.mp4", left_bright(1.0), 8, 0.5 * torch.rand(4, 8000), 8000)
    (tmp_path / "sound.mp4").rename(tmp_path / "a.m4a")
    found = pipeline(Hears, "audio+context")(tmp_path / "a.mp4")
    assert (found.maps == 1).all()
    assert f"sound taken from {tmp_path / 'a.m4a'}" in found.notes


@pytest.mark.parametrize(
    ("write", "condition", "error", "told"),
    [
        (
            lambda path: write_media(path, left_bright(1.0), 8),
            "audio",
            MissingStreamError,
            "got none; expected four channels in it",
        ),
        (
            lambda path: write_media(path, left_bright(1.0), 8, torch.rand(2, 8000), 8000),
            "audio",
            UnfitVideoError,
            "got aac with 2; expected four channels",
        ),
        (
            lambda path: write_media(path, left_bright(1.0)[:, :, :64], 8),
            None,
            InvalidValueError,
            "360° picture of .*pass --projection equirectangular",
        ),
        (lambda path: path.write_bytes(b"no film"), None, MediaOpenError, "film.mp4"),
    ],
)
def test_films_that_do_not_fit_are_refused(write, condition, error, told, tmp_path):
    path = tmp_path / "film.mp4"
    write(path)
    with pytest.raises(error, match=told):
        pipeline(Hears if condition else pipeline().model.__class__, condition)(path)


def test_models_of_other_kinds_are_refused():
    with pytest.raises(InvalidValueError, match="model to segment with: got AvsaModel; expected AvsaForSemantic"):
        SegmentationPipeline(AvsaModel(config()), processor())


def test_layouts_are_checked(tmp_path):
    with pytest.raises(UnknownNameError, match="projection"):
        pipeline()(film(tmp_path / "a.mp4", 0.5), layout=VideoLayout("cube"))


def test_an_overlay_keeps_times_sound_and_metadata(tmp_path, found):
    path = film(tmp_path / "a.mp4")
    report = segment_file(pipeline(), path, tmp_path / "o.mp4", tmp_path / "o.csv")
    assert report.maps is None
    assert torch.equal(report.shares, found.shares)
    ours, theirs = (read_spatial_metadata(each) for each in (tmp_path / "o.mp4", path))
    assert ours == theirs
    assert torch.equal(read_sound(tmp_path / "o.mp4")[0], read_sound(path)[0])
    assert probe(tmp_path / "o.mp4").video[0].end == probe(path).video[0].end
    with MediaReader(tmp_path / "o.mp4") as reader:
        frames = reader.read_video(0.0, 2.0, 8.0).frames.float()
    assert len(frames) == 16
    # White turns to the half of a colour, and black to the dark half of another.
    for frame, left in ((frames[4], 1), (frames[12], 0)):
        assert (frame[8:24, 12:36].mean() > 160) == (left == 1)
        assert (frame[8:24, 60:84].mean() > 160) == (left == 0)
        assert frame[8:24, 12:36].mean((0, 1)).std() > 10
    with open(tmp_path / "o.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["second"] for row in rows] == ["0", "1"]
    assert float(rows[0]["bright"]) == pytest.approx(100 * found.shares[:2, 1].mean().item(), abs=1e-3)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "o.csv", "o.mp4"]


def test_both_eyes_are_painted_alike(tmp_path):
    frames = torch.cat([left_bright(1.0), left_bright(1.0)], 1)
    write_media(tmp_path / "a.mp4", frames, 8)
    layout = VideoLayout("equirectangular", "top-bottom")
    segment_file(pipeline(), tmp_path / "a.mp4", tmp_path / "o.mp4", layout=layout)
    with MediaReader(tmp_path / "o.mp4") as reader:
        upper, lower = reader.read_video(0.0, 1.0, 8.0).frames[2].float().split(48)
    assert (upper - lower).abs().mean() < 4
    assert read_spatial_metadata(tmp_path / "o.mp4").video.stereo == "top-bottom"


def test_what_cannot_be_painted_or_written_is_refused_and_leaves_nothing(tmp_path):
    path = film(tmp_path / "a.mp4", 0.5)
    (tmp_path / "there.mp4").touch()
    before = sorted(tmp_path.iterdir())
    for output, error, told in (
        (tmp_path / "there.mp4", OutputError, "pass --force"),
        (tmp_path / "o.avi", OutputError, "suffix '.avi'"),
    ):
        with pytest.raises(error, match=told):
            segment_file(pipeline(), path, output)
    with pytest.raises(OutputError, match="got the film itself"):
        segment_file(pipeline(), path, path, force=True)
    with pytest.raises(InvalidValueError, match="overlay: got a picture of projection 'eac'; expected an equirect"):
        segment_file(pipeline(), path, tmp_path / "o.mp4", layout=VideoLayout("eac"))
    with pytest.raises(KeyboardInterrupt):
        segment_file(pipeline(), path, tmp_path / "o.mp4", progress=_interrupt)
    assert sorted(tmp_path.iterdir()) == before


def _interrupt(done: int, total: int) -> None:
    raise KeyboardInterrupt
