"""Clips, features and classifiers of the protocols."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avssl_hub.data.clips import Span
from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.cross_validation import splits_of
from avssl_hub.evaluation.encoder import Encoded
from avssl_hub.evaluation.features import FeatureStore, extract, feature_settings
from avssl_hub.evaluation.protocols import AvidSound, PooledProbe
from avssl_hub.evaluation.protocols.protocol import Clips
from avssl_hub.evaluation.zoo_encoder import ZooEncoder
from avssl_hub.media import MissingStreamError

RATE = 1000


class Ramp:
    """Reads sound whose value is its time in seconds, and remembers at what rates."""

    def __init__(self):
        self.rates = []

    def read_audio(self, start, duration, rate):
        self.rates.append(rate)
        return SimpleNamespace(samples=(start + torch.arange(round(duration * rate)) / rate)[None])


def clips_of(protocol, part, length=5.0, seed=0):
    encoder = SimpleNamespace(
        prepare=lambda clips, modality: {"sounds": torch.stack(clips)}, sampling_rate=RATE, audio_duration=2.0
    )
    reader = Ramp()
    generator = torch.Generator().manual_seed(seed)
    return protocol.inputs(reader, Span(0.0, length), encoder, "audio", part, generator)["sounds"], reader


def test_avid_test_clips_start_evenly_in_a_sound_that_is_repeated():
    clips, reader = clips_of(AvidSound(), "test")
    assert clips.shape == (10, 2000)
    assert set(reader.rates) == {RATE}
    expected = [int(1000 * 4.9 * k / 9) / 1000 for k in range(9)]
    assert clips[:9, 0].tolist() == pytest.approx(expected)
    # The last starts where the second round does, and the eighth runs into it.
    assert clips[9, 0] == 0
    assert clips[8, [543, 544, 545]].tolist() == pytest.approx([4.898, 4.899, 0.0], abs=1e-6)


def test_avid_training_clips_vary_in_start_speed_and_volume():
    clips, reader = clips_of(AvidSound(clips=200), "train")
    speeds = np.array(reader.rates) / RATE
    assert (speeds.min(), speeds.max()) == pytest.approx((0.75, 4 / 3), abs=0.02)
    # Slope of the ramp: volume a sample at the decoded rate.
    volumes = (clips[:, 1] - clips[:, 0]).numpy() * np.array(reader.rates)
    assert volumes.min() > 0.89
    assert volumes.max() < 1.11
    starts = clips[:, 0].numpy() / volumes
    assert (starts.min(), starts.max()) == pytest.approx((0, 4.9), abs=0.1)
    again, _ = clips_of(AvidSound(clips=200), "train")
    assert torch.equal(again, clips)


def test_avid_pads_a_short_sound_before_repeating_it():
    clips, _ = clips_of(AvidSound(), "test", length=3.6)
    # From 2.722 s: sound up to 3.6 s, then silence up to 4.722 s.
    assert clips[5, 877] == pytest.approx(3.599, abs=2e-3)
    assert not clips[5, 880:].any()


def test_pooled_clips_of_a_short_sound_end_where_it_does():
    clips, _ = clips_of(PooledProbe(clips=3), "clips", length=1.5)
    assert clips.shape == (3, 1500)
    clips, _ = clips_of(PooledProbe(clips=3), "clips", length=5.0)
    assert clips.shape == (3, 2000)
    assert clips[:, 0].tolist() == [0.0, 1.5, 3.0]


DCASE = AvidSound(cost=1.0, clips=60, seconds=4.0, cut="spread")


def test_avid_spreads_test_clips_over_a_scene_and_repeats_what_is_left_at_its_end():
    clips, reader = clips_of(DCASE, "test", length=30.0)
    assert clips.shape == (60, 2000)
    # linspace(0, 30, 60): the second starts at 30 / 59 s.
    assert clips[:56, 0].tolist() == pytest.approx([30 * k / 59 for k in range(56)], abs=1e-5)
    assert clips[1, 1999] == pytest.approx(30 / 59 + 1.999, abs=1e-5)
    # The last but one starts at 29.492 s: 508 samples, then they come again; at 30 s there is nothing.
    start = 30 * 58 / 59
    assert clips[58, [0, 507, 508, 1016]].tolist() == pytest.approx([start, start + 0.507, start, start], abs=1e-5)
    assert not clips[59].any()
    assert set(reader.rates) == {RATE}


def test_avid_draws_training_clips_from_all_of_a_scene():
    clips, reader = clips_of(DCASE, "train", length=30.0)
    volumes = (clips[:, 1] - clips[:, 0]).double().numpy() * np.array(reader.rates)
    starts = clips[:, 0].double().numpy() / volumes
    # Up to 30 - 4.1 s.
    assert (starts.min(), starts.max()) == pytest.approx((1.1, 24.8), abs=1.12)
    # A recording shorter than the window is taken from its beginning, and repeated.
    short, reader = clips_of(DCASE, "train", length=1.0)
    assert not short[:, 0].any()
    assert [int((clip == 0).sum()) for clip in short] == [-(-2000 // rate) for rate in reader.rates]


def test_avid_machine_reads_classes_whatever_the_scale():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2

    def features(labels):
        signal = (labels[:, None] + 0.1 * rng.normal(size=(len(labels), 3)))[..., None]
        # On scales of 1 and of 100, and one that never moves.
        return np.concatenate([signal, 100 * signal, np.ones_like(signal)], 2).astype(np.float32)

    answer = AvidSound().answer(Clips(features(labels), labels, np.arange(40)), features(labels), 0)
    assert answer.clips.shape == (1, 40, 3)
    assert (answer.clips[0] == labels[:, None]).all()
    assert answer.ranked[0].tolist() == [[label, 1 - label] for label in labels]
    assert answer.notes == {"converged": True}


def test_a_model_without_maps_is_refused():
    with pytest.raises(InvalidValueError, match="feature maps for protocol avid_sound: got 0"):
        AvidSound().features(Encoded(torch.zeros(2, 3)))


@pytest.fixture(scope="module")
def encoder():
    return ZooEncoder("avid_tiny.avworld", batch_size=4)


def test_features_of_real_sounds_are_the_models_and_are_kept(shared_data, encoder, tmp_path, monkeypatch):
    source = shared_data("esc10/audio/1-100032-A.ogg")
    (tmp_path / "renamed.ogg").write_bytes(source.read_bytes())
    (tmp_path / "list.csv").write_text(f"path,label,fold\n{source},dog,1\nrenamed.ogg,dog,2\n")
    manifest, protocol = Manifest.read(tmp_path / "list.csv"), AvidSound(clips=3)
    store = FeatureStore(tmp_path / "store", feature_settings(encoder.fingerprint(), protocol, "audio"))
    keys = extract(manifest, encoder, protocol, "audio", store).keys
    # The second file is a copy of the first.
    assert keys[0] == keys[1]

    # The middle test clip, cut and pooled in other ways.
    from avssl_hub import MediaReader

    with MediaReader(source) as reader:
        sound = reader.read_audio(0.0, 4.9, 24000).samples[0]
    start = int(2.45 * 24000)
    inputs = encoder.processor(audio=[torch.cat([sound, sound])[start : start + 24000]], sampling_rate=24000)
    with torch.no_grad():
        maps = encoder.model(input_features=inputs["input_features"], output_hidden_states=True).audio_hidden_states
    expected = torch.nn.AdaptiveAvgPool2d((4, 4))(maps[4]).reshape(-1)
    found = torch.from_numpy(store.load(keys, "test.conv5x"))
    assert found.shape == (2, 3, 128 * 4 * 4)
    torch.testing.assert_close(found[0, 1], expected, rtol=1e-4, atol=1e-4)

    monkeypatch.setattr(encoder, "model", None)
    assert extract(manifest, encoder, protocol, "audio", store) == (keys, 2)
    assert [split.name for split in splits_of(manifest)] == ["fold 1", "fold 2"]


def test_pooled_features_of_a_real_silent_video(shared_data, encoder, tmp_path):
    video = next(shared_data("hmdb51-sample/videos").glob("*.avi"))
    (tmp_path / "list.csv").write_text(f'path,label\n"{video}",climb\n')
    manifest, protocol = Manifest.read(tmp_path / "list.csv"), PooledProbe(clips=2)
    store = FeatureStore(tmp_path / "store", feature_settings(encoder.fingerprint(), protocol, "video"))
    keys = extract(manifest, encoder, protocol, "video", store).keys
    assert store.load(keys, "clips.pooled").shape == (1, 2, 128)
    with pytest.raises(MissingStreamError, match="got no audio; expected a recording with audio"):
        extract(manifest, encoder, protocol, "audio", FeatureStore(tmp_path / "other", {}))


def test_features_are_known_by_all_that_decides_them(encoder):
    settings = [
        feature_settings(encoder.fingerprint(), AvidSound(), "audio"),
        feature_settings(encoder.fingerprint(), AvidSound(clips=60), "audio"),
        feature_settings(encoder.fingerprint(), PooledProbe(), "audio"),
        feature_settings(encoder.fingerprint(), PooledProbe(), "video"),
    ]
    assert len({str(sorted(each.items(), key=str)) for each in settings}) == 4
    # What only the classifier knows of leaves them as they are.
    assert feature_settings(encoder.fingerprint(), AvidSound(cost=1.0), "audio") == settings[0]
    assert settings[0]["weights_sha256"].startswith("eacacbb3a4f9")
