"""Films of 360 degrees through a model that compares views."""

import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import load_file
from torch.nn import functional as F

import avssl_hub
from avssl_hub import Look360
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.evaluation.cross_modal import cross_modal_retrieval
from avssl_hub.media import write_media, write_sound
from avssl_hub.models.avsa import AvsaForVideoClassification, AvsaProcessor
from avssl_hub.pipelines import _film_360
from avssl_hub.pipelines._sphere_source import UnfitVideoError
from avssl_hub.pipelines.embed import EmbeddingPipeline
from avssl_hub.pipelines.embed_files import embed_files
from avssl_hub.pipelines.match import match

from .films_360 import RATE, copied, films, frames_and_sound
from .readable import ReadableModel, ReadableProcessor


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return films(tmp_path_factory.mktemp("films"))[0]


@pytest.fixture(scope="module")
def pipe(avsa_folder):
    return EmbeddingPipeline(avsa_folder, normalize=False)


@pytest.fixture(scope="module")
def embedded(pipe, film):
    return pipe(film)


def test_windows_hold_what_the_processor_and_the_towers_say(pipe, embedded, film):
    processor, model = avssl_hub.load_processor(pipe._name), avssl_hub.load(pipe._name)
    with torch.inference_mode():
        inputs = processor(film, film, starts=[0.5])
        seen, heard = model.see(inputs["pixel_values_videos"])[1][0], model.hear(inputs["input_features"])[1][0]
    assert embedded.start.tolist() == pytest.approx([0, 0.5, 1.0])
    assert embedded.has_audio.tolist() == [True] * 3
    assert embedded.reason == ("",) * 3
    views = embedded.views
    assert (views.video_embeds.shape, views.audio_embeds.shape) == ((3, 3, 16), (3, 3, 16))
    torch.testing.assert_close(views.video_embeds[1], seen, rtol=0, atol=1e-4)
    torch.testing.assert_close(views.audio_embeds[1], heard, rtol=0, atol=1e-4)
    torch.testing.assert_close(embedded.video_embeds[1], seen.max(0).values, rtol=0, atol=1e-4)
    torch.testing.assert_close(embedded.audio_embeds[1], heard.max(0).values, rtol=0, atol=1e-4)
    assert views.azimuth.tolist() == pytest.approx([0, 2 * math.pi / 3, 4 * math.pi / 3])
    assert views.elevation.tolist() == pytest.approx([0, 0, 0])


def test_embeddings_have_length_one_by_default(avsa_folder, embedded, film):
    clips = EmbeddingPipeline(avsa_folder, batch_size=2)(film, clips=3)
    for name in ("video_embeds", "audio_embeds"):
        torch.testing.assert_close(getattr(clips.views, name), F.normalize(getattr(embedded.views, name), dim=2))
        torch.testing.assert_close(getattr(clips, name), F.normalize(getattr(embedded, name), dim=1))


def test_one_looks_where_one_is_told(avsa_folder, embedded, film):
    third = 2 * math.pi / 3
    looks = Look360(directions=[(third, 0.0), (0.5, -0.25)])
    told = EmbeddingPipeline(avsa_folder, normalize=False, look=looks)(film).views
    assert torch.stack([told.azimuth, told.elevation], 1).flatten().tolist() == pytest.approx([third, 0, 0.5, -0.25])
    torch.testing.assert_close(told.video_embeds[:, 0], embedded.views.video_embeds[:, 1], rtol=0, atol=1e-4)
    torch.testing.assert_close(told.audio_embeds[:, 0], embedded.views.audio_embeds[:, 1], rtol=0, atol=1e-4)
    single = EmbeddingPipeline(avsa_folder, normalize=False, look=Look360(num_views=1, width=math.pi / 2))
    # The tangent of half the angle, as a share of pi.
    assert single.processor.view_width == pytest.approx(1 / math.pi)
    narrow = single(film).views
    assert narrow.video_embeds.shape == (3, 1, 16)
    # Sound turns with a view, but does not know its width.
    torch.testing.assert_close(narrow.audio_embeds[:, 0], embedded.views.audio_embeds[:, 0], rtol=0, atol=1e-4)
    assert not torch.allclose(narrow.video_embeds[:, 0], embedded.views.video_embeds[:, 0], atol=1e-3)


def test_sound_beside_the_film_counts(pipe, embedded, film, tmp_path):
    picture = copied(film, "video", tmp_path / "video" / "id-7.mp4")
    sound = copied(film, "audio", tmp_path / "audio" / "id-7.m4a")
    assert pipe.files_of(picture) == [picture, sound]
    both = pipe(picture)
    # Content alone has nothing beside it.
    assert all(reason.startswith("no sound track") for reason in pipe(picture.read_bytes()).reason)
    assert pipe(film.read_bytes()).views.audio_embeds.equal(embedded.views.audio_embeds)
    torch.testing.assert_close(both.views.video_embeds, embedded.views.video_embeds)
    torch.testing.assert_close(both.views.audio_embeds, embedded.views.audio_embeds, rtol=0, atol=1e-4)


