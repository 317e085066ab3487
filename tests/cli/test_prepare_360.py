"""`avssl data prepare-360` as a user types it."""

import pytest
import torch

from avssl_hub.media import write_media


@pytest.fixture
def videos(tmp_path):
    """Two films of a plain picture: one of six channels without metadata, one in stereo."""
    (tmp_path / "videos").mkdir()
    picture = torch.full((30, 32, 48, 3), 90, dtype=torch.uint8)
    for name, channels in (("one", 6), ("-two", 2), ("other", 4)):
        write_media(tmp_path / "videos" / f"{name}.mp4", picture, 20.0, torch.zeros(channels, 72000), 48000)
    (tmp_path / "ids.lst").write_text("one\n-two\ngone")
    (tmp_path / "formats.txt").write_text("one 123 MONO EAC\n-two 124 STEREO ER\n")


@pytest.mark.usefixtures("videos")
def test_listed_videos_are_prepared_and_others_told(avssl, tmp_path):
    command = ["data", "prepare-360", "videos", "-o", "out", "--list", "ids.lst", "--video-formats", "formats.txt"]
    result = avssl(*command, "--keep-going", "--skipped", "skipped.tsv")
    assert result.exit_code == 1
    assert result.stdout == "out: 1 video written, 0 there already\n"
    assert "1 of 3 listed videos not here: gone" in result.stderr
    assert "1 file failed" in result.stderr
    table = (tmp_path / "skipped.tsv").read_text().splitlines()
    assert table[0] == "file\treason"
    assert table[1].startswith("videos/-two.mp4\tchannels of videos/-two.mp4: got aac with 2; expected four channels")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one", "prepared.jsonl"]
    assert (tmp_path / "out" / "one" / "audio_pow.lst").exists()


@pytest.mark.usefixtures("videos")
def test_bad_options_and_lists_are_named(avssl, tmp_path):
    def error(*options):
        result = avssl("data", "prepare-360", "videos", "-o", "out", *options)
        assert result.exit_code == 2
        assert not (tmp_path / "out").exists()
        return result.stderr

    assert "--channels: got 'WYZX'; expected four numbers" in error("--channels", "WYZX")
    assert "unknown stereo: got 'both'" in error("--projection", "eac", "--stereo", "both")
    assert "output skipped.csv: got suffix '.csv'; expected .tsv" in error("--skipped", "skipped.csv")
    (tmp_path / "formats.txt").write_text("one 123 MONO CUBE\n")
    assert "line 1: got one 123 MONO CUBE; expected a YouTube id" in error("--video-formats", "formats.txt")
