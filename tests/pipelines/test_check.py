"""Copies of data sets checked: every kind of damage is told apart, and odd but sound files are not damaged."""

import hashlib
import signal

import numpy as np
import pyarrow as pa
import pytest
import torch

from avssl_hub.data.datasets import build
from avssl_hub.data.manifest import Manifest
from avssl_hub.data.spatial import ChunkRules, write_folder
from avssl_hub.errors import InvalidValueError
from avssl_hub.pipelines.check import check_media
from tests.media.conftest import corpus  # noqa: F401
from tests.media.corpus import Sound, make

from .readable import film


def statuses(report):
    return dict(zip((item.path.stem for item in report.manifest), report.manifest.column("status").to_pylist()))


def manifest_of(root, **columns):
    return Manifest(pa.table(columns), root)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four seconds each: a whole film, a silent one, a sound file, and one of bytes that are no media."""
    folder = tmp_path_factory.mktemp("copy")
    film(folder / "whole.mp4")
    film(folder / "silent.mp4", seconds_of_sound=0)
    film(folder / "text.mp4").write_text("not a film")
    return folder


def test_damage_is_found_and_oddity_is_not_damage(corpus):  # noqa: F811
    paths = sorted(set(corpus.values()))
    report = check_media(Manifest(pa.table({"path": [str(path) for path in paths]})))
    found = dict(zip(paths, report.manifest.column("status").to_pylist()))
    broken = {corpus[name] for name in ("empty", "text", "truncated", "headless")}
    assert {path for path, status in found.items() if status != "ok"} == broken
    assert (report.counts, report.bad) == ({"ok": len(paths) - 4, "broken": 4}, 4)
    reasons = {name: reason for name, _, reason in report.failures()}
    assert "an empty file (0 bytes)" in reasons[str(corpus["empty"])]
    assert "it ends before the 4.0" in reasons[str(corpus["truncated"])]
    # Cover art is no picture.
    by_path = dict(zip(paths, report.manifest.column("width").to_pylist()))
    assert (by_path[corpus["cover_mp3"]], by_path[corpus["plain"]], by_path[corpus["text"]]) == (0, 64, None)


def test_counts_windows_and_missing_files(folder):
    rows = [
        ("whole.mp4", None, None, "ok"),
        ("whole.mp4", 1.0, 3.0, "ok"),
        ("whole.mp4", 2.0, 4.05, "ok"),
        ("whole.mp4", 2.0, 4.5, "short"),
        ("whole.mp4", 5.0, 6.0, "broken"),
        ("silent.mp4", None, None, "ok"),
        ("text.mp4", None, None, "broken"),
        ("gone.mp4", None, None, "missing"),
        ("x" * 300, None, None, "missing"),
        ("a\0.mp4", None, None, "missing"),
    ]
    path, start, end, expected = map(list, zip(*rows))
    seen = []
    report = check_media(
        manifest_of(folder, path=path, start=start, end=end), progress=lambda done, total: seen.append((done, total))
    )
    assert report.manifest.column("status").to_pylist() == expected
    assert (report.silent, report.blind, report.bad) == (1, 0, 5)
    assert report.durations() == pytest.approx([4.0] * 6, abs=0.05)
    assert seen == [(number, 10) for number in range(1, 11)]
    reasons = [reason for _, _, reason in report.failures()]
    assert "s end before the row's end at 4.50 s" in reasons[0]
    assert "s end before the row's start at 5.00 s" in reasons[1]
    assert [item.start for item in report.manifest.where(status="ok")] == [None, 1.0, 2.0, None]


def test_a_table_of_what_is_fine_can_be_trained_on(folder, tmp_path):
    report = check_media(build("folder", folder).manifest)
    report.manifest.write(tmp_path / "report.csv")
    back = Manifest.read(tmp_path / "report.csv").where(status="ok")
    assert [item.path for item in back] == [folder / "silent.mp4", folder / "whole.mp4"]
    assert [float(fps) for fps in back.column("fps").to_pylist()] == [10.0, 10.0]
    assert back.column("sampling_rate").to_pylist() == ["0", "24000"]


def test_content_is_compared_with_known_hashes(folder):
    digest = hashlib.sha256((folder / "whole.mp4").read_bytes()).hexdigest()
    other = digest[::-1]
    manifest = manifest_of(folder, path=["whole.mp4", "silent.mp4", "gone.mp4"], sha256=[digest.upper(), other, other])
    report = check_media(manifest)
    assert report.manifest.column("status").to_pylist() == ["ok", "changed", "missing"]
    assert report.manifest.column("sha256").to_pylist() == [digest.upper(), other, other]
    hashed = check_media(manifest_of(folder, path=["whole.mp4", "gone.mp4"]), digest=True)
    assert hashed.manifest.column("sha256").to_pylist() == [digest, None]
    assert "sha256" not in check_media(manifest_of(folder, path=["whole.mp4"])).manifest.columns


def test_an_earlier_check_is_replaced(folder):
    first = check_media(manifest_of(folder, path=["whole.mp4", "text.mp4"], note=["x", "y"]))
    second = check_media(first.manifest)
    assert second.manifest.table.equals(first.manifest.table)


def test_processes_find_the_same(folder):
    paths = ["whole.mp4", "silent.mp4", "text.mp4", "gone.mp4", "whole.mp4"]
    manifest = manifest_of(folder, path=paths, start=[0, 0, 0, 0, 1])
    report = check_media(manifest, jobs=2)
    assert report.manifest.table.equals(check_media(manifest).manifest.table)
    with pytest.raises(InvalidValueError, match="jobs: got 0"):
        check_media(manifest, jobs=0)


def test_an_interrupt_stops_the_check(folder):
    def press(done, total):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            check_media(manifest_of(folder, path=["whole.mp4"]), progress=press)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("keep", "text"), [(0.5, "broken"), (0.97, "broken"), (1.0, "ok")])
def test_real_files_cut_short(shared_data, tmp_path, keep, text):
    whole = shared_data("av-clips-misc/videos/talk_00015.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(len(whole) * keep)])
    assert statuses(check_media(build("folder", tmp_path).manifest)) == {"cut": text}


def test_prepared_folders_are_looked_into(tmp_path):
    rules, sound = ChunkRules(sampling_rate=8000), torch.zeros(4, 24000)
    frames = torch.zeros(30, 3, 16, 32, dtype=torch.uint8)
    for name in ("whole", "torn", "gap", "bare"):
        write_folder(tmp_path / name, [sound], frames, rules)
    (tmp_path / "torn/video/000029.jpg").write_bytes(b"no picture")
    (tmp_path / "gap/ambix/000001.wav").unlink()
    for file in (tmp_path / "bare/ambix").iterdir():
        file.unlink()
    report = check_media(build("prepared_360", tmp_path).manifest)
    assert statuses(report) == {"bare": "broken", "gap": "broken", "torn": "broken", "whole": "ok"}
    (row,) = report.manifest.where(status="ok").table.to_pylist()
    assert (row["duration"], row["sampling_rate"], row["channels"], row["width"], row["height"]) == (3, 8000, 4, 32, 16)
    reasons = [reason for _, _, reason in report.failures()]
    assert "000000.wav" in reasons[0]
    assert "no 000001.wav, but 000002.wav" in reasons[1]
    assert "000029.jpg" in reasons[2]


def test_sound_beside_a_film_is_looked_at_with_it(tmp_path):
    for folder in ("video", "audio"):
        (tmp_path / folder).mkdir()
    for name in ("whole", "torn"):
        film(tmp_path / "video" / f"{name}.mp4", seconds_of_sound=0)
        sound = Sound(np.zeros((4, 96000), np.float32), 24000, layout="4.0")
        make(tmp_path / "audio" / f"{name}.m4a", sounds=(sound,), format="mp4")
    torn = tmp_path / "audio" / "torn.m4a"
    torn.write_bytes(torn.read_bytes()[:200])
    report = check_media(build("folder", tmp_path / "video").manifest)
    assert statuses(report) == {"torn": "broken", "whole": "ok"}
    assert report.manifest.where(status="ok").column("channels").to_pylist() == [4]
    ((_, _, reason),) = report.failures()
    assert reason.startswith("the sound beside it, torn.m4a: ")
