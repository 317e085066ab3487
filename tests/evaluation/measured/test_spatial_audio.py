"""Predicted ambisonics of prepared folders against what was recorded."""

import json
from math import pi, sqrt

import pyarrow as pa
import pytest
import torch

pytest.importorskip("ot", reason="the earth mover's distance needs the extra 'metrics'")
from avssl_hub.audio.ambisonics import encode
from avssl_hub.audio.stft_distance import stft_distance
from avssl_hub.data.manifest import Manifest
from avssl_hub.data.spatial import SpatialFolder, write_folder
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.measured import (
    LeftOut,
    MonoSpatializer,
    SpatialAudio,
    SpatialAudioAlone,
    SteeringSpatializer,
    ZooSpatializer,
    measure_all,
)
from avssl_hub.evaluation.measured.spatial_audio import in_turns
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel, SpatialAudioGenProcessor

RATE = 48000
LEVEL = 0.1
TINY = {
    "audio_hidden_sizes": (2, 2, 2, 2, 4),
    "video_hidden_sizes": (2, 2, 2, 4),
    "fusion_audio_size": 4,
    "fusion_visual_size": 4,
    "fusion_reduced_size": 2,
    "localization_hidden_sizes": (4,),
    "separation_condition_size": 4,
    "num_tracks": 2,
    "image_size": (32, 64),
}


