"""Localisation: where maps stand in time and in the picture, how windows join, and films that lack something."""

import math
import os

import matplotlib.image
import numpy as np
import pytest
import torch

import avssl_hub
from avssl_hub import LocalizationPipeline, MediaReader
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import DecodeError, MediaOpenError, MediaWriteError, MissingStreamError, probe
from avssl_hub.models.multisensory.modeling_multisensory import MultisensoryAlignmentOutput
from avssl_hub.outputs import OutputError
from avssl_hub.pipelines.localize import Localization
from avssl_hub.pipelines.overlay import write_maps, write_overlay, write_still
from tests.media.corpus import Sound, make, noise, sine
from tests.media.test_write import packets

from .alignment import FPS, RATE, FlashReader, flashing_film, small_processor


@pytest.fixture
def localize():
    return LocalizationPipeline(FlashReader(), small_processor())


def localization(maps, seconds_per_map=1.0, first=0.0):
    """Make a result of these maps."""
    times = first + torch.arange(len(maps), dtype=torch.float64) * seconds_per_map
    one = torch.zeros(1)
    return Localization("film", times, maps, seconds_per_map, 1.0, math.inf, one, one, one.bool(), ("",))


def film(path, seconds=5.0, rate=RATE, picture=None, sound=None, **kwargs):
    """Write frames whose right half is white, with a tone."""

    def right_half(number):
        image = np.zeros((48, 64, 3), np.uint8)
        image[:, 32:] = 255
        return image

    times = [i / FPS for i in range(round(seconds * FPS))]
    sound = sound or Sound(sine(seconds, 44100, channels=2), 44100, layout="stereo")
    return make(path, times, (sound,), fps=FPS, pictures=picture or right_half, **kwargs)


def frames_of(path, count):
    with MediaReader(path) as reader:
        return reader.read_video(reader.video.start, count / FPS + 1, FPS, max_frames=count).frames.int()


def test_heat_is_interpolated_in_time_and_held_at_both_ends():
    result = localization(torch.tensor([0.0, -2.0, 4.0]).reshape(3, 1, 1), 0.5, first=10.0)
    heat = [result.heat_at(time).item() for time in (9.0, 10.0, 10.125, 10.5, 10.75, 11.0, 12.0)]
    assert heat == pytest.approx([0, 0, 0.5, 2, 3, 4, 4])


@pytest.mark.parametrize(
    ("seconds", "starts", "maps"),
    [(5.0, [0, 2, 3], 20), (6.0, [0, 2, 4], 24), (2.0, [0], 8), (1.2, [0], 5), (5.3, [0, 2, 3.25], 21)],
)
def test_windows_touch_and_the_last_ends_with_the_picture(tmp_path, seconds, starts, maps):
    # Four maps a second.
    localize = LocalizationPipeline(FlashReader(), small_processor(num_frames=64, fps=32))
    result = localize(flashing_film(tmp_path / "a.mkv", seconds=seconds))
    assert result.start.tolist() == starts
    assert result.seconds_per_map == 0.25
    assert result.times.tolist() == [i / 4 for i in range(maps)]
    assert result.maps.shape == (maps, 4, 4)
    assert result.padded.tolist() == [seconds < 2] * len(starts)


class Counter(FlashReader):
    """Its maps are the number of the clip it has been shown, from 1."""

    def forward(self, pixel_values_videos, input_values, audio_mask=None):
        self.looked += 1
        maps = torch.full((1, 1, 4, 2, 2), float(self.looked))
        return MultisensoryAlignmentOutput(None, maps.mean((2, 3, 4)), maps, audio_mask)


@pytest.mark.parametrize(
    ("every", "values"),
    [
        # Two maps a second; windows at 0, 2 and 3 s, then at 0, 1, 2 and 3 s: the mean where they overlap.
        (None, [1, 1, 1, 1, 2, 2, 2.5, 2.5, 3, 3]),
        (1.0, [1, 1, 1.5, 1.5, 2.5, 2.5, 3.5, 3.5, 4, 4]),
    ],
)
def test_windows_are_joined_by_their_mean(tmp_path, every, values):
    localize = LocalizationPipeline(Counter(), small_processor())
    result = localize(flashing_film(tmp_path / "a.mkv"), every=every)
    assert result.maps[:, 0, 0].tolist() == values


