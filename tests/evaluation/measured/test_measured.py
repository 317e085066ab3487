"""Answers measured against the truth, on voices that a filter can part and stills whose boxes are counted by hand."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.measured import (
    CentreLocalizer,
    LeftOut,
    MixtureSeparator,
    Separator,
    SoundLocalization,
    SpeechSeparation,
    ZooLocalizer,
    ZooSeparator,
    measure_all,
)
from avssl_hub.evaluation.measured.clip import ClipForm, middle_clip
from avssl_hub.evaluation.measured.separator import Separated
from avssl_hub.media import MissingStreamError
from avssl_hub.models.multisensory import (
    MultisensoryConfig,
    MultisensoryForAlignment,
    MultisensoryForSourceSeparation,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)
from tests.media.corpus import Sound, make, noise, numbers_in

RATE = 8000
FORM = ClipForm(10, 10.0, RATE, RATE)
TINY = {
    "video_hidden_sizes": (4, 8, 8, 8),
    "audio_hidden_sizes": (4, 4, 4, 4, 4),
    "fusion_hidden_size": 4,
    "unet_hidden_sizes": (4,) * 9,
}


class Filter(Separator):
    """Calls what lies below 1 kHz on-screen, and the rest off-screen."""

    def __init__(self, blind=False):
        super().__init__(nn.Module(), "filter")
        self.form, self.blind, self.calls = FORM, blind, 0

    def separate(self, frames, mixture):
        self.calls += 1
        assert frames.shape == (10, 48, 64, 3)
        spectrum = torch.fft.rfft(mixture)
        low = torch.fft.rfftfreq(len(mixture), 1 / RATE) < 1000
        sounds = torch.stack([torch.fft.irfft(spectrum * part) for part in (low, ~low)])
        return Separated(sounds, self.levels(sounds))

    def levels(self, sounds):
        return 20 * sounds.unflatten(1, (-1, 100)).square().mean(2, keepdim=True).sqrt().clamp_min(1e-5).log10()


def voice(low: bool, seed: int) -> np.ndarray:
    spectrum = np.fft.rfft(noise(2.0, RATE, seed=seed)[0])
    below = np.fft.rfftfreq(2 * RATE, 1 / RATE) < 900
    above = np.fft.rfftfreq(2 * RATE, 1 / RATE) > 1100
    return 0.5 * np.fft.irfft(spectrum * (below if low else above))[None].astype(np.float32)


def saved(path, samples, seconds=2.0, rate=RATE):
    make(path, [number / 10 for number in range(round(10 * seconds))], (Sound(samples, rate, "pcm_s16le"),))
    return str(path)


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Return a manifest of a low and two high voices."""
    folder = tmp_path_factory.mktemp("voices")
    rows = {"low": voice(True, 1), "high": voice(False, 2), "higher": voice(False, 3)}
    paths = [saved(folder / f"{name}.mkv", samples) for name, samples in rows.items()]
    return Manifest(pa.table({"path": paths, "label": ["anna", "bo", "bo"]}))


def test_each_recording_is_seen_once_beside_another_speaker(voices):
    pairs = [trial.rows for trial in SpeechSeparation().trials(voices)]
    assert [on for on, _ in pairs] == [0, 1, 2]
    assert [off for _, off in pairs[1:]] == [0, 0]
    assert pairs[0][1] in (1, 2)
    assert pairs == [trial.rows for trial in SpeechSeparation().trials(voices)]
    drawn = {SpeechSeparation(pairs_seed=seed).trials(voices)[0].rows[1] for seed in range(12)}
    assert drawn == {1, 2}


def test_a_single_speaker_and_recordings_of_none_cannot_be_mixed(voices):
    with pytest.raises(InvalidValueError, match="got 'bo'; expected at least two"):
        SpeechSeparation().trials(voices.where(label="bo"))
    table = pa.table({"path": ["a", "b"], "label": ["x", None]})
    with pytest.raises(InvalidValueError, match="1 recordings of none"):
        SpeechSeparation().trials(Manifest(table))


