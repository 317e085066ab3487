import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MediaReader, MissingStreamError, probe
from tests.media.conftest import SURROUND_TONES
from tests.media.corpus import CLICK, Sound, make, noise, sine


def read(path, *args, audio_stream=None, **kwargs):
    with MediaReader(path, audio_stream=audio_stream) as reader:
        return reader.read_audio(*args, **kwargs)


def sixteen_bit(samples):
    """What 16-bit sound of these floats reads as."""
    return torch.from_numpy(np.round(samples * 32767).astype(np.int16).astype(np.float32) / 32767)


def loudest_tone(samples, rate):
    spectrum = np.abs(np.fft.rfft(np.asarray(samples) * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


def click_times(clip):
    """Times of the clicks in a clip: centres of the runs above half height."""
    loud = np.flatnonzero(clip.samples[0].numpy() > 0.45)
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > 10) + 1)
    return [clip.start + run.mean() / clip.sampling_rate for run in runs if len(run)]


def test_samples_at_the_file_s_own_rate_are_the_file_s_own(corpus):
    stored = sixteen_bit(noise(2, 24000))
    clip = read(corpus["late_sound"], 1.5, 1.0, 24000)
    assert torch.equal(clip.samples, stored[:, 12000:36000])
    assert (clip.present, clip.sampling_rate, clip.start) == (1.0, 24000, 1.5)
    assert clip.samples.dtype == torch.float32


def test_before_and_behind_the_sound_is_zero_to_the_sample(corpus):
    stored = sixteen_bit(noise(2, 24000))
    clip = read(corpus["late_sound"], 0.75, 3.0, 24000)
    assert torch.equal(clip.samples[:, 6000:54000], stored)
    assert not clip.samples[:, :6000].any()
    assert not clip.samples[:, 54000:].any()
    assert clip.present == pytest.approx(2 / 3)


@pytest.mark.parametrize("start", [-5.0, 0.0, 3.5, 100.0])
def test_a_window_without_sound_is_zeros_and_says_so(corpus, start):
    clip = read(corpus["late_sound"], start, 0.5, 16000)
    assert clip.samples.shape == (1, 8000)
    assert not clip.samples.any()
    assert clip.present == 0.0


def test_what_was_read_before_does_not_count_as_present(corpus):
    with MediaReader(corpus["plain"]) as reader:
        reader.read_audio(3.5, 0.5, 16000)
        assert reader.read_audio(4.0, 0.5, 16000).present == 0.0


def test_sound_shorter_than_picture_is_padded_and_says_so(corpus):
    clip = read(corpus["short_sound"], 1.0, 2.0, 24000)
    assert torch.equal(clip.samples[:, :12000], sixteen_bit(noise(1.5, 24000))[:, 24000:])
    assert not clip.samples[:, 12000:].any()
    assert clip.present == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("name", "begin", "end"), [("plain", 0, 4), ("offset", 5, 9), ("late_picture", 0, 6), ("vfr", 0, 4)]
)
@pytest.mark.parametrize("rate", [16000, 24000, 44100])
def test_clicks_sound_when_they_should(corpus, name, begin, end, rate):
    for start in np.arange(begin + 0.3, end - 1.1, 0.37):
        clip = read(corpus[name], float(start), 1.1, rate)
        expected = [k * CLICK for k in range(20) if start + 0.02 < k * CLICK < start + 1.08 and begin < k * CLICK]
        # MP4 keeps the offset of a stream in milliseconds.
        assert [t for t in click_times(clip) if start + 0.02 < t < start + 1.08] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("codec", "extension", "tolerance"),
    [
        ("aac", "mp4", 0),
        ("aac", "mkv", 0),
        ("libmp3lame", "mp3", 0),
        ("libmp3lame", "mkv", 0),
        ("flac", "flac", 0),
        ("pcm_s16le", "wav", 0),
        # Opus never quite forgets what it decoded before.
        ("libopus", "webm", 8),
        ("libopus", "ogg", 8),
    ],
)
def test_a_seek_gives_what_decoding_everything_gives(tmp_path, codec, extension, tolerance):
    sound = Sound(noise(4, 48000, channels=2), 48000, codec, "stereo")
    path = make(tmp_path / f"sound.{extension}", None, (sound,))
    begin = probe(path).audio[0].start
    whole = read(path, begin, 4.0, 22050).samples
    for offset in (0.0, 0.3, 1.7, 2.5):
        first = round(offset * 22050)
        difference = read(path, begin + offset, 1.0, 22050).samples - whole[:, first : first + 22050]
        assert round(difference.abs().max().item() * 32767) <= tolerance


def test_any_length_at_any_rate_has_the_exact_number_of_samples(corpus):
    for duration, rate in ((0.1, 44100), (0.33333, 24000), (1.23456, 11025), (1 / 3, 22050)):
        assert read(corpus["plain"], 0.7, duration, rate).samples.shape == (1, round(duration * rate))


def test_8_khz_mono_keeps_its_tone_when_raised(corpus):
    clip = read(corpus["mono_8k"], 1.0, 2.0, 24000)
    assert clip.samples.shape == (1, 48000)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * (1 + np.arange(48000) / 24000))
    assert np.abs(clip.samples[0].numpy() - expected).max() < 2e-3


