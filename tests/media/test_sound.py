"""Sound as it is: all channels in their order, in floats, whole and in blocks; and wav files of any number of them."""

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import (
    MediaWriteError,
    MissingStreamError,
    SoundReader,
    probe,
    read_sound,
    write_media,
    write_sound,
)
from tests.media.corpus import Sound, make, noise

RATE = 48000


def _noise(channels, length=4800, seed=0):
    return torch.rand(channels, length, generator=torch.Generator().manual_seed(seed)) * 1.8 - 0.9


@pytest.mark.parametrize("channels", [1, 2, 4, 9, 16])
def test_floats_come_back_to_the_bit(tmp_path, channels):
    samples = _noise(channels)
    path = write_sound(tmp_path / "a.wav", samples.split(777, 1), RATE)
    found, rate = read_sound(path)
    assert rate == RATE
    assert torch.equal(found, samples)


def test_sixteen_bits_come_back_to_half_a_step_and_are_cut_at_full_scale(tmp_path):
    samples = _noise(4)
    samples[2, :2] = torch.tensor([1.5, -1.5])
    path = write_sound(tmp_path / "a.wav", samples, RATE, sample_format="int16")
    found, _ = read_sound(path)
    assert found[2, :2].tolist() == [32767 / 32768, -1.0]
    assert (found - samples)[:, 2:].abs().max() <= 0.5 / 32768 + 1e-7
    again = write_sound(tmp_path / "b.wav", found, RATE, sample_format="int16")
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("sample_format", ["float32", "int16"])
def test_others_read_what_was_written(tmp_path, sample_format):
    samples = _noise(4)
    rate, found = wavfile.read(write_sound(tmp_path / "a.wav", samples, RATE, sample_format=sample_format))
    assert (rate, found.shape, found.dtype) == (RATE, (4800, 4), sample_format)
    scale = 32768 if sample_format == "int16" else 1
    assert np.abs(found.T / scale - samples.numpy()).max() <= 0.5 / 32768 + 1e-7


@pytest.mark.parametrize("codec", ["pcm_s16le", "flac"])
def test_channels_keep_their_order_whatever_the_file_calls_them(tmp_path, codec):
    sound = noise(0.5, RATE, channels=6)
    path = make(tmp_path / "a.mkv", None, (Sound(sound, RATE, codec, "5.1"),))
    found, _ = read_sound(path)
    assert np.abs(found.numpy() - sound).max() < 1e-4


def test_another_rate_is_resampled_channel_by_channel(tmp_path):
    time = np.arange(24000) / 24000
    tones = np.stack([np.sin(2 * np.pi * frequency * time) / 2 for frequency in (300, 500, 700, 900)])
    path = write_sound(tmp_path / "a.wav", torch.from_numpy(tones), 24000)
    found, rate = read_sound(path, RATE)
    assert (rate, found.shape) == (RATE, (4, 48000))
    time = np.arange(1000, 47000) / RATE
    for row, frequency in zip(found.numpy(), (300, 500, 700, 900)):
        assert np.abs(row[1000:47000] - np.sin(2 * np.pi * frequency * time) / 2).max() < 2e-3


def test_blocks_are_bounded_and_can_be_read_again(tmp_path):
    samples = _noise(4, 200_000)
    path = write_sound(tmp_path / "a.wav", samples, RATE)
    with SoundReader(path) as sound:
        assert (sound.channels, sound.sampling_rate, sound.length, sound.start) == (4, RATE, 200_000, 0.0)
        for _ in range(2):
            blocks = list(sound)
            assert max(block.shape[1] for block in blocks) < 20_000
            assert torch.equal(torch.cat(blocks, 1), samples)


def test_an_ambisonic_track_in_mp4_keeps_its_channels_apart(tmp_path):
    # One signal at four levels, as a single source makes it: coding channels by loudness alone would spoil signs.
    signal = torch.from_numpy(noise(1, RATE)[0]).float()
    signal = torch.fft.irfft(torch.fft.rfft(signal) * (torch.arange(RATE // 2 + 1) < 6000))
    sound = signal * torch.tensor([1.0, 0.5, -0.3, 0.8])[:, None]
    path = write_media(tmp_path / "a.mp4", torch.zeros(10, 16, 32, 3, dtype=torch.uint8), 10, sound, RATE)
    assert probe(path).audio[0].channels == 4
    found, _ = read_sound(path)
    error = (found[:, 5000:40000] - sound[:, 5000:40000]).square().sum(1) / sound[:, 5000:40000].square().sum(1)
    assert error.max() < 10**-2.5


def test_silence_and_gaps_lie_where_the_times_say(corpus):
    with SoundReader(corpus["offset"]) as sound:
        assert sound.start == pytest.approx(probe(corpus["offset"]).audio[0].start)
        assert sum(block.shape[1] for block in sound) == pytest.approx(sound.length, abs=2000)


def test_what_cannot_be_done_is_told(corpus, tmp_path):
    with pytest.raises(MissingStreamError):
        SoundReader(corpus["picture_only"])
    with pytest.raises(InvalidValueError, match="sampling_rate"):
        SoundReader(corpus["plain"], 0)
    with pytest.raises(UnknownNameError, match="int16"):
        write_sound(tmp_path / "a.wav", _noise(2), RATE, sample_format="int24")
    with pytest.raises(InvalidValueError, match="channels, n"):
        write_sound(tmp_path / "a.wav", torch.zeros(5), RATE)
    with pytest.raises(InvalidValueError, match="at least one"):
        write_sound(tmp_path / "a.wav", [], RATE)
    with pytest.raises(InvalidValueError, match=r"samples for .*a\.wav: got none"):
        write_sound(tmp_path / "a.wav", torch.zeros(4, 0), RATE)
    with pytest.raises(InvalidValueError, match=r"\(2, n\)"):
        write_sound(tmp_path / "a.wav", [_noise(2), _noise(3)], RATE)
    assert not list(tmp_path.iterdir())
    write_sound(tmp_path / "a.wav", _noise(2), RATE)
    with pytest.raises(MediaWriteError, match="exists already"):
        write_sound(tmp_path / "a.wav", _noise(2), RATE)