def test_a_filter_parts_voices_and_the_order_counts_unless_blind(voices, tmp_path):
    found = measure_all(SpeechSeparation(), Filter(), voices, tmp_path)
    assert found.rows == [0, 1, 2]
    # The low voice is on the screen in the first mixture only.
    assert found.figures["right tracks"] == [1, 0, 0]
    assert found.figures["SI-SDR"][0] > 20 > 0 > max(found.figures["SI-SDR"][1:])
    assert found.figures["on/off L1"][0] < 1 < min(found.figures["on/off L1"][1:])
    blind = SpeechSeparation().measure([voices[1], voices[0]], {}, Filter(blind=True))
    assert min(blind["SI-SDR"], blind["SDR"]) > 20
    assert blind["on/off L1"] < 1
    assert blind["right tracks"] == 0


def test_voices_are_mixed_equally_loud(voices):
    class Listening(Filter):
        def separate(self, frames, mixture):
            self.heard = mixture
            return super().separate(frames, mixture)

    model = Listening()
    SpeechSeparation(rms=0.2).measure([voices[0], voices[1]], {}, model)
    spectrum = torch.fft.rfft(model.heard)
    low = torch.fft.rfftfreq(len(model.heard), 1 / RATE) < 1000
    for part in (low, ~low):
        assert torch.fft.irfft(spectrum * part).square().mean().sqrt().item() == pytest.approx(0.2, rel=0.02)


def test_a_run_that_was_cut_goes_on_with_what_it_measured(voices, tmp_path):
    class Cut(Filter):
        def separate(self, frames, mixture):
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().separate(frames, mixture)

    with pytest.raises(KeyboardInterrupt):
        measure_all(SpeechSeparation(), Cut(), voices, tmp_path)
    # The same to the store as the whole one: a processor's name and form.
    model = Cut()
    model.calls = -1
    again = measure_all(SpeechSeparation(), model, voices, tmp_path)
    assert (again.reused, model.calls) == (2, 0)
    assert again.rows == [0, 1, 2]


