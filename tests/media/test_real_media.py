"""Real clips: the reader against a plain pass over the whole file that applies the rule frame by frame."""

from math import floor

import av
import numpy as np
import pytest
import torch

from avssl_hub.media import MediaReader, prepare_media, probe

CLIPS = [
    "ucf101-mini/videos/v_Archery_g22_c04.mp4",
    "ucf101-mini/videos/v_ApplyEyeMakeup_g08_c01.mp4",
    "av-clips-misc/videos/nasa_13013.mp4",
    "av-clips-misc/videos/retalk_1.mp4",
    "av-clips-misc/videos/talk_00002.mp4",
    "av-clips-misc/videos/v_GGSY1Qvo990.mp4",
    "av-clips-misc/videos/mmaction2_test.avi",
    "grid-mini/videos/brbk7n.mpg",
    "surv-fight/videos/nofi101.mp4",
]


def plain_frames(path, index, start, duration, fps):
    """Decode everything from the start, number frames by their timestamps, and pick by the rule."""
    with av.open(str(path)) as container:
        stream = container.streams[index]
        rate, begin = float(stream.average_rate), float((stream.start_time or 0) * stream.time_base)
        if stream.duration is None:
            end = (container.start_time + container.duration) / 1e6
        else:
            end = begin + float(stream.duration * stream.time_base)
        decoded = list(container.decode(stream))
        if container.format.name == "avi":
            # AVI only counts its frames.
            times = [begin + i / rate for i in range(len(decoded))]
        else:
            times = [frame.time for frame in decoded]
        limit = min(start + duration - 0.5 / rate, end) - 1e-9
        wanted = [
            floor((start + k / fps - begin) * rate + 1e-6)
            for k in range(int(duration * fps))
            if start + k / fps < limit
        ]
        numbers = [floor((time - begin) * rate + 0.5 + 1e-9) for time in times]
        chosen = [next(i for i, number in enumerate(numbers) if number >= w) for w in wanted]
        return np.stack([decoded[i].to_ndarray(format="rgb24") for i in chosen]), [times[i] for i in chosen]


def plain_sound(path, index):
    """Decode and resample everything to 24 kHz mono."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=24000)
        blocks = []
        for frame in container.decode(container.streams[index]):
            blocks += resampler.resample(frame)
        blocks += resampler.resample(None)
        return np.concatenate([block.to_ndarray()[0] for block in blocks]).astype(np.float32) / 32767


@pytest.mark.parametrize("clip", CLIPS)
def test_frames_are_those_of_a_plain_pass(shared_data, clip):
    path = shared_data(clip)
    for video in probe(path).video:
        with MediaReader(path, video_stream=video.index) as reader:
            for share in (0.8, 0.0, 0.37):
                start = video.start + share * (video.duration - 0.6)
                expected, times = plain_frames(path, video.index, start, 0.5, 16)
                found = reader.read_video(start, 0.5, 16)
                assert np.array_equal(found.frames.numpy(), expected)
                assert found.times.tolist() == pytest.approx(times, abs=1e-6)


@pytest.mark.parametrize("clip", [*CLIPS, "esc10/audio/1-29561-A.ogg", "esc10/audio/2-37806-B.ogg"])
def test_sound_is_that_of_a_plain_pass(shared_data, clip):
    path = shared_data(clip)
    for audio in probe(path).audio:
        whole = plain_sound(path, audio.index)
        for share in (0.0, 0.31, 0.77):
            offset = share * (audio.duration - 1)
            with MediaReader(path, audio_stream=audio.index) as reader:
                found = reader.read_audio(audio.start + offset, 1.0, 24000).samples[0].numpy()
            first = round(offset * 24000)
            expected = np.pad(whole, (0, 24000))[first : first + 24000]
            if audio.codec == "aac":
                # Noise substitution draws other random numbers after a seek; a sample's shift would show all the same.
                scores = [np.dot(found[50:-50], np.roll(expected, lag)[50:-50]) for lag in range(-40, 41)]
                assert np.argmax(scores) == 40 or np.abs(found - expected).max() < 1e-3
                assert np.corrcoef(found, expected)[0, 1] > 0.9
            else:
                # MP2 dithers by one or two steps of 16 bits; everything else is the same to the bit.
                assert np.abs(found - expected).max() <= (2.1 / 32767 if audio.codec == "mp2" else 0)


def test_the_best_streams_are_read_by_default_and_others_by_index(shared_data):
    path = shared_data("av-clips-misc/videos/nasa_13013.mp4")
    info = probe(path)
    assert [(v.index, v.width, v.height) for v in info.video] == [(0, 320, 180), (3, 480, 270)]
    assert [(a.index, a.sampling_rate) for a in info.audio] == [(1, 8000), (4, 16000)]
    with av.open(str(path)) as container:
        best = container.streams.best("video")
        size = (best.height, best.width)
    with MediaReader(path) as reader:
        assert reader.read_video(1, 0.5, 16).frames.shape == (8, *size, 3)
    with MediaReader(path, video_stream=0) as reader:
        assert reader.read_video(1, 0.5, 16).frames.shape == (8, 180, 320, 3)


def test_a_pass_over_a_real_clip_gives_the_frames_of_single_reads(shared_data):
    with MediaReader(shared_data("ucf101-mini/videos/v_Archery_g22_c04.mp4")) as reader:
        found = list(reader.stream(1.0, 0.5, 16, 24000, video_duration=0.5))
        assert len(found) >= 2
        for window in found:
            start = window.start + max(0.0, (window.end - window.start - 0.5) / 2)
            assert torch.equal(window.video.frames, reader.read_video(start, 0.5, 16).frames)


def test_preparing_a_real_clip_keeps_its_frames_close(shared_data, tmp_path):
    path = shared_data("ucf101-mini/videos/v_Archery_g22_c04.mp4")
    with MediaReader(path) as old, MediaReader(prepare_media(path, tmp_path / "prepared.mp4")) as new:
        before, after = old.read_video(2.0, 0.5, 16), new.read_video(2.0, 0.5, 16)
        assert torch.allclose(before.times, after.times, atol=1e-6)
        assert (before.frames.float() - after.frames.float()).abs().mean() < 4
        assert torch.equal(old.read_audio(1, 1, 24000).samples, new.read_audio(1, 1, 24000).samples)


def test_the_streams_that_are_read_are_named(shared_data):
    path = shared_data("av-clips-misc/videos/nasa_13013.mp4")
    with MediaReader(path) as reader:
        best = reader.video, reader.audio
        frames = reader.read_video(0, 0.2, 5).frames
    assert {stream.index for stream in best} <= {stream.index for stream in (*reader.info.video, *reader.info.audio)}
    assert frames.shape[1:3] == (best[0].height, best[0].width)
    for chosen in reader.info.video:
        with MediaReader(path, video_stream=chosen.index) as other:
            assert other.video == chosen
            assert other.read_video(0, 0.2, 5).frames.shape[1:3] == (chosen.height, chosen.width)
