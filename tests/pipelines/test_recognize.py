"""Which clips of a file are classified, how they are averaged, and what is said where sound is missing."""

import numpy as np
import pytest
import torch

import avssl_hub
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import DecodeError, MissingStreamError
from avssl_hub.models.avid import AvidConfig, AvidForVideoClassification, AvidModel, AvidProcessor
from avssl_hub.models.multisensory import MultisensoryConfig, MultisensoryForVideoClassification, MultisensoryProcessor
from avssl_hub.pipelines.recognize import RecognitionPipeline
from tests.media.corpus import Sound, make, noise
from tests.models.test_multisensory import SMALL

from .readable import TENTHS, film

LABELS = ("talk", "wave", "eat", "run", "jump")


def classifier(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}
        config = MultisensoryConfig.recognition(**{**SMALL, **names, **changes})
        return MultisensoryForVideoClassification(config).eval()


def processor():
    return MultisensoryProcessor(num_frames=30, resize_size=32, crop_size=32)


def test_probabilities_are_the_mean_over_clips(tmp_path):
    file, model, rules = film(tmp_path / "a.mp4"), classifier(), processor()
    told = []
    result = RecognitionPipeline(model, rules)(file, clips=3, progress=lambda *counts: told.append(counts))
    last = 4.0 - 30 / 29.97
    assert result.start.tolist() == pytest.approx([0, last / 2, last])
    expected = [
        model(**rules(videos=file, audio=file, starts=[start])).logits[0].softmax(0) for start in (0, last / 2, last)
    ]
    torch.testing.assert_close(result.clip_probabilities, torch.stack(expected), atol=1e-6, rtol=0)
    torch.testing.assert_close(result.probabilities, sum(expected) / 3, atol=1e-6, rtol=0)
    assert (result.labels, result.heard, result.notes) == (LABELS, True, ())
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_top_names_the_most_probable_classes(tmp_path):
    result = RecognitionPipeline(classifier(), processor())(film(tmp_path / "a.mp4"))
    order = np.argsort(-result.probabilities.numpy())
    assert [label for label, _ in result.top(2)] == [LABELS[index] for index in order[:2]]
    assert sum(value for _, value in result.top(99)) == pytest.approx(1, abs=1e-5)
    with pytest.raises(InvalidValueError, match="got 0; expected a positive integer"):
        result.top(0)


def test_clips_lie_side_by_side_by_default(tmp_path):
    pipe = RecognitionPipeline(classifier(), processor())
    # Four seconds have room for three clips of 1.001 s, and a fourth that overlaps.
    assert len(pipe(film(tmp_path / "a.mp4")).start) == 4
    assert pipe(make(tmp_path / "short.mp4", TENTHS[:5])).start.tolist() == [0.0]
    long = make(tmp_path / "long.mp4", [i / 10 for i in range(150)])
    assert len(pipe(long).start) == 10


@pytest.mark.parametrize("use_sound", [True, False])
def test_without_sound_the_picture_alone_is_classified_and_that_is_said(tmp_path, use_sound):
    mute = film(tmp_path / "mute.mp4", seconds_of_sound=0)
    heard = make(tmp_path / "heard.mp4", TENTHS, (Sound(noise(4.0, 24000), 24000, "flac"),))
    pipe = RecognitionPipeline(classifier(use_sound=use_sound), processor())
    mute, heard = pipe(mute, clips=1), pipe(heard, clips=1)
    why = "no sound track" if use_sound else "a network that does not listen"
    assert (mute.heard, mute.notes) == (False, (f"{why}: classified by the picture alone",))
    assert heard.heard == use_sound
    assert heard.probabilities.equal(mute.probabilities) != use_sound


def test_any_classifier_of_video_will_do(tmp_path):
    sizes = (8, 8, 16, 16)
    config = AvidConfig(10, video_hidden_sizes=sizes, audio_hidden_sizes=sizes, num_labels=3)
    rules = AvidProcessor(num_frames=4, fps=8.0, crop_size=32, resize_size=32, audio_duration=1.0)
    result = RecognitionPipeline(AvidForVideoClassification(config), rules)(film(tmp_path / "a.mp4"))
    assert result.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert (len(result.start), result.heard) == (4, False)
    with pytest.raises(InvalidValueError, match="model to recognise with: got AvidModel; expected one fine-tuned"):
        RecognitionPipeline(AvidModel(config), rules)


def test_a_truncated_film_is_judged_by_what_it_has(tmp_path):
    whole = film(tmp_path / "a.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    result = RecognitionPipeline(classifier(), processor())(tmp_path / "cut.mkv")
    assert 0 < len(result.start) < 4
    assert len(result.notes) == 4 - len(result.start)
    assert result.notes[0].startswith("the clip at ")
    broken = bytearray(film(tmp_path / "a.mp4").read_bytes())
    begin = broken.index(b"mdat") + 4
    end = begin - 8 + int.from_bytes(broken[begin - 8 : begin - 4], "big")
    broken[begin:end] = bytes(end - begin)
    with pytest.raises(DecodeError):
        RecognitionPipeline(classifier(), processor())(bytes(broken))


def test_files_and_numbers_that_make_no_sense(tmp_path):
    pipe = RecognitionPipeline(classifier(), processor())
    with pytest.raises(MissingStreamError, match="got no picture; expected a file with video"):
        pipe(make(tmp_path / "a.wav", None, (Sound(noise(1.0, 24000), 24000, "pcm_s16le"),)))
    with pytest.raises(InvalidValueError, match="clips: got 0"):
        pipe(film(tmp_path / "a.mp4"), clips=0)


def test_it_is_a_name_of_the_package():
    assert avssl_hub.RecognitionPipeline is RecognitionPipeline


def test_a_real_action_is_classified(shared_data):
    file = sorted(shared_data("av-clips-misc/videos").glob("v_*.mp4"))[0]
    result = RecognitionPipeline(classifier(), processor())(file, clips=2)
    assert result.probabilities.sum().item() == pytest.approx(1, abs=1e-5)
