"""What of a file becomes which row."""

import hashlib
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import avssl_hub
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import DecodeError, MediaOpenError
from avssl_hub.models.avid import AvidConfig, AvidForVideoClassification, AvidProcessor
from avssl_hub.pipelines.embed import EmbeddingPipeline
from tests.media.corpus import Sound, make, noise, sine

from .readable import RATE, TENTHS, ReadableModel, ReadableProcessor, film, sample


def test_windows_follow_each_other_through_the_file(pipe, tmp_path):
    clips = pipe(film(tmp_path / "a.mp4"))
    assert clips.start.tolist() == pytest.approx([0, 1, 2, 3])
    assert clips.end.tolist() == pytest.approx([1, 2, 3, 4])
    assert clips.has_audio.tolist() == [True] * 4
    assert clips.reason == ("",) * 4
    # The half second in the middle of [k, k + 1] wants the times k + 0.25 and k + 0.5 at ten frames a second.
    assert clips.video_embeds.tolist() == [[10 * k + 2, 10 * k + 5] for k in range(4)]
    ends = [[sample(k * RATE), sample((k + 1) * RATE - 1)] for k in range(4)]
    assert clips.audio_embeds.numpy() == pytest.approx(np.array(ends), abs=1e-6)


def test_every_sets_the_hop(pipe, tmp_path):
    clips = pipe(film(tmp_path / "a.mp4"), every=0.5)
    assert clips.start.tolist() == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3])
    assert clips.video_embeds[:, 0].tolist() == [2, 7, 12, 17, 22, 27, 32]