def test_maps_are_the_networks(alignment_folder, tmp_path):
    file = flashing_film(tmp_path / "a.mkv", channels=2)
    seen = []
    result = LocalizationPipeline(alignment_folder)(file, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 3) for i in range(4)]
    model, processor = avssl_hub.load(alignment_folder), avssl_hub.load_processor(alignment_folder)
    with torch.inference_mode():
        maps = [
            model(**processor(videos=file, audio=file, starts=[start])).activation_maps[0] for start in (0.0, 2.0, 3.0)
        ]
    expected = torch.cat([maps[0], maps[1][:2], (maps[1][2:] + maps[2][:2]) / 2, maps[2][2:]])
    # The pipeline's network is in its form for inference, which rounds otherwise.
    torch.testing.assert_close(result.maps, expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(result.logits, torch.stack([m.mean() for m in maps]), rtol=1e-5, atol=1e-4)


def test_the_overlay_lies_where_the_heat_is_and_keeps_the_rest(localize, tmp_path):
    file = film(tmp_path / "a.mp4")
    seen = []
    result = localize(file)
    path = write_overlay(result, file, tmp_path / "heat.mp4", progress=lambda *now: seen.append(now))
    before, after = frames_of(file, 80), frames_of(path, 80)
    assert after.shape == before.shape
    change = (after - before).abs().float().mean((0, 1, 3))
    assert change[:28].max() < 3
    assert change[36:].min() > 20
    # White with 35 % of the far end of "jet", which is dark red.
    assert after[:, :, 40:60].float().mean((0, 1, 2)).tolist() == pytest.approx([210, 166, 166], abs=6)
    assert seen == sorted(seen)
    assert (seen[0][0], *seen[-1]) == (0, seen[0][1], seen[0][1])
    assert packets(path, "audio") == packets(file, "audio")


def test_maps_of_a_turned_film_lie_where_it_is_seen(localize, tmp_path):
    def stored(number):
        image = np.zeros((64, 48, 3), np.uint8)
        image[:32] = 255  # the top half when upright
        return np.rot90(image, 1)

    file = film(tmp_path / "a.mp4", picture=stored, turn=(-90, False, False))
    assert probe(file).video[0].rotation == 90
    path = write_overlay(localize(file), file, tmp_path / "heat.mp4")
    before, after = frames_of(file, 10), frames_of(path, 10)
    assert before.shape == after.shape == (10, 64, 48, 3)
    change = (after - before).abs().float().mean((0, 2, 3))
    assert change[:28].min() > 20
    assert change[36:].max() < 3


def test_a_processor_that_crops_maps_the_middle(tmp_path):
    cropping = small_processor(legacy_resize=False, resize_size=64, crop_size=32)
    file = film(tmp_path / "a.mp4")
    result = LocalizationPipeline(FlashReader(), cropping)(file)
    assert result.view == 0.5
    path = write_overlay(result, file, tmp_path / "heat.mp4")
    change = (frames_of(path, 10) - frames_of(file, 10)).abs().float().mean((0, 3))
    assert change[14:34, 36:46].min() > 20
    assert max(change[:, 52:].max(), change[:9].max(), change[:, :28].max()) < 5


def test_the_released_rule_looks_at_the_first_clip_only(localize, tmp_path):
    file = film(tmp_path / "a.mp4")
    result = localize(file, released=True)
    assert (len(result), result.until, localize.model.looked) == (4, 2.0, 1)
    path = write_overlay(result, file, tmp_path / "heat.mp4")
    info = probe(path)
    assert info.video[0].frames == 2 * FPS
    assert info.audio[0].duration == pytest.approx(2.0, abs=1024 / 44100 + 1e-3)


def test_a_short_film_is_padded_and_its_maps_end_with_it(localize, tmp_path):
    result = localize(film(tmp_path / "a.mp4", seconds=1.2))
    assert result.padded.tolist() == [True]
    assert result.times.tolist() == [0, 0.5, 1]


def test_parts_without_sound_have_no_maps_and_are_left_as_they_are(localize, tmp_path):
    file = film(tmp_path / "a.mkv", 6.0, sound=Sound(noise(2, 44100), 44100, "flac"))
    result = localize(file)
    assert result.maps.isnan().flatten(1).any(1).tolist() == [False] * 4 + [True] * 8
    assert result.reason == ("", *["the sound track covers 0% of the window"] * 2)
    path = write_overlay(result, file, tmp_path / "heat.mp4")
    change = (frames_of(path, 96) - frames_of(file, 96)).abs().float().mean((1, 2, 3))
    assert change[:24].min() > 10
    assert change[32:].max() < 2
    write_still(result, file, tmp_path / "heat.png")


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (Sound(sine(5, 8000), 8000, "pcm_s16le"), ""),
        (Sound(np.zeros((1, 5 * 44100), np.float32), 44100), "sound is digital silence"),
        (Sound(sine(5, 44100), 44100), ""),
    ],
    ids=["8 kHz", "silent", "mono"],
)
def test_odd_sound_is_kept_and_told(localize, tmp_path, sound, reason):
    file = film(tmp_path / "a.mkv", sound=sound)
    result = localize(file)
    assert set(result.reason) == {reason}
    (heard,) = probe(write_overlay(result, file, tmp_path / "heat.mp4")).audio
    assert (heard.codec, heard.sampling_rate, heard.channels) == ("aac", sound.rate, 1)
    assert heard.duration == pytest.approx(5.0, abs=0.03)