def test_ambisonic_sound_alone_is_heard(pipe, tmp_path):
    sound = frames_and_sound()[1]
    clips = pipe(write_sound(tmp_path / "scene.wav", sound, RATE))
    assert clips.video_embeds.isnan().all()
    assert clips.views.video_embeds.isnan().all()
    with torch.inference_mode():
        heard = pipe.model.hear(pipe.processor(audio=sound[:, : RATE // 2], sampling_rate=RATE)["input_features"])[1]
    torch.testing.assert_close(clips.views.audio_embeds[0], heard[0], rtol=0.05, atol=0.05)  # of 16 bits
    # Higher orders begin with the first.
    second = write_sound(tmp_path / "second.wav", torch.cat([sound, torch.ones(5, sound.shape[1])]), RATE)
    torch.testing.assert_close(pipe(second).audio_embeds, clips.audio_embeds)
    # Of channels in another order.
    other = write_sound(tmp_path / "other.wav", sound[[0, 3, 1, 2]], RATE)
    told = EmbeddingPipeline(pipe.model, pipe.processor, normalize=False, look=Look360(channels=[0, 2, 3, 1]))
    torch.testing.assert_close(told(other).audio_embeds, clips.audio_embeds)


@pytest.mark.parametrize(("channels", "reason"), [(0, "no sound track"), (1, "1 channel is"), (2, "2 channels is")])
def test_other_sound_is_left_out_and_told(pipe, tmp_path, channels, reason):
    frames, sound = frames_and_sound()
    path = write_media(tmp_path / "film.mp4", frames, 8, sound[:channels] if channels else None, RATE)
    clips = pipe(path)
    assert clips.has_audio.tolist() == [False] * 3
    assert clips.video_embeds.isfinite().all()
    assert clips.audio_embeds.isnan().all()
    expected = reason if channels == 0 else f"sound of {reason} no ambisonics"
    assert all(text.startswith(f"{expected}; no spherical metadata: taken for equirect") for text in clips.reason)
    if channels == 2:
        told = EmbeddingPipeline(pipe.model, pipe.processor, look=Look360(channels=[0, 1, 2, 3]))
        with pytest.raises(UnfitVideoError, match=r"channels of .*film\.mp4: got aac with 2"):
            told(path)


def test_layouts_are_unfolded(pipe, tmp_path):
    frames, sound = frames_and_sound()
    flat = pipe(write_media(tmp_path / "mono.mp4", frames, 8, sound, RATE, crf=0))
    eyes = torch.cat([frames, frames.flip(2)], 1)
    path = write_media(tmp_path / "eyes.mp4", eyes, 8, sound, RATE, crf=0)
    with pytest.raises(UnfitVideoError, match=r"eyes\.mp4.*96 × 96 pixels and no metadata.*--projection equirect"):
        pipe(path)
    look = Look360(projection="equirectangular", stereo="top-bottom")
    upper = EmbeddingPipeline(pipe.model, pipe.processor, normalize=False, look=look)(path)
    assert upper.reason == ("taken for equirectangular, as told",) * 3
    other = pipe(write_media(tmp_path / "mirrored.mp4", frames.flip(2), 8, crf=0))
    near, far = ((upper.video_embeds - clips.video_embeds).abs().mean() for clips in (flat, other))
    assert near < 0.1 * far


def test_fine_pictures_are_scaled_as_they_are_decoded(pipe, film, tmp_path, monkeypatch):
    frames, sound = frames_and_sound()
    sharp = frames.repeat_interleave(8, 1).repeat_interleave(8, 2)
    path = write_media(tmp_path / "large.mp4", sharp, 8, sound, RATE)
    sizes = []
    unfolded = _film_360.Film360._unfolded

    def noted(self, clip):
        sizes.append(clip.frames.shape[1:3])
        return unfolded(self, clip)

    monkeypatch.setattr(_film_360.Film360, "_unfolded", noted)
    small, large = pipe(film), pipe(path)
    # Views of 32 pixels over 76 degrees: twice as dense is 152 rows for the 180 of a sphere.
    rows = round(2 * 32 * math.pi / (2 * math.atan(math.pi / 4)))
    assert set(sizes) == {(48, 96), (rows, 2 * rows)}
    near = (small.video_embeds - large.video_embeds).abs().mean()
    assert near < 0.2 * small.video_embeds.abs().mean()


def test_what_does_not_go_together_is_refused(avsa_folder, film, tmp_path):
    with pytest.raises(InvalidValueError, match=r"look at films of 360°: got one for ReadableProcessor; .*AvsaModel"):
        EmbeddingPipeline(ReadableModel(), ReadableProcessor(), look=Look360())
    config = avssl_hub.AvsaConfig.from_pretrained(avsa_folder)
    with pytest.raises(InvalidValueError, match="got AvsaForVideoClassification; expected AvsaModel"):
        EmbeddingPipeline(AvsaForVideoClassification(config), AvsaProcessor.from_pretrained(avsa_folder))
    with pytest.raises(InvalidValueError, match="spaces of their own"):
        match(EmbeddingPipeline(avsa_folder), [film])
    ordinary = write_media(tmp_path / "ordinary.mp4", torch.zeros(8, 48, 64, 3, dtype=torch.uint8), 8)
    with pytest.raises(UnfitVideoError, match=r"ordinary\.mp4.*got 64 × 48 pixels.*pass --projection equirectangular"):
        EmbeddingPipeline(avsa_folder)(ordinary)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"num_views": 0}, r"Look360\.num_views: got 0; expected a positive number"),
        ({"num_views": 2, "directions": [(0.0, 0.0)]}, "none beside directions"),
        ({"directions": []}, "at least one"),
        ({"directions": [(0.0, 2.0)]}, r"elevation from -pi/2 to pi/2"),
        ({"width": 3.0}, r"up to 2\.525 radians \(145 degrees\)"),
        ({"channels": [0, 1, 2, 2]}, "four different numbers"),
    ],
)
def test_impossible_looks_are_refused(changes, text):
    with pytest.raises(InvalidValueError, match=text):
        Look360(**changes)