def test_progress_goes_through_the_seconds_of_the_file(pipe, tmp_path):
    told = []
    pipe(film(tmp_path / "a.mp4"), every=0.5, progress=lambda *now: told.append(now))
    assert told == [(0, 4), (0, 4), (1, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]


def test_clips_are_spaced_from_the_first_to_the_last_window(pipe, tmp_path):
    clips = pipe(film(tmp_path / "a.mp4"), clips=3)
    assert clips.start.tolist() == pytest.approx([0, 1.5, 3])
    assert clips.video_embeds.tolist() == [[2, 5], [17, 20], [32, 35]]
    assert clips.audio_embeds[1, 0].item() == pytest.approx(sample(RATE * 3 // 2), abs=1e-6)


def test_seeking_gives_what_one_pass_gives(pipe, tmp_path):
    file = film(tmp_path / "a.mp4")
    passed, sought = pipe(file), pipe(file, clips=4)
    for name in ("start", "end", "has_audio", "video_embeds", "audio_embeds"):
        torch.testing.assert_close(getattr(sought, name), getattr(passed, name), rtol=0, atol=1e-6)


def test_sound_must_cover_half_of_a_window(pipe, tmp_path):
    clips = pipe(film(tmp_path / "a.mp4", seconds_of_sound=2.4))
    assert clips.has_audio.tolist() == [True, True, False, False]
    assert clips.reason == (
        "",
        "",
        "the sound track covers 40% of the window",
        "the sound track covers 0% of the window",
    )
    assert clips.audio_embeds[:2].isfinite().all()
    assert clips.audio_embeds[2:].isnan().all()
    assert pipe(film(tmp_path / "b.mp4", seconds_of_sound=2.6)).has_audio.tolist() == [True, True, True, False]


def test_a_recording_shorter_than_a_window_has_sound(pipe, tmp_path):
    file = make(tmp_path / "word.wav", None, (Sound(noise(0.3, RATE), RATE, "pcm_s16le"),))
    clips = pipe(file)
    assert (clips.start.tolist(), clips.end.tolist()) == ([0.0], pytest.approx([0.3]))
    assert clips.has_audio.tolist() == [True]
    assert clips.reason == ("no picture stream",)
    assert clips.audio_embeds[0, 0].item() == pytest.approx(sample(0, seconds=0.3), abs=1e-6)
    assert clips.video_embeds.shape == (1, 2)
    assert clips.video_embeds.isnan().all()


def test_a_silent_film_has_no_sound_rows(pipe, tmp_path):
    clips = pipe(film(tmp_path / "a.mp4", seconds_of_sound=0))
    assert clips.has_audio.tolist() == [False] * 4
    assert clips.reason == ("no sound track",) * 4
    assert clips.audio_embeds.shape == clips.video_embeds.shape == (4, 2)
    assert clips.audio_embeds.isnan().all()


def test_digital_silence_is_sound_and_noted(pipe, tmp_path):
    clips = pipe(make(tmp_path / "a.mp4", TENTHS, (Sound(np.zeros((1, 4 * RATE), np.float32), RATE, "flac"),)))
    assert clips.has_audio.tolist() == [True] * 4
    assert clips.reason == ("sound is digital silence",) * 4
    assert clips.audio_embeds.tolist() == [[0, 0]] * 4


def test_the_end_of_a_truncated_film_is_told(pipe, tmp_path):
    clips = pipe(_cut(tmp_path, 0.6))
    assert 1 <= len(clips) < 4
    assert clips.reason[-1].endswith("nothing decodes after this window, though the header says 4.0 s")


def test_bytes_and_file_objects_are_files_too(pipe, tmp_path):
    file = film(tmp_path / "a.mp4")
    expected = pipe(file).video_embeds
    assert pipe(file.read_bytes()).video_embeds.equal(expected)
    with open(file, "rb") as opened:
        assert pipe(opened).video_embeds.equal(expected)


def test_windows_run_in_batches(tmp_path):
    model = ReadableModel()
    pipe = EmbeddingPipeline(model, ReadableProcessor(), batch_size=3, normalize=False)
    clips = pipe(film(tmp_path / "a.mp4", seconds_of_sound=2.0))
    assert sorted(model.batches) == [1, 2, 3]  # four pictures in batches of three, two sounds in one
    assert clips.video_embeds[:, 0].tolist() == [2, 12, 22, 32]


def test_embeddings_have_length_one_by_default(tmp_path):
    pipe = EmbeddingPipeline(ReadableModel(), ReadableProcessor())
    clips = pipe(film(tmp_path / "a.mp4"))
    length = math.hypot(2, 5)
    assert clips.video_embeds[0].tolist() == pytest.approx([2 / length, 5 / length])
    assert clips.audio_embeds.norm(dim=1).tolist() == pytest.approx([1] * 4)


def test_embeddings_can_be_trained_on(avid_folder, tmp_path):
    clips = EmbeddingPipeline(avid_folder)(film(tmp_path / "a.mp4"))
    probe = torch.nn.Linear(8, 1)
    probe(clips.video_embeds).sum().backward()
    torch.testing.assert_close(probe.weight.grad[0], clips.video_embeds.sum(0), rtol=0, atol=1e-5)


def test_a_model_by_name_is_the_same_model(avid_folder, tmp_path):
    file = film(tmp_path / "a.mp4")
    by_name = EmbeddingPipeline(avid_folder, batch_size=3)(file)
    model, processor = avssl_hub.load(avid_folder), avssl_hub.load_processor(avid_folder)
    by_object = EmbeddingPipeline(model, processor, batch_size=1)(file)
    with torch.inference_mode():
        inputs = processor(videos=[file], starts=[1.0])
        direct = torch.nn.functional.normalize(model(**inputs).video_embeds, dim=1)[0]
    torch.testing.assert_close(by_object.video_embeds[1], direct, rtol=0, atol=1e-5)
    for name in ("video_embeds", "audio_embeds"):
        torch.testing.assert_close(getattr(by_name, name), getattr(by_object, name), rtol=0, atol=1e-4)


def test_the_fingerprint_of_a_name_is_the_hash_of_its_file(avid_folder):
    found = EmbeddingPipeline(avid_folder).fingerprint()
    assert found["weights_sha256"] == hashlib.sha256((avid_folder / "model.safetensors").read_bytes()).hexdigest()
    assert found["model"] == str(avid_folder)


def test_the_fingerprint_follows_weights_and_processor(avid_folder):
    processor = avssl_hub.load_processor(avid_folder)
    model = avssl_hub.load(avid_folder)
    before = EmbeddingPipeline(model, processor).fingerprint()
    assert EmbeddingPipeline(avssl_hub.load(avid_folder), processor).fingerprint() == before
    state = load_file(avid_folder / "model.safetensors")
    name = min(state)
    model.load_state_dict({**state, name: state[name] + 1})
    after = EmbeddingPipeline(model, processor).fingerprint()
    assert {key for key in before if before[key] != after[key]} == {"weights_sha256"}
    other = AvidProcessor.from_pretrained(avid_folder, fps=4.0)
    changed = EmbeddingPipeline(model, other).fingerprint()
    assert {key for key in before if changed[key] != after[key]} == {"processor_sha256"}


@pytest.mark.parametrize(
    ("sampling", "text"),
    [
        ({"every": 0.0}, "every: got 0.0; expected seconds above 0"),
        ({"clips": 0}, "clips: got 0; expected a positive integer"),
        ({"every": 1.0, "clips": 2}, "got every=1.0 and clips=2; expected one of the two"),
    ],
)
def test_impossible_sampling_is_refused(pipe, sampling, text):
    with pytest.raises(InvalidValueError, match=text):
        pipe("never opened.mp4", **sampling)


def test_a_model_object_needs_its_processor():
    with pytest.raises(InvalidValueError, match=r"processor: got None; .*load_processor"):
        EmbeddingPipeline(ReadableModel())
    with pytest.raises(InvalidValueError, match="batch_size: got 0"):
        EmbeddingPipeline(ReadableModel(), ReadableProcessor(), batch_size=0)
    # Before its weights are looked for, which are not here.
    with pytest.raises(InvalidValueError, match=r"got MultisensoryProcessor; .*avssl ls --task audio-visual-feature"):
        EmbeddingPipeline("multisensory.audioset")


def test_a_model_without_embeddings_is_refused(avid_folder, tmp_path):
    model = AvidForVideoClassification(AvidConfig.from_pretrained(avid_folder))
    pipe = EmbeddingPipeline(model, avssl_hub.load_processor(avid_folder))
    with pytest.raises(InvalidValueError, match="AvidForVideoClassification, whose output has no video_embeds"):
        pipe(film(tmp_path / "a.mp4", seconds_of_sound=0))


def test_files_that_cannot_be_read_are_named(pipe, tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(MediaOpenError, match=r"empty\.mp4.*0 bytes"):
        pipe(empty)
    headless = tmp_path / "headless.mp4"
    headless.write_bytes(film(tmp_path / "a.mp4").read_bytes()[:4000])
    with pytest.raises(MediaOpenError, match=r"headless\.mp4"):
        pipe(headless)


def test_a_file_in_which_nothing_decodes_is_refused(pipe, tmp_path):
    file = _cut(tmp_path, 0.0)
    for sampling in ({}, {"clips": 2}):
        with pytest.raises(DecodeError, match=r"cut\.mp4"):
            pipe(file, **sampling)


def _cut(folder, share):
    """Write a film whose header is whole and whose media data end after ``share`` of them."""
    sound = Sound(noise(4, RATE), RATE, "flac")
    content = make(folder / "a.mp4", TENTHS, (sound,), container_options={"movflags": "faststart"}).read_bytes()
    data = content.index(b"mdat") + 4
    (folder / "cut.mp4").write_bytes(content[: data + int(share * (len(content) - data))])
    return folder / "cut.mp4"


def test_real_clips_have_sound_where_their_labels_say(avid_folder, shared_data):
    videos = shared_data("ucf101-mini/videos")
    pipe = EmbeddingPipeline(avid_folder)
    # By the set's description: no sound track, a silent track, audible sound.
    mute, silent, audible = (
        pipe(videos / f"v_{name}.mp4") for name in ("Biking_g16_c02", "BlowDryHair_g12_c02", "Bowling_g14_c05")
    )
    assert set(mute.reason) == {"no sound track"}
    assert not mute.has_audio.any()
    assert set(silent.reason) == {"sound is digital silence"}
    assert set(audible.reason) == {""}
    assert audible.has_audio.all()
    for clips in (mute, silent, audible):
        assert clips.video_embeds.isfinite().all()
        assert clips.audio_embeds.isfinite().all(1).equal(clips.has_audio)


def test_spoken_digits_have_sound_and_no_picture(avid_folder, shared_data):
    word = next(iter(sorted(shared_data("fsdd/recordings").glob("*.wav"))))
    clips = EmbeddingPipeline(avid_folder)(word)
    assert clips.has_audio.all()
    assert clips.video_embeds.isnan().all()
    assert clips.audio_embeds.isfinite().all()


def test_a_tone_and_its_octave_differ(avid_folder, tmp_path):
    tones = [make(tmp_path / f"{f}.wav", None, (Sound(sine(1, RATE, f), RATE, "pcm_s16le"),)) for f in (440, 880)]
    pipe = EmbeddingPipeline(avid_folder)
    low, high = (pipe(tone).audio_embeds for tone in tones)
    assert (low - high).abs().max() > 1e-6