def test_a_still_and_the_raw_maps_are_written(localize, tmp_path):
    file = film(tmp_path / "a.mp4")
    result = localize(file)
    write_still(result, file, tmp_path / "heat.png")
    still = torch.from_numpy(matplotlib.image.imread(tmp_path / "heat.png")[..., :3] * 255)
    assert still.shape == (48, 64, 3)
    assert still[:, 40:].mean((0, 1)).tolist() == pytest.approx([210, 166, 166], abs=6)
    assert still[:, :28].mean() < 3
    write_maps(result, tmp_path / "heat.npz")
    with np.load(tmp_path / "heat.npz") as saved:
        assert np.array_equal(saved["maps"], result.maps)
        assert np.array_equal(saved["times"], result.times)
        # Half of each map is bright, so its 97th percentile is that brightness.
        assert saved["high"] == pytest.approx(1.001, abs=0.02)
        assert saved["low"] == pytest.approx(0.5, abs=0.01)
        assert (str(saved["film"]), saved["view"]) == (str(file), 1)


def test_bytes_are_films_too(localize, tmp_path):
    content = film(tmp_path / "a.mp4").read_bytes()
    path = write_overlay(localize(content), content, tmp_path / "heat.mp4")
    assert probe(path).video[0].frames == 5 * FPS


@pytest.mark.parametrize(("times", "sounds", "missing"), [(None, True, "picture"), ([0.0, 0.5], False, "sound")])
def test_a_file_without_sound_or_picture_is_named(localize, tmp_path, times, sounds, missing):
    file = make(tmp_path / "half.mkv", times, (Sound(noise(1, RATE), RATE, "pcm_s16le"),) if sounds else ())
    with pytest.raises(MissingStreamError, match=rf"half\.mkv.*got a file without {missing}; expected both"):
        localize(file)


def test_films_that_cannot_be_mapped_are_refused(localize, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"not a film")
    with pytest.raises(MediaOpenError, match=r"broken\.mp4"):
        localize(tmp_path / "broken.mp4")
    late = film(tmp_path / "late.mkv", 2.0, sound=Sound(noise(1, RATE), RATE, "pcm_s16le", start=3.0))
    with pytest.raises(DecodeError, match=r"late\.mkv.*covers 0% of the window"):
        localize(late)


def test_a_film_cut_short_is_mapped_as_far_as_it_decodes(localize, tmp_path):
    whole = film(tmp_path / "a.mp4", 8.0, container_options={"movflags": "faststart"}).read_bytes()
    data = whole.index(b"mdat") + 4
    result = localize(whole[: data + (len(whole) - data) // 2])
    assert len(result.start) == 4
    assert result.reason[-1] == "no picture decodes here"
    mapped = ~result.maps.flatten(1).isnan().any(1)
    assert mapped[:4].all()
    assert not mapped[-4:].any()


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ({"every": -1.0}, "every: got -1.0; expected seconds above 0"),
        ({"every": 2.5}, r"every: got 2.5; expected at most the clip's 2.000 s"),
        ({"every": 1.0, "released": True}, "every: got 1.0 with released=True"),
    ],
)
def test_impossible_choices_are_refused(localize, choices, text):
    with pytest.raises(InvalidValueError, match=text):
        localize("never opened.mp4", **choices)


def test_outputs_appear_whole_or_not_at_all(localize, tmp_path):
    file = film(tmp_path / "a.mp4")
    result = localize(file)
    with pytest.raises(MediaWriteError, match="exists already"):
        write_overlay(result, file, file)
    with pytest.raises(MediaWriteError, match="got No such file or directory; expected a folder that can be written"):
        write_overlay(result, file, tmp_path / "none" / "heat.mp4")
    for write in (lambda path: write_still(result, file, path), lambda path: write_maps(result, path)):
        with pytest.raises(OutputError, match="writing"):
            write(tmp_path / "none" / "heat")
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_real_sound_stays_whole(alignment_folder, shared_data, tmp_path):
    file = shared_data("grid-mini/videos/bbaf2n.mpg")
    path = write_overlay(LocalizationPipeline(alignment_folder)(file), file, tmp_path / "heat.mp4")
    with MediaReader(file) as before, MediaReader(path) as after:
        assert after.video.duration == pytest.approx(before.video.duration, abs=0.04)
        sounds = [reader.read_audio(0.2, 2.5, 44100, None).samples for reader in (before, after)]
    similarity = np.corrcoef(*(sound.reshape(-1) for sound in sounds))[0, 1]
    assert similarity > 0.99  # MPEG's layer two became AAC; one sample of delay would cost more