def test_unknown_layouts_are_refused():
    with pytest.raises(UnknownNameError, match="stereo"):
        Look360(stereo="both")


def test_tables_have_the_views_beside_what_all_have(pipe, embedded, film, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a film")
    silent = write_media(tmp_path / "silent.mp4", frames_and_sound()[0], 8)
    for suffix in ("parquet", "npz", "safetensors"):
        embed_files(pipe, [film, bad, silent], tmp_path / f"out.{suffix}", keep_going=True)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == [
        *("file", "sha256", "start", "end", "has_audio", "status", "reason", "video_embeds", "audio_embeds"),
        *("view_azimuth_degrees", "view_elevation_degrees", "view_video_embeds", "view_audio_embeds"),
    ]
    rows = table.to_pylist()
    assert [row["status"] for row in rows] == ["ok"] * 3 + ["error"] + ["ok"] * 3
    assert rows[0]["view_azimuth_degrees"] == pytest.approx([0, 120, 240])
    assert rows[0]["view_elevation_degrees"] == pytest.approx([0, 0, 0])
    assert np.array(rows[2]["view_audio_embeds"], np.float32).tolist() == embedded.views.audio_embeds[2].tolist()
    assert rows[2]["video_embeds"] == np.array(rows[2]["view_video_embeds"]).max(0).tolist()
    assert rows[4]["view_audio_embeds"] is None
    assert rows[3]["view_video_embeds"] is None
    for arrays in (dict(np.load(tmp_path / "out.npz")), load_file(tmp_path / "out.safetensors")):
        assert arrays["view_azimuth_degrees"].shape == (7, 3)
        assert arrays["view_video_embeds"].shape == arrays["view_audio_embeds"].shape == (7, 3, 16)
        np.testing.assert_array_equal(arrays["view_video_embeds"][:3], embedded.views.video_embeds)
        assert np.isnan(arrays["view_video_embeds"]).all((1, 2)).tolist() == [False] * 3 + [True] + [False] * 3
        assert np.isnan(arrays["view_audio_embeds"]).all((1, 2)).tolist() == [False] * 3 + [True] * 4
    with pytest.raises(InvalidValueError, match="spaces of their own"):
        cross_modal_retrieval(tmp_path / "out.parquet")


def test_a_run_goes_on_only_with_the_same_looks_and_sounds(avsa_folder, film, tmp_path):
    picture = copied(film, "video", tmp_path / "a.mp4")
    sound = copied(film, "audio", tmp_path / "a.m4a")
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a film")

    def run(**options):
        return embed_files(EmbeddingPipeline(avsa_folder, **options), [picture, bad], tmp_path / "out.parquet")

    with pytest.raises(avssl_hub.errors.AvsslError, match="kept in"):
        run()
    with pytest.raises(avssl_hub.errors.AvsslError, match="processor_sha256"):
        run(look=Look360(num_views=2))
    with pytest.raises(avssl_hub.errors.AvsslError, match="views="):
        run(look=Look360(directions=[(0.0, 0.0)]))
    bad.unlink()
    films_of_one = [picture]
    partial = tmp_path / "out.parquet.partial"
    assert len(list(partial.glob("*.parquet"))) == 1
    # The film's own content is the same, but not its sound.
    write_media(tmp_path / "other.mp4", frames_and_sound()[0], 8, frames_and_sound()[1].flip(1), RATE)
    sound.unlink()
    copied(tmp_path / "other.mp4", "audio", sound)
    report = embed_files(EmbeddingPipeline(avsa_folder), films_of_one, tmp_path / "out.parquet")
    assert report.reused == 0
    assert len(pq.read_table(report.out)["sha256"][0].as_py().split()) == 2
