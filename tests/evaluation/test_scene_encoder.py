"""The multisensory networks as encoders, against what they answer when they are asked directly."""

import pytest
import torch

from avssl_hub.data.clips import Span
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.protocols import PooledProbe
from avssl_hub.evaluation.scene_encoder import SceneEncoder
from avssl_hub.media import MediaReader
from avssl_hub.models.multisensory import (
    MultisensoryConfig,
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryForVideoClassification,
    MultisensoryProcessor,
)
from tests.media.corpus import Sound, make, noise
from tests.models.test_multisensory import SMALL

NAMES = {0: "wave", 1: "talk", 2: "eat", 3: "run", 4: "jump"}
RULES = MultisensoryProcessor(num_frames=30, resize_size=36, crop_size=32)


@pytest.fixture
def encoder(tmp_path):
    """Return ``encoder(kind, **changes)``: a small network and the encoder of its folder."""

    def made(kind=MultisensoryForVideoClassification, **changes):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = kind(MultisensoryConfig(**{**SMALL, "id2label": NAMES, "batch_norm_scale": True, **changes})).eval()
        model.save_pretrained(tmp_path / "model")
        RULES.save_pretrained(tmp_path / "model")
        return model, SceneEncoder(str(tmp_path / "model"))

    return made


@pytest.fixture
def films(tmp_path):
    """Return two films of two seconds, one with sound and one without any."""
    times = [frame / 10 for frame in range(20)]
    heard = make(tmp_path / "heard.mp4", times, (Sound(noise(2.0, 24000), 24000, "flac"),))
    return heard, make(tmp_path / "mute.mp4", times)


def scenes_of(film, encoder, clips=2):
    with MediaReader(film) as reader:
        span = Span(reader.video.start, reader.video.end)
        return PooledProbe(clips=clips).inputs(reader, span, encoder, "both", "clips", torch.Generator())


def test_clips_are_read_and_classified_as_by_the_network_itself(encoder, films):
    model, scenes = encoder()
    assert scenes.classes == tuple(NAMES.values())
    for film, heard in zip(films, (True, False)):
        with torch.inference_mode():
            encoded = scenes.encode(scenes_of(film, scenes), "both")
            # The second clip is the last that fits: it ends where the picture does.
            starts = [0, 2.0 - 30 / 29.97]
            asked = model(**RULES(videos=[str(film)] * 2, audio=[str(film)] * 2, starts=starts))
        torch.testing.assert_close(encoded.scores, asked.logits, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(encoded.pooled, asked.pooler_output, atol=1e-5, rtol=1e-4)
        assert encoded.heard.tolist() == [heard] * 2


def test_a_network_that_only_sees_hears_nothing(encoder, films):
    _, scenes = encoder(use_sound=False)
    with torch.inference_mode():
        assert not scenes.encode(scenes_of(films[0], scenes), "both").heard.any()


def test_features_of_the_alignment_network_are_those_that_its_head_reads(encoder, films):
    model, scenes = encoder(MultisensoryForAlignment)
    with torch.inference_mode():
        encoded = scenes.encode(scenes_of(films[0], scenes, 1), "both")
        asked = model(**RULES(videos=[str(films[0])], audio=[str(films[0])]))
        torch.testing.assert_close(model.alignment_head(encoded.pooled)[:, 0], asked.logits, atol=1e-5, rtol=1e-4)
    assert (encoded.scores, scenes.classes) == (None, ())


def test_a_clip_is_told_with_both_its_rates(encoder):
    _, scenes = encoder()
    told = scenes.describe_input("both")
    assert told.pop("gmacs") > 0
    rates = {"frames": 30, "fps": 29.97, "sampling_rate": 21000}
    assert told == {"seconds": 30 / 29.97, **rates, "shape": [30, 3, 32, 32]}


def test_a_network_that_separates_is_refused(encoder):
    with pytest.raises(InvalidValueError, match="for features: got MultisensoryForSourceSeparation; expected Multi"):
        encoder(MultisensoryForSourceSeparation)
