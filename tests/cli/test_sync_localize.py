"""``avssl sync`` and ``avssl localize`` from the shell: what a newcomer types, and what they mistype."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from avssl_hub.media import probe
from tests.media.corpus import Sound, make, noise
from tests.pipelines.alignment import FPS, RATE, flashing_film


@pytest.fixture
def clip(tmp_path):
    return flashing_film(tmp_path / "clip.mkv", seconds=3.0)


def test_sync_says_whether_sound_is_in_time(avssl, clip, alignment_folder):
    result = avssl("sync", clip, "-m", alignment_folder, "--max-offset", 0.5, "-o", "sync.png")
    assert result.exit_code == 0, result.stderr
    verdict, windows, offset, figure = result.stdout.splitlines()
    assert verdict.startswith(f"{clip}: ")
    assert "in synchrony, score " in verdict
    assert windows.endswith("of 2 windows in synchrony")
    assert offset.startswith("best offset ")
    assert figure == "Look at sync.png"
    assert matplotlib.image.imread("sync.png").shape[1] > 1000
    assert result.stderr == ""
    refused = avssl("sync", clip, "-m", alignment_folder, "-o", "sync.png")
    assert (refused.exit_code, "pass --force to replace it" in refused.stderr) == (2, True)


def test_sync_prints_all_scores_as_json(avssl, alignment_folder, tmp_path):
    clip = flashing_film(tmp_path / "short.mkv", seconds=1.5)
    result = avssl("sync", clip, "-m", alignment_folder, "--max-offset", 1, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    (window,) = found["windows"]
    assert (window["start"], window["padded"], window["reason"]) == (0, True, "")
    assert found["score"] == window["score"]
    assert found["aligned"] == (found["score"] > 0)
    scores = {offset["offset"]: offset["score"] for offset in found["offsets"]}
    assert list(scores) == [-1, -0.5, 0, 0.5, 1]
    assert scores[0] == pytest.approx(found["score"])
    # A second away less than half of the clip's sound is left beside its picture.
    assert (scores[-1], scores[1]) == (None, None)
    assert found["best_offset"] == max((-0.5, 0, 0.5), key=lambda offset: scores[offset])


def test_sync_remarks_on_odd_windows(avssl, alignment_folder, tmp_path):
    clip = flashing_film(tmp_path / "silent.mkv", seconds=1.5, gain=0.0)
    result = avssl("sync", clip, "-m", alignment_folder, "--max-offset", 0)
    assert result.exit_code == 0, result.stderr
    assert "best offset" not in result.stdout
    remark = "padded with the last frame and silence; sound is digital silence."
    assert result.stderr == f"Window from 0.00 s: the picture ends in it: {remark}\n"


def test_localize_writes_what_is_asked_for(avssl, clip, alignment_folder):
    words = ("localize", clip, "-m", alignment_folder, "-o", "heat.mp4", "--still", "heat.png", "--map", "heat.npz")
    result = avssl(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "heat.mp4, heat.png, heat.npz: 6 maps of 2 × 2 places, 0.50 s apart\n"
    info = probe("heat.mp4")
    assert (info.video[0].frames, info.audio[0].sampling_rate) == (3 * FPS, RATE)
    assert matplotlib.image.imread("heat.png").shape[:2] == (48, 64)
    with np.load("heat.npz") as saved:
        assert saved["maps"].shape == (6, 2, 2)
    refused = avssl(*words)
    assert (refused.exit_code, "pass --force to replace it" in refused.stderr) == (2, True)
    again = avssl("localize", clip, "-m", alignment_folder, "-o", "heat.mp4", "--force", "--released")
    assert again.exit_code == 0, again.stderr
    assert probe("heat.mp4").video[0].frames == 2 * FPS


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["localize", "clip.mkv"], "outputs: got none; expected one or more of -o, --still and --map"),
        (["localize", "clip.mkv", "-o", "heat.mkv"], "suffix '.mkv'; expected .mp4"),
        (["localize", "clip.mkv", "-o", "heat.mp4", "--map", "heat.npy"], "suffix '.npy'; expected .npz"),
        (["localize", "clip.mkv", "-o", "none/heat.mp4"], "none/heat.mp4: got a folder that does not exist"),
        (["localize", "clip.mkv", "-o", "/proc/heat.mp4"], "expected a folder that can be written"),
        (["localize", "clip.mp4", "-o", "clip.mp4", "--force"], "got the film itself; expected another name"),
        (["localize", "mute.mkv", "-o", "heat.mp4"], "mute.mkv': got a file without sound; expected both"),
        (["localize", "blind.mkv", "-o", "heat.mp4"], "blind.mkv': got a file without picture; expected both"),
        (["localize", "broken.mp4", "-o", "heat.mp4"], "10 bytes that FFmpeg refuses"),
        (["localize", "clip.mkv", "-o", "heat.mp4", "--every", "9"], "every: got 9.0; expected at most the clip's"),
        (["sync", "clip.mkv", "-o", "sync.jpg"], "suffix '.jpg'; expected .png"),
        (["sync", "mute.mkv"], "mute.mkv': got a file without sound; expected both"),
        (["sync", "nowhere.mp4"], "nowhere.mp4"),
        (["sync", "clip.mkv", "--step", "0"], "step: got 0.0; expected a positive number"),
        (["sync", "clip.mkv", "--device", "tpu"], "--device: got 'tpu'; expected one of cpu"),
    ],
)
def test_mistakes_are_explained(avssl, clip, alignment_folder, tmp_path, words, text):
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "broken.mp4").write_text("not a film")
    make(tmp_path / "mute.mkv", [0.0, 0.5])
    make(tmp_path / "blind.mkv", None, (Sound(noise(1, RATE), RATE, "pcm_s16le"),))
    before = sorted(path.name for path in tmp_path.iterdir())
    if words[-1].startswith("/proc") and not Path("/proc").is_dir():
        pytest.skip("no folder here that even an administrator cannot write to")
    result = avssl(*words, "-m", alignment_folder)
    assert result.exit_code == 2
    assert text in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