def test_silent_voices_and_short_recordings_are_counted_by_reason(voices, tmp_path):
    mute = saved(tmp_path / "mute.mkv", np.zeros((1, 2 * RATE), np.float32))
    short = saved(tmp_path / "short.mkv", voice(True, 1)[:, : RATE // 2], 0.5)
    for path, reason in ((mute, "a voice is silent"), (short, "a recording is shorter than a clip")):
        both = Manifest(pa.table({"path": [str(voices[0].path), path], "label": ["anna", "other"]}))
        with pytest.raises(InvalidValueError, match=f"2 left out: {reason}"):
            measure_all(SpeechSeparation(), Filter(), both, tmp_path / "cache")
    paths = [str(item.path) for item in voices] + [mute]
    some = Manifest(pa.table({"path": paths, "label": ["anna", "bo", "bo", "other"]}))
    found = measure_all(SpeechSeparation(pairs_seed=1), Filter(), some, tmp_path / "cache")
    assert found.left_out["a voice is silent"] + len(found.rows) == 4
    assert 3 not in found.rows


def test_the_middle_of_a_recording_is_read(tmp_path):
    samples = noise(2.0, RATE, seed=4)
    manifest = Manifest(pa.table({"path": [saved(tmp_path / "a.mkv", samples)]}))
    clip = middle_clip(manifest[0], FORM)
    assert numbers_in(clip) == list(range(5, 15))
    middle = torch.from_numpy(samples[0, RATE // 2 : RATE // 2 + RATE])
    torch.testing.assert_close(clip.sound, middle, rtol=0, atol=1e-4)


def test_a_recording_without_sound_is_named(tmp_path):
    make(tmp_path / "a.mkv", [number / 10 for number in range(20)])
    with pytest.raises(MissingStreamError, match="no sound"):
        middle_clip(Manifest(pa.table({"path": [str(tmp_path / "a.mkv")]}))[0], FORM)


def test_the_mixture_is_no_separation(voices):
    class Short(MixtureSeparator):
        def __init__(self):
            super().__init__()
            self.form = ClipForm(10, 10.0, 21000, 21000)

    figures = SpeechSeparation().measure([voices[0], voices[1]], {}, Short())
    assert figures["SI-SDR"] == pytest.approx(0, abs=0.3)
    assert (figures["SI-SDRi"], figures["right tracks"], figures["SAR"]) == (0, 0.5, 100)
    told = MixtureSeparator().describe_input("both")
    assert (told["frames"], told["shape"], told["gmacs"]) == (63, [44144], 0)


@pytest.fixture
def marked(tmp_path):
    """Return ``marked(boxes)``: a manifest of one sound of 5 s with a still."""
    make(tmp_path / "a.wav", None, (Sound(noise(5.0, RATE), RATE, "pcm_s16le"),))
    make(tmp_path / "a.mp4", [0.0])

    def manifest(*boxes):
        return Manifest(pa.table({"path": ["a.wav"], "boxes": [json.dumps(boxes)], "still": ["a.mp4"]}), tmp_path)

    return manifest


def test_the_centre_is_measured_against_boxes(marked, tmp_path):
    protocol = SoundLocalization(consensus="union")
    # Pixels 49 to 173 each way, 15,625 of them; the answer is the half of the picture next to its middle.
    found = measure_all(protocol, CentreLocalizer(), marked([0.22, 0.22, 0.78, 0.78]), tmp_path / "cache")
    assert found.figures["mean cIoU"][0] == pytest.approx(15625 / 25088, abs=0.01)
    assert found.figures["cIoU@0.5"] == [1]
    # Reached are 0 to 0.6 by 0.05, thirteen thresholds; half a step belongs to the last.
    assert found.figures["AUC"][0] == pytest.approx(0.6 + 0.025)
    corner = measure_all(protocol, CentreLocalizer(), marked([0, 0, 0.1, 0.1]), tmp_path / "cache")
    assert corner.figures["mean cIoU"] == corner.figures["cIoU@0.5"] == [0]
    two = SoundLocalization(consensus="annotators", threshold=0.9)
    middle = [96, 96, 160, 160]
    agreed = measure_all(two, CentreLocalizer(), marked(middle, middle), tmp_path / "cache")
    alone = measure_all(two, CentreLocalizer(), marked(middle, [0, 0, 256, 256]), tmp_path / "cache")
    assert agreed.figures["mean cIoU"][0] > 0.3
    # Half of everything else counts as well, and little of that is found.
    assert alone.figures["mean cIoU"][0] < 0.2


def test_networks_of_the_zoo_separate_and_locate(voices, marked, tmp_path):
    config = MultisensoryConfig(**TINY, batch_norm_scale=True)
    clips = MultisensoryProcessor.separation(crop_size=64, resize_size=72)
    for name, kind in (("sep", MultisensoryForSourceSeparation), ("pit", SpectrogramUNetForSeparation)):
        kind(config).save_pretrained(tmp_path / name)
        clips.save_pretrained(tmp_path / name)
    MultisensoryForAlignment(MultisensoryConfig(**TINY)).save_pretrained(tmp_path / "align")
    MultisensoryProcessor(crop_size=64, resize_size=72).save_pretrained(tmp_path / "align")

    frames, mixture = torch.zeros(63, 48, 64, 3, dtype=torch.uint8), 0.1 * torch.randn(44144)
    with torch.inference_mode():
        for name, blind in (("sep", False), ("pit", True)):
            separator = ZooSeparator(str(tmp_path / name))
            assert separator.blind is blind
            answer = separator.separate(frames, mixture)
            assert answer.waveforms.shape == (2, 44016)
            assert answer.levels.shape == separator.levels(mixture.expand(2, -1)).shape == (2, 128, 1025)
    own, fresh = (ZooSeparator(str(tmp_path / "sep"), random) for random in (False, True))
    assert own.fingerprint() != fresh.fingerprint()
    locate = ZooLocalizer(str(tmp_path / "align"))
    # The whole picture, without the crop that the processor is saved with.
    assert locate.processor.legacy_resize
    figures = SoundLocalization(consensus="union").measure(
        [marked([0, 0, 1, 1])[0]], {"boxes": [[0, 0, 1, 1]], "still": str(tmp_path / "a.mp4")}, locate
    )
    assert figures["mean cIoU"] == pytest.approx(0.5, abs=0.01)
    for make_one, other in ((ZooSeparator, "align"), (ZooLocalizer, "sep")):
        with pytest.raises(InvalidValueError, match="expected Multisensory"):
            make_one(str(tmp_path / other))


def test_a_sound_shorter_than_a_clip_is_left_out(marked):
    manifest = marked([0, 0, 1, 1])
    model = CentreLocalizer()
    model.form = ClipForm(125, 20.0, 126000, 20000)
    with pytest.raises(LeftOut, match="shorter than a clip"):
        SoundLocalization(consensus="union").measure(
            [manifest[0]], {"boxes": [[0, 0, 1, 1]], "still": str(manifest.root / "a.mp4")}, model
        )
