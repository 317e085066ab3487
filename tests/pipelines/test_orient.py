"""Orientation: imposed turns are found, signs, windows, scores by their formulas, and films that cannot be compared."""

import math

import matplotlib.image
import pytest
import torch

from avssl_hub.audio.ambisonics import rotate
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import (
    DecodeError,
    MediaOpenError,
    MediaReader,
    MissingStreamError,
    PictureReader,
    SoundReader,
    SpatialAudio,
    SphericalVideo,
    write_media,
    write_sound,
    write_spatial_metadata,
)
from avssl_hub.models.avid import AvidProcessor
from avssl_hub.models.avsa import (
    AvsaForAudioVisualCorrespondence,
    AvsaForSpatialAlignment,
    AvsaModel,
)
from avssl_hub.pipelines._sphere_film import find_film
from avssl_hub.pipelines._sphere_source import UnfitVideoError, VideoLayout
from avssl_hub.pipelines._sphere_windows import SphereWindows
from avssl_hub.pipelines._yaw_scores import rings, yaw_grid
from avssl_hub.pipelines.orient import OrientationPipeline
from avssl_hub.pipelines.orientation import Orientation
from avssl_hub.pipelines.orientation_figure import draw_orientation
from avssl_hub.video.views import Views
from tests.media.corpus import Sound, make

from .orienting import CLIP, RATE, bright_towards, film, pipeline, small_network, small_processor, sound_from

NAN = math.nan
DEGREE = math.pi / 180


@pytest.fixture(scope="module")
def orient():
    return pipeline()


def orientation(rows, yaws):
    """Make a result of these scores, one row a window."""
    scores = torch.tensor(rows)
    times = torch.arange(len(rows), dtype=torch.float64)
    reason = tuple("silence" if row.isnan().any() else "" for row in scores)
    return Orientation("film", times, times + 1, torch.tensor(yaws, dtype=torch.float64) * DEGREE, scores, reason)


@pytest.mark.parametrize("error", [-135, 0, 45, 90, 180])
def test_an_imposed_turn_is_found(orient, tmp_path, error):
    sound = rotate(sound_from(-70 * DEGREE), error * DEGREE)
    result = orient(film(tmp_path / "a.mp4", -70 * DEGREE, sound))
    assert len(result) == 4
    assert (result.best_yaw / DEGREE + error) % 360 == pytest.approx(0, abs=1e-9)
    assert result.aligned == (error == 0)
    assert result.sure
    assert result.agreeing == 4
    assert result.score <= result.scores.max() < 0
    assert result.margin > 0


def test_plus_ninety_means_that_the_sound_has_to_be_turned_to_the_left(orient, tmp_path):
    # What is heard ahead is seen on the left.
    result = orient(film(tmp_path / "a.mp4", 90 * DEGREE, sound_from(0.0)))
    assert result.best_yaw == pytest.approx(90 * DEGREE)


def test_finer_and_coarser_steps(orient, tmp_path):
    path = film(tmp_path / "a.mp4", 20 * DEGREE, sound_from(0.0))
    assert orient(path, step=10 * DEGREE).best_yaw == pytest.approx(20 * DEGREE)
    assert orient(path, step=120 * DEGREE).yaws.rad2deg().tolist() == pytest.approx([-120, 0, 120])
    for step in (0.0, -1.0, NAN, 7 * DEGREE, math.tau):
        with pytest.raises(InvalidValueError, match="expected an angle above 0 that divides 360 degrees"):
            yaw_grid(step)
    with pytest.raises(InvalidValueError, match="every: got 0"):
        orient(path, every=0)


def test_views_off_the_horizon_hear_half_a_turn():
    processor = small_processor()
    sound = sound_from(30 * DEGREE) + 0.5 * sound_from(-100 * DEGREE, -0.3).flip(1)
    half_a_turn = rotate(sound, math.pi)
    level = processor.around_horizon()
    torch.testing.assert_close(processor.log_mels(sound, level), processor.log_mels(half_a_turn, level))
    ring = Views(rings(processor).rows[0])
    assert (processor.log_mels(sound, ring) - processor.log_mels(half_a_turn, ring)).abs().mean() > 1
    # A single source on the horizon is alike from everywhere: its harmonics all change their sign.
    flat = sound_from(30 * DEGREE, 0.0)
    torch.testing.assert_close(
        processor.log_mels(flat, ring), processor.log_mels(rotate(flat, math.pi), ring), rtol=0, atol=1e-3
    )