@pytest.mark.parametrize("name", ["surround", "surround_unnamed"])
def test_surround_keeps_its_channels_apart(corpus, name):
    clip = read(corpus[name], 0.5, 1.0, 48000, channels=None)
    assert clip.samples.shape == (6, 48000)
    assert [loudest_tone(channel, 48000) for channel in clip.samples] == pytest.approx(SURROUND_TONES, abs=1)
    assert torch.equal(read(corpus[name], 0.5, 1.0, 48000, channels=6).samples, clip.samples)


@pytest.mark.parametrize("name", ["surround", "surround_unnamed"])
def test_surround_mixes_down_by_the_usual_weights(corpus, name):
    mono = read(corpus[name], 0.5, 1.0, 48000, channels=1).samples[0].numpy()
    spectrum = np.abs(np.fft.rfft(mono)) / 24000
    heights = np.array([spectrum[tone] for tone in SURROUND_TONES])
    # ITU: left and right 1, centre 2 * sqrt(1/2) of them, back sqrt(1/2), low 0; scaled to a sum of 1.
    weights = np.array([1, 1, 2**0.5, 0, 0.5**0.5, 0.5**0.5])
    assert heights == pytest.approx(0.5 * weights / weights.sum(), abs=2e-3)
    assert read(corpus[name], 0.5, 1.0, 48000, channels=2).samples.shape == (2, 48000)


def test_eight_planes_are_eight_after_a_seek_and_across_a_gap(tmp_path):
    # PyAV counts a ninth plane where there are eight, and reading that ends the process.
    tones = (400, 800, 1200, 100, 2000, 2600, 3000, 3500)
    sound = np.concatenate([sine(2, 48000, tone) for tone in tones])
    path = make(tmp_path / "eight.mkv", None, (Sound(sound, 48000, "aac", "7.1"),), gap=(4.0, sound))
    for start in (0.7, 4.5):
        clip = read(path, start, 1.0, 48000, channels=None)
        assert [loudest_tone(channel, 48000) for channel in clip.samples] == pytest.approx(tones, abs=1)
    assert read(path, 1.5, 3.0, 48000, channels=None).present == pytest.approx(1 / 3, abs=0.05)


def test_channels_follow_the_file_or_the_request(corpus):
    tone = corpus["long_gop"]
    assert read(tone, 1, 1, 24000).samples.shape[0] == 1
    assert read(tone, 1, 1, 24000, channels=None).samples.shape[0] == 2
    assert read(tone, 1, 1, 24000, channels=4).samples.shape[0] == 4
    with pytest.raises(InvalidValueError, match=r"channels: got 9; expected None .* or 1 to 8"):
        read(tone, 1, 1, 24000, channels=9)


def test_the_wanted_sound_track_is_read(corpus):
    for index, tone in ((1, 500), (2, 3000)):
        clip = read(corpus["two_sounds"], 1, 1, 16000, audio_stream=index)
        assert loudest_tone(clip.samples[0], 16000) == pytest.approx(tone, abs=1)


def test_missing_sound_is_an_error_and_known_beforehand(corpus):
    with MediaReader(corpus["picture_only"]) as reader:
        assert not reader.info.has_audio
        with pytest.raises(
            MissingStreamError, match=r"no audio stream in .*picture_only.mp4': got streams 0 \(video\)"
        ):
            reader.read_audio(0, 1, 24000)


def test_gaps_are_silent_and_what_follows_keeps_its_time(tmp_path):
    first, second = noise(1, 24000, seed=1), noise(1, 24000, seed=2)
    path = make(tmp_path / "gap.mkv", None, (Sound(first, 24000, "pcm_s16le"),), gap=(1.5, second))
    clip = read(path, 0.0, 3.0, 24000)
    assert torch.equal(clip.samples[:, :24000], sixteen_bit(first))
    assert not clip.samples[:, 24000:36000].any()
    assert torch.equal(clip.samples[:, 36000:60000], sixteen_bit(second))
    assert clip.present == pytest.approx(2 / 3)
    assert torch.equal(read(path, 1.25, 1.0, 24000).samples, clip.samples[:, 30000:54000])


def test_the_same_window_gives_the_same_samples_whatever_was_read_before(tmp_path):
    # AAC substitutes noise of its own here.
    sound = Sound(sine(4, 44100, channels=2), 44100, "aac", "stereo")
    path = make(tmp_path / "noise.mp4", None, (sound,), sound_options={"aac_pns": "1"})
    with MediaReader(path) as reader:
        first = reader.read_audio(0, 1, 24000).samples
        reader.read_audio(2, 1, 24000)
        assert torch.equal(reader.read_audio(0, 1, 24000).samples, first)
        # The test means something only if the decoder alone would not give that.
        assert not torch.equal(reader._audio.read(0, 1, 24000, 1).samples, first)
    assert torch.equal(read(path, 0, 1, 24000).samples, first)


def test_sound_of_a_tone_has_its_height(corpus):
    clip = read(corpus["sound_only"], 1.0, 1.0, 44100)
    assert np.abs(clip.samples[0].numpy() - sine(2, 44100)[0, 44100:]).max() < 0.02
