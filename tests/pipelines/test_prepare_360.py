"""360° videos of several kinds into prepared folders."""

import math

import pytest
import torch

from avssl_hub.data.media_files import find_media
from avssl_hub.data.spatial import SpatialFolder
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import SpatialAudio, SphericalVideo, write_media, write_spatial_metadata
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines import prepare_360 as module
from avssl_hub.pipelines._sphere_source import UnfitVideoError, VideoLayout
from avssl_hub.pipelines.prepare_360 import prepare_360

RATE = 48000
GREY = {"front": 40, "left": 80, "back": 120, "right": 160, "up": 200, "down": 240}


def tones(channels, seconds=1.2):
    """Channel c holds a tone of 300 (c + 1) Hz."""
    time = torch.arange(int(seconds * RATE)) / RATE
    return torch.stack([0.2 * torch.sin(2 * math.pi * 300 * (number + 1) * time) for number in range(channels)])


def heard(folder):
    """Which of the tones each of W, Y, Z, X holds."""
    spectrum = torch.fft.rfft(SpatialFolder(folder).sound(4800, 9600)).abs()
    return [round(hertz / 300) - 1 for hertz in (spectrum.argmax(1) * 5).tolist()]


def sphere(height=32):
    """An equirectangular picture, (H, 2 H, 3), of a quarter of the frame around each; half the back at either edge."""
    eighths = ["back", "left", "left", "front", "front", "right", "right", "back"]
    greys = torch.tensor([GREY[name] for name in eighths], dtype=torch.uint8).repeat_interleave(height // 4)
    return greys[:, None].expand(height, -1, 3)


def cube():
    """An equi-angular cube map of plain faces in YouTube's places, (64, 96, 3)."""
    rows = [["left", "front", "right"], ["down", "back", "up"]]
    grey = torch.tensor([[GREY[name] for name in row] for row in rows], dtype=torch.uint8)
    return grey.repeat_interleave(32, 0).repeat_interleave(32, 1)[..., None].expand(-1, -1, 3)


def film(path, picture, sound, seconds=1.2, metadata=False):
    write_media(path, picture.expand(int(20 * seconds), -1, -1, -1), 20.0, sound, RATE)
    if metadata:
        write_spatial_metadata(path, path, SphericalVideo(), SpatialAudio(channel_map=(0, 2, 3, 1)), overwrite=True)
    return path


def grey_at(folder, azimuth, elevation=0):
    """Grey of the first frame in a direction given in degrees."""
    frame = SpatialFolder(folder).frame(0).float()
    row, column = round((90 - elevation) / 180 * 223), round((180 - azimuth) / 360 * 447)
    return frame[:, row, column].mean().item()


def prepared(tmp_path, *args, **settings):
    """Prepare one film; gives its folder."""
    path = film(tmp_path / "a.mp4", *args)
    report = prepare_360(find_media([path]), tmp_path / "out", **settings)
    assert (report.written, report.failed) == (1, {})
    return tmp_path / "out" / "a"


def assert_looks_around(folder):
    for name, azimuth in (("front", 0), ("left", 90), ("back", 180), ("right", -90)):
        assert grey_at(folder, azimuth) == pytest.approx(GREY[name], abs=6), name


def test_equirectangular_film_of_four_channels(tmp_path):
    folder = prepared(tmp_path, sphere(), tones(4))
    video = SpatialFolder(folder)
    assert (video.seconds, video.frames, video.frame(9).shape) == (1, 10, (3, 224, 448))
    assert heard(folder) == [0, 1, 2, 3]
    assert_looks_around(folder)


def test_six_channels_of_aac_are_youtubes_and_cube_maps_are_unfolded(tmp_path):
    folder = prepared(tmp_path, cube(), tones(6), layout=VideoLayout("eac"))
    assert heard(folder) == [2, 1, 4, 0]
    assert_looks_around(folder)
    assert grey_at(folder, 0, 80) == pytest.approx(GREY["up"], abs=6)
    assert grey_at(folder, 0, -80) == pytest.approx(GREY["down"], abs=6)


def test_of_two_eyes_the_left_one_counts(tmp_path):
    black = torch.zeros_like(sphere())
    layouts = {"a": VideoLayout("equirectangular", "top-bottom")}
    assert_looks_around(prepared(tmp_path, torch.cat([sphere(), black]), tones(4), layouts=layouts))
    upright = cube().rot90(1)
    picture = torch.cat([upright, torch.zeros_like(upright)], 1)
    path = film(tmp_path / "b.mp4", picture, tones(4))
    prepare_360(find_media([path]), tmp_path / "out", layout=VideoLayout("eac", "left-right"))
    assert_looks_around(tmp_path / "out" / "b")


def test_metadata_and_the_user_tell_which_channels_are_which(tmp_path):
    path = film(tmp_path / "a.mp4", sphere(), tones(4), metadata=True)
    prepare_360(find_media([path]), tmp_path / "told")
    assert heard(tmp_path / "told" / "a") == [0, 2, 3, 1]
    prepare_360(find_media([path]), tmp_path / "chosen", channels=[3, 2, 1, 0])
    assert heard(tmp_path / "chosen" / "a") == [3, 2, 1, 0]


def test_what_does_not_fit_is_told(tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    film(sources / "flat.mp4", sphere()[:, :48], tones(4))
    film(sources / "good.mp4", sphere(), tones(4))
    film(sources / "short.mp4", sphere(), tones(4, 0.5), 0.5)
    film(sources / "silent.mp4", sphere(), None)
    film(sources / "stereo.mp4", sphere(), tones(2))
    (sources / "torn.mp4").write_bytes((sources / "good.mp4").read_bytes()[:500])
    report = prepare_360(find_media([sources]), tmp_path / "out", keep_going=True)
    reasons = {file.stem: reason for file, reason in report.failed.items()}
    assert report.written == 1
    ((file, (remark,)),) = report.remarks.items()
    assert file.name == "good.mp4"
    assert remark.startswith("no spherical metadata: taken for equirectangular")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good", "prepared.jsonl"]
    assert "48 × 32 pixels and no metadata; expected" in reasons.pop("flat")
    assert "0 whole seconds of sound" in reasons.pop("short")
    assert "got no sound; expected four channels" in reasons.pop("silent")
    assert "got aac with 2; expected four channels" in reasons.pop("stereo")
    assert list(reasons) == ["torn"]
    with pytest.raises(UnfitVideoError, match="flat"):
        prepare_360(find_media([sources]), tmp_path / "again")


def test_a_second_run_goes_on_and_changes_nothing(tmp_path, monkeypatch):
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("a", "b"):
        film(sources / f"{name}.mp4", sphere(), tones(4))
    write, made = module.write_folder, []

    def interrupted(path, sound, frames, rules):
        if made:
            # Cut in the middle of the second video.
            frames = (frame if number < 3 else press_ctrl_c() for number, frame in enumerate(frames))
        made.append(path)
        return write(path, sound, frames, rules)

    def press_ctrl_c():
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_folder", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare_360(find_media([sources]), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "prepared.jsonl"]
    report = prepare_360(find_media([sources]), tmp_path / "out")
    assert (report.written, report.reused) == (1, 1)
    with pytest.raises(OutputError, match="made with other channels"):
        prepare_360(find_media([sources]), tmp_path / "out", channels=[3, 2, 1, 0])
    assert prepare_360(find_media([sources]), tmp_path / "out", channels=[3, 2, 1, 0], force=True).written == 2
    assert heard(tmp_path / "out" / "b") == [3, 2, 1, 0]


def test_settings_out_of_range_are_named(tmp_path):
    path = film(tmp_path / "a.mp4", sphere(), tones(4), 0.2)
    with pytest.raises(InvalidValueError, match=r"channels: got \[0, 1, 2\]"):
        prepare_360(find_media([path]), tmp_path / "out", channels=[0, 1, 2])
    with pytest.raises(UnknownNameError, match="unknown projection: got 'cube'"):
        VideoLayout("cube")
    (tmp_path / "more").mkdir()
    other = film(tmp_path / "more" / "a.mp4", sphere(), tones(4), 0.2)
    with pytest.raises(OutputError, match="would both become"):
        prepare_360(find_media([path, other]), tmp_path / "out")