@pytest.mark.parametrize(
    ("objective", "turns", "hearing"),
    [
        ("easy+hard", "yaw_first", "ambisonics"),
        ("easy+hard", "pitch_first", "ambisonics"),
        ("instdisc", "pitch_first", "ambisonics"),
        ("hard", "pitch_first", "mono"),
        ("avc", "yaw_first", "stereo"),
    ],
)
def test_the_score_is_what_pretraining_optimises(objective, turns, hearing):
    processor = small_processor(turns=turns, hearing=hearing)
    depth = {"translation_depth": 0} if objective == "instdisc" else {}
    model = small_network(objective=objective, audio_num_channels=processor.num_channels, **depth)
    frames = torch.stack([bright_towards(0.1), bright_towards(0.3)]).permute(0, 3, 1, 2)
    sound = sound_from(0.5, seconds=CLIP) + sound_from(-2.0, 0.1, seconds=CLIP).flip(1)
    yaws, scorer = OrientationPipeline(model, processor).scorer(45 * DEGREE)
    found = scorer(frames, sound)
    expected = []
    for yaw in yaws:
        log_probabilities = []
        for rows in rings(processor).rows:
            pixels = processor.pixels(frames, Views(rows))[None]
            log_mels = processor.log_mels(rotate(sound, yaw), Views(rows))[None]
            with torch.inference_mode():
                output = model(pixels, log_mels)
            queries = (output.predicted_audio_embeds, output.predicted_video_embeds)
            keys = (output.audio_embeds, output.video_embeds)
            if objective == "instdisc":
                queries = (output.video_embeds, output.audio_embeds)
            for query, key in zip(queries, keys):
                odds = (query[0] @ key[0].T / 0.07).exp()
                log_probabilities.append((odds.diagonal() / odds.sum(1)).log().mean())
        expected.append(torch.stack(log_probabilities).mean())
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=2e-5)
    assert found.std() > 5e-5


@pytest.mark.parametrize("translated", [False, True])
def test_a_probe_of_spatial_alignment_is_asked_what_it_learned(translated):
    model, processor = small_network(AvsaForSpatialAlignment, matching_translation=translated), small_processor()
    frames, sound = bright_towards(0.1).permute(2, 0, 1).expand(2, -1, -1, -1), sound_from(0.5, seconds=CLIP)
    yaws, scorer = OrientationPipeline(model, processor).scorer(90 * DEGREE)
    found = scorer(frames, sound)
    for yaw, score in zip(yaws, found):
        logits = torch.stack(
            [
                model(
                    processor.pixels(frames, Views(rows))[None],
                    processor.log_mels(rotate(sound, yaw), Views(rows))[None],
                ).logits[0]
                for rows in rings(processor).rows
            ]
        ).mean(0)
        assert score.item() == pytest.approx((logits[0] - logits[1]).item(), abs=1e-5)
    assert found.std() > 5e-5


def test_pictures_are_seen_once_and_like_sounds_heard_once(orient, tmp_path, monkeypatch):
    seen, heard = [], []
    see, hear = orient.judge.see, orient.judge.hear
    monkeypatch.setattr(orient.judge, "see", lambda pixels: seen.append(pixels.shape[:2]) or see(pixels), raising=False)
    monkeypatch.setattr(orient.judge, "hear", lambda sounds: heard.append(len(sounds)) or hear(sounds), raising=False)
    orient(film(tmp_path / "a.mp4", seconds=1.0))
    assert seen == [(2, 4)] * 2
    # 24 headings on each of two rings, in place of 24 turns of 8 views.
    assert sum(heard) == 2 * 48


@pytest.mark.parametrize(
    ("seconds", "every", "starts"),
    [(2.0, None, [0, 0.5, 1, 1.5]), (2.0, 0.25, [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]), (1.75, 1.0, [0, 1, 1.25])],
)
def test_windows_hold_the_frames_and_samples_of_their_time(tmp_path, seconds, every, starts):
    path, rules = tmp_path / "a.mp4", small_processor()
    ramp = torch.arange(round(8 * seconds), dtype=torch.uint8) * 10 + 20
    sound = 0.3 * torch.randn(4, round(RATE * seconds), generator=torch.Generator().manual_seed(0)).cumsum(1) / 100
    write_media(path, ramp[:, None, None, None].expand(-1, 32, 64, 3), 8, sound, RATE, crf=1)
    found = find_film(path)
    with MediaReader(path) as reader, SoundReader(path) as read:
        whole = torch.cat(list(read), 1)
        with SoundReader(path) as heard, PictureReader(path) as picture:
            windows = list(SphereWindows(found, picture, heard, rules, every or CLIP))
        assert [window.start for window in windows] == starts
        for window in windows:
            wanted = reader.read_video(window.start, CLIP, rules.fps).frames.permute(0, 3, 1, 2)
            assert torch.equal(window.frames, wanted)
            first = round(window.start * RATE)
            assert torch.equal(window.ambisonics, whole[:, first : first + round(CLIP * RATE)])