def written(folder, azimuth: float, seconds: int, elevation: float = 0.0):
    """A steady noise from one direction."""
    noise = LEVEL * torch.randn(1, seconds * RATE, generator=torch.Generator().manual_seed(seconds))
    frames = torch.randint(
        0, 256, (10 * seconds, 3, 32, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    write_folder(folder, [encode(noise, torch.tensor([azimuth]), torch.tensor([elevation]))], frames)
    return str(folder)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three videos: ahead, left, and from above without the channel Z."""
    root = tmp_path_factory.mktemp("videos")
    paths = [
        written(root / "ahead", 0.0, 4),
        written(root / "left", pi / 2, 6),
        written(root / "above", 0.0, 3, pi / 2),
    ]
    return Manifest(pa.table({"path": paths, "layout": ["WXYZ", "WXYZ", "WXY"]}))


class Listener(MonoSpatializer):
    """Notes what enters at once."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def spatialize(self, chunks, running_statistics):
        self.heard.append(([chunk.time for chunk in chunks], running_statistics))
        return super().spatialize(chunks, running_statistics)


def test_silence_is_as_far_as_the_recording_is_loud(videos, tmp_path):
    found = measure_all(SpatialAudio(), MonoSpatializer(), videos, tmp_path)
    assert found.rows == [0, 1, 2]
    # Of three channels one is a noise of the level, in a chunk of 4800 samples; so the squares add up to a third.
    assert found.figures["MSE"] == pytest.approx([LEVEL * sqrt(4800 / 3)] * 3, rel=0.03)
    # By Parseval a window of 2048 under Hann's has 3/8 of that energy.
    assert found.figures["STFT"] == pytest.approx([LEVEL**2 * 2048 * 3 / 8 / 3] * 3, rel=0.1)
    assert found.figures["SNR"] == pytest.approx([0, 0, 0], abs=1e-6)
    # Ahead and left differ by a turn of the grid; a direction that was not recorded is none to miss.
    assert found.figures["EMD of direction"][0] == pytest.approx(found.figures["EMD of direction"][1], rel=1e-3)
    assert found.figures["EMD"][0] > 1
    assert found.figures["EMD"][2] == pytest.approx(0, abs=1e-9)


def test_right_constants_miss_nothing(videos, tmp_path):
    (tmp_path / "ahead.json").write_text(json.dumps({"Y": 0, "Z": 0, "X": 1}))
    found = measure_all(SpatialAudio(), SteeringSpatializer(str(tmp_path / "ahead.json")), videos, tmp_path / "cache")
    assert found.figures["STFT"][0] == pytest.approx(0, abs=1e-5)
    assert found.figures["EMD"][0] == pytest.approx(0, abs=0.01)
    assert found.figures["EMD of direction"][1] > 0.3
    with pytest.raises(InvalidValueError, match="none: they are counted"):
        SteeringSpatializer(str(tmp_path / "ahead.json"), random_weights=True)


def test_batches_are_of_one_video_and_the_last_is_filled_up(videos):
    model = Listener()
    # Five chunks, of which four readers have two, one, one and one.
    figures = SpatialAudio(batch=2).measure([videos[1]], {"layout": "WXYZ"}, model)
    assert model.heard == [([0.5, 2.5], False), ([3.5, 4.5], False), ([4.5, 1.5], False)]
    whole = SpatialAudioAlone().measure([videos[1]], {"layout": "WXYZ"}, model)
    assert model.heard[3:] == [([0.5, 2.5, 3.5, 4.5, 1.5], True)]
    # No chunk counts twice.
    assert figures == pytest.approx(whole, rel=1e-6)
    assert in_turns([[1, 2, 3], [4, 5], [6]]) == [1, 4, 6, 2, 5, 3]


def test_what_cannot_be_scored_is_left_out_with_the_reason(videos, tmp_path):
    model = Listener()
    model.sees_flow = True
    with pytest.raises(LeftOut, match="no flow"):
        SpatialAudio().measure([videos[0]], {"layout": "WXYZ"}, model)
    short = Manifest(pa.table({"path": [written(tmp_path / "short", 0.0, 1)]}))
    with pytest.raises(LeftOut, match="no chunk"):
        SpatialAudio().measure([short[0]], SpatialAudio().trials(short)[0].truth, MonoSpatializer())
    with pytest.raises(InvalidValueError, match="chunks of a batch: got 0"):
        SpatialAudio(batch=0)


def test_a_video_is_known_by_the_files_in_its_folder(videos, tmp_path):
    measure_all(SpatialAudio(), MonoSpatializer(), videos, tmp_path)
    assert measure_all(SpatialAudio(), MonoSpatializer(), videos, tmp_path).reused == 3
    assert measure_all(SpatialAudioAlone(), MonoSpatializer(), videos, tmp_path).reused == 0
    other = Manifest(pa.table({"path": [written(tmp_path / "other", 1.0, 4)]}))
    assert measure_all(SpatialAudio(), MonoSpatializer(), other, tmp_path).reused == 0


def test_networks_of_the_zoo_are_given_what_they_see(videos, tmp_path):
    config = SpatialAudioGenConfig(encoders=("audio", "video"), **TINY)
    torch.manual_seed(0)
    SpatialAudioGenModel(config).save_pretrained(tmp_path / "tiny")
    SpatialAudioGenProcessor(encoders=config.encoders, image_size=config.image_size).save_pretrained(tmp_path / "tiny")
    model = ZooSpatializer(str(tmp_path / "tiny"))
    assert not model.sees_flow
    assert model.describe_input("both")["seconds"] == pytest.approx(1.1, abs=1e-4)
    folder = SpatialFolder(videos[0].path)
    chunks = [folder.chunk(time) for time in (0.5, 1.5, 2.5)]
    sound = torch.stack([chunk.ambisonics for chunk in chunks])
    frames = torch.stack([chunk.frame for chunk in chunks])[:, None] / 255 - 0.5
    with torch.inference_mode():
        for protocol, running in ((SpatialAudio(), False), (SpatialAudioAlone(), True)):
            figures = protocol.measure([videos[0]], {"layout": "WXYZ"}, model)
            predicted = model.model(sound[:, :1], frames, use_running_stats=running).ambisonics
            expected = stft_distance(predicted, sound[:, 1:, 24000:28800]).mean().item()
            assert figures["STFT"] == pytest.approx(expected, rel=1e-4)
    assert ZooSpatializer(str(tmp_path / "tiny"), random_weights=True).fingerprint() != model.fingerprint()
