"""Ambisonics from files: conventions, channels in several files, and what is refused."""

from math import pi

import av
import pytest
import torch

from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import (
    DecodeError,
    SpatialAudio,
    SpatialMetadata,
    write_media,
    write_sound,
    write_spatial_metadata,
)
from avssl_hub.pipelines.ambisonics import source
from avssl_hub.pipelines.ambisonics.source import AmbisonicSound

from .conftest import RATE, scene


def whole(files, *options, samples=1000):
    with AmbisonicSound(files, *options) as sound:
        blocks = list(sound.blocks(samples))
    assert {block.shape[1] for block in blocks[:-1]} <= {samples}
    return torch.cat(blocks, 1)


@pytest.mark.parametrize("convention", ["ambix", "n3d", "fuma"])
@pytest.mark.parametrize("order", [1, 3])
def test_every_convention_is_read_as_the_same_scene(written, convention, order):
    made = scene(30, 20, order)
    path = written(made, convention)
    torch.testing.assert_close(whole(path, convention), made, rtol=0, atol=1e-6)


def test_channels_of_several_files_are_joined(tmp_path):
    made = scene(-70, 10, 2)
    paths = [write_sound(tmp_path / f"{number}.wav", part, RATE) for number, part in enumerate(made.split(4))]
    torch.testing.assert_close(whole(paths, samples=700), made)


def test_what_a_film_says_of_itself_counts_unless_told_otherwise(tmp_path):
    made = scene(50)
    stored = torch.cat([made[[3, 1, 0, 2]], torch.zeros(2, RATE)])
    plain, said = tmp_path / "plain.mp4", tmp_path / "said.mp4"
    write_media(plain, torch.zeros(10, 32, 64, 3, dtype=torch.uint8), 10, stored, RATE)
    # In another order, Z where AAC has the channel of low frequencies, with two more channels for both ears.
    write_spatial_metadata(plain, said, audio=SpatialAudio(1, (2, 1, 3, 0, 4, 5), head_locked=True))
    with AmbisonicSound(said) as sound:
        assert sound.stated
        assert "not turn with the head" in sound.notes[0]
        samples = torch.cat(list(sound.blocks(1000)), 1)
    # AAC is not exact, but tells the channels apart.
    levels = samples.square().mean(1).sqrt()
    torch.testing.assert_close(levels, made.square().mean(1).sqrt(), rtol=0.1, atol=0.002)
    for path, convention in ((said, "ambix"), (plain, None)):
        with pytest.raises(InvalidValueError, match="got 6; expected 4, 9 or 16"):
            AmbisonicSound(path, convention)


def test_metadata_of_an_unknown_convention_is_refused(written, monkeypatch):
    said = SpatialMetadata(audio=SpatialAudio(ordering="7"))
    monkeypatch.setattr(source, "read_spatial_metadata", lambda path: said)
    with pytest.raises(InvalidValueError, match="got ordering 7, normalization sn3d; expected acn and sn3d"):
        AmbisonicSound(written(scene(0)))


def test_speakers_are_put_back_as_they_were_stored(tmp_path):
    """FFmpeg sorts speakers when it writes, too: what it was given third, the centre, is stored second."""
    pitches = 40 + 10 * torch.arange(8)  # low enough for the channel of low frequencies
    tones = 0.2 * torch.sin(2 * pi * pitches[:, None] * torch.arange(48000) / 48000)
    paths = [tmp_path / "first.ogg", tmp_path / "second.ogg"]
    for path in paths:
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libopus", rate=48000, layout="7.1")
            frame = av.AudioFrame.from_ndarray(tones.T.reshape(1, -1).numpy(), "flt", "7.1")
            frame.sample_rate = 48000
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))

    def heard(*options):
        spectra = torch.fft.rfft(whole(paths, *options)[:, :48000]).abs()
        return spectra.argmax(1)[1:8].tolist()

    assert heard() == [50, 60, 70, 80, 90, 100, 110]
    # Centre, right, left and right side, left and right back, low frequencies.
    assert heard(None, True) == [60, 50, 100, 110, 80, 90, 70]


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_other_channels_are_refused(written, channels):
    path = write_sound(written(scene(0)).with_name("other.wav"), torch.zeros(channels, 100), RATE)
    with pytest.raises(InvalidValueError, match=rf"other\.wav: got {channels}; expected 4, 9 or 16"):
        AmbisonicSound(path)


def test_files_that_do_not_belong_together_are_refused(written):
    made = scene(0, 0, 2)
    first = written(scene(0))
    slow = write_sound(first.with_name("slow.wav"), made[4:], RATE // 2)
    with pytest.raises(InvalidValueError, match="got 8000 Hz and 16000 Hz; expected one rate"):
        AmbisonicSound([first, slow])
    short = write_sound(first.with_name("short.wav"), made[4:, :-10], RATE)
    with pytest.raises(DecodeError, match="files that differ in length"):
        whole([first, short])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_samples_that_are_no_numbers_are_refused_with_their_time(written, bad):
    made = scene(0)
    made[2, 4000] = bad
    with pytest.raises(DecodeError, match=r"scene\.wav at 0\.250 s: got NaN or infinity"):
        whole(written(made))


def test_unknown_convention_is_refused(written):
    with pytest.raises(UnknownNameError, match="Did you mean 'ambix'"):
        AmbisonicSound(written(scene(0)), "ambx")