def test_windows_without_direction_are_told_and_left_out(orient, tmp_path):
    sound = sound_from(90 * DEGREE)
    sound[:, : RATE // 2] = 0
    sound[1:, RATE : RATE * 3 // 2] = 0
    path = tmp_path / "a.mkv"
    write_lossless(path, sound, 0.0)
    result = orient(path)
    assert result.reason == ("sound is silence", "", "sound without left, right, front and back", "")
    assert result.window_scores.isnan().all(1).tolist() == [True, False, True, False]
    assert result.best_yaw == pytest.approx(-90 * DEGREE)
    assert (len(result.compared), result.agreeing) == (2, 2)
    write_lossless(tmp_path / "b.mkv", 0 * sound, 0.0)
    with pytest.raises(DecodeError, match=r"b\.mkv.*got sound is silence; expected a window"):
        orient(tmp_path / "b.mkv")


def write_lossless(path, sound, seen):
    picture = bright_towards(seen).numpy()
    track = Sound(sound.numpy(), RATE, "pcm_f32le", "4.0")
    times = [number / 8 for number in range(16)]
    make(path, times, (track,), fps=8, size=(64, 32), pictures=lambda number: picture)


def test_short_and_cut_films(orient, tmp_path):
    short = orient(film(tmp_path / "short.mp4", sound=sound_from(-30 * DEGREE, seconds=0.375), seconds=0.375))
    assert (len(short), short.best_yaw) == (1, pytest.approx(30 * DEGREE))
    assert not short.sure
    with pytest.raises(DecodeError, match=r"got the film has 0\.1\d s, and a window 0\.5 s; expected"):
        orient(film(tmp_path / "flash.mp4", sound=sound_from(0.0, seconds=0.125), seconds=0.125))
    # The index comes first, so that a file that is cut still says how long it was.
    whole = film(tmp_path / "whole.mp4", seconds=4.0, sound=sound_from(0.0, seconds=4.0)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 3 // 5])
    cut = orient(tmp_path / "cut.mp4")
    assert len(cut) == 8
    assert cut.reason[0] == ""
    assert cut.reason[-1] != ""
    assert cut.best_yaw == 0


def test_sound_beside_the_film_is_heard(orient, tmp_path):
    (tmp_path / "video").mkdir()
    (tmp_path / "audio").mkdir()
    path = tmp_path / "video" / "clip.mp4"
    write_media(path, bright_towards(0.0).expand(16, -1, -1, -1), 8, crf=1)
    made = film(tmp_path / "made.mp4", sound=sound_from(-60 * DEGREE))
    with pytest.raises(MissingStreamError, match=r"sound of .*got none; expected four channels in it, or beside"):
        orient(path)
    made.rename(tmp_path / "audio" / "clip.m4a")
    result = orient(path)
    assert result.best_yaw == pytest.approx(60 * DEGREE)
    assert "clip.m4a" in result.notes[-1]


def test_channels_may_be_named_and_of_a_higher_order(orient, tmp_path):
    sound = sound_from(-45 * DEGREE)
    mixed = film(tmp_path / "a.mp4", sound=sound[[0, 3, 1, 2]], metadata=False)
    assert orient(mixed, channels=[0, 2, 3, 1]).best_yaw == pytest.approx(45 * DEGREE)
    told = tmp_path / "told.mp4"
    write_spatial_metadata(mixed, told, SphericalVideo(), SpatialAudio(channel_map=(0, 2, 3, 1)))
    assert orient(told).best_yaw == pytest.approx(45 * DEGREE)
    for channels in ([0, 1, 2], [0, 1, 2, 2], [0, 1, 2, -1]):
        with pytest.raises(InvalidValueError, match="expected 4, 9 or 16 different numbers"):
            orient(mixed, channels=channels)


def test_the_left_eye_counts(orient, tmp_path):
    eyes = torch.cat([bright_towards(60 * DEGREE), bright_towards(-60 * DEGREE)])
    path = write_media(tmp_path / "a.mp4", eyes.expand(16, -1, -1, -1), 8, sound_from(0.0), RATE, crf=1)
    result = orient(path, layout=VideoLayout("equirectangular", "top-bottom"))
    assert result.best_yaw == pytest.approx(60 * DEGREE)


def test_films_that_do_not_fit_are_refused(orient, tmp_path):
    with pytest.raises(UnfitVideoError, match=r"stereo\.mp4: got aac with 2; expected four channels"):
        orient(film(tmp_path / "stereo.mp4", sound=sound_from(0.0)[:2], metadata=False))
    square = bright_towards(0.0)[:, :32].expand(16, -1, -1, -1)
    flat = write_media(tmp_path / "flat.mp4", square, 8, sound_from(0.0), RATE)
    with pytest.raises(InvalidValueError, match=r"360° picture of .*flat\.mp4"):
        orient(flat)
    (tmp_path / "broken.mp4").write_bytes(b"not a film")
    with pytest.raises(MediaOpenError, match=r"broken\.mp4"):
        orient(tmp_path / "broken.mp4")
    with pytest.raises(MissingStreamError, match="no video stream"):
        orient(write_sound(tmp_path / "deaf.wav", sound_from(0.0), RATE))


def test_networks_that_cannot_compare_are_refused():
    for kind in (AvsaModel, AvsaForAudioVisualCorrespondence):
        with pytest.raises(InvalidValueError, match=rf"got {kind.__name__}; expected AvsaForPreTraining or"):
            OrientationPipeline(small_network(kind), small_processor())
    with pytest.raises(InvalidValueError, match="got AvidProcessor; expected AvsaProcessor"):
        OrientationPipeline(small_network(), AvidProcessor())
    with pytest.raises(InvalidValueError, match="processor: got None"):
        OrientationPipeline(small_network())
    with pytest.raises(InvalidValueError, match=r"got shape \(2, 1, 4\); expected \(sets, views, 4\) with 2 views"):
        OrientationPipeline(small_network(), small_processor(num_views=1))
    alone = OrientationPipeline(small_network(AvsaForSpatialAlignment), small_processor(num_views=1))
    assert alone.views.rows.shape == (2, 1, 4)


def test_results_by_hand():
    yaws = [-180, -90, 0, 90]
    result = orientation([[0.0, 4.0, 2.0, 1.0], [NAN] * 4, [0.0, 1.0, 2.0, 3.0], [0.0, 4.0, 2.0, 2.0]], yaws)
    assert result.scores.tolist() == [0.0, 3.0, 2.0, 2.0]
    assert result.spread.tolist() == pytest.approx([0.0, math.sqrt(2), 0.0, math.sqrt(2 / 3)])
    assert (result.score, result.best_yaw, result.aligned) == (2.0, -math.pi / 2, False)
    assert result.margin == 1.0
    # Two of three agree; three quarters of one would by chance, give or take the root of 3/4 times 3/4.
    assert (result.agreeing, result.agreeing_by_chance, result.sure) == (2, 0.75, False)
    result = orientation([[0.0, 1.0, 1.0, 1.0]] * 4, yaws)
    assert (result.best_yaw, result.aligned, result.margin) == (0.0, True, 0.0)
    # The nearest to 0 of equal ones, by the windows too.
    assert (result.agreeing, result.sure) == (4, True)


def test_the_figure_has_the_left_on_the_left(tmp_path):
    result = orientation([[0.0, 1.0, 2.0, 5.0]] * 3, [-180, -90, 0, 90])
    draw_orientation(result, tmp_path / "a.png", "a model on a film")
    image = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    red = (image[..., 0] > 0.8) & (image[..., 1] < 0.2)
    rows, columns = red[: int(0.85 * len(red))].nonzero()
    assert columns.mean() < 0.45 * image.shape[1]
    assert 0.3 < rows.mean() / image.shape[0] < 0.7
    alone = orientation([[1.0, 1.0]], [-180, 0])
    draw_orientation(alone, tmp_path / "b.png", "a flat one")
    assert (tmp_path / "b.png").stat().st_size > 1000


def test_an_interrupt_is_heard(orient, tmp_path):
    def press(done, total):
        assert (done, total) == (0, 4)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        orient(film(tmp_path / "a.mp4"), progress=press)
