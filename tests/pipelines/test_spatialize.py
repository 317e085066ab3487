"""Films through the network: chunks, batches, frames, and what becomes of odd files."""

import pytest
import torch

from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import MissingStreamError, SphericalVideo, read_sound, write_media, write_sound
from avssl_hub.media.spherical_write import write_spatial_metadata
from avssl_hub.models.spatial_audio_gen.cropped_unet_spatial_audio_gen import CroppedUNet
from avssl_hub.pipelines._placing import FadedSteps
from avssl_hub.pipelines.spatialize import SpatializationPipeline
from tests.media.corpus import Sound, make

from .separating import seeing
from .spatializing import CHUNK, RATE, film, network, noise, pictures, pipeline, processor


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film") / "a.mp4")


def _held(model, source, **options):
    """What the network says of all chunks, through its own processor, held and laid side by side."""
    inputs = processor(model)(videos=source)
    with torch.inference_mode():
        return model(**inputs, **options).ambisonics.transpose(0, 1).flatten(1)


def test_the_released_rule_is_the_network_s_answer_chunk_by_chunk(source):
    model = network()
    result = pipeline(model, windows="released", use_running_stats=True, batch_size=3)(source)
    expected = _held(model, source, use_running_stats=True)
    length = result.ambisonics.shape[1]
    sound = read_sound(source, RATE)[0][0]
    assert torch.equal(result.ambisonics[0], sound)
    assert torch.allclose(result.ambisonics[1:], expected[:, :length], atol=1e-5)
    assert (result.sampling_rate, result.start) == (RATE, 0.0)
    assert result.notes == (
        "no spherical metadata: taken for equirectangular, since the picture is twice as wide as high",
    )


def test_by_default_only_the_surroundings_of_steps_differ(source, monkeypatch):
    model = network()
    # As if tracks were known for 10 samples behind a chunk only: a step is 40 long.
    monkeypatch.setattr(FadedSteps, "_reach", lambda rule, reach=FadedSteps._reach: (reach(rule)[0], 10))
    pipe = pipeline(model, use_running_stats=True)
    assert pipe.rule.margin == 10
    found = pipe(source).ambisonics
    expected = _held(model, source, use_running_stats=True)[:, : found.shape[1]]
    step, margin = CHUNK // model.config.num_steps, pipe.rule.margin
    places = torch.arange(found.shape[1]) % step
    away = (places >= margin) & (places < step - margin)
    assert torch.allclose(found[1:, away], expected[:, away], atol=1e-5)
    assert not torch.allclose(found[1:], expected, atol=1e-3)


@pytest.mark.parametrize("windows", ["cross_fade", "released"])
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("running", [False, True])
def test_a_network_by_name_takes_its_form_for_inference_and_says_the_same(source, tmp_path, windows, stored, running):
    model = network(use_running_stats=stored)
    model.save_pretrained(tmp_path)
    processor(model).save_pretrained(tmp_path)
    options = {"windows": windows, "use_running_stats": running}
    expected = pipeline(model, **options)(source).ambisonics
    by_name = SpatializationPipeline(tmp_path, **options)
    assert isinstance(by_name.model.separation, CroppedUNet)
    torch.testing.assert_close(by_name(source).ambisonics, expected, rtol=0, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("windows", ["cross_fade", "released"])
def test_a_short_last_batch_is_filled_by_the_rule(source, windows):
    model = network()
    # 17 chunks and a bit in batches of 10.
    result = pipeline(model, windows=windows)(source).ambisonics
    inputs = dict(processor(model)(videos=source))
    count = len(inputs["input_values"])
    assert 10 < count < 20
    if windows == "released":
        last = {name: torch.cat([v[10:], torch.zeros(20 - count, *v.shape[1:])]) for name, v in inputs.items()}
        with torch.inference_mode():
            expected = model(**last).ambisonics[: count - 10].transpose(0, 1).flatten(1)
        assert torch.allclose(result[1:, 10 * CHUNK :], expected[:, : result.shape[1] - 10 * CHUNK], atol=1e-5)
    else:
        # The last ten chunks, as a batch of their own.
        last = {name: value[-10:] for name, value in inputs.items()}
        with torch.inference_mode():
            expected = model(**last).ambisonics[10 - (count - 10) :].transpose(0, 1).flatten(1)
        middle = slice(10 * CHUNK + CHUNK // 3 // 2 - 1, None, CHUNK // 3)
        near = expected[:, CHUNK // 3 // 2 - 1 :: CHUNK // 3]
        found = result[1:, middle]
        assert torch.allclose(found, near[:, : found.shape[1]], atol=0.05 * near.abs().max().item())


def test_batches_change_each_other_unless_statistics_are_running(source):
    model = network()
    results = [pipeline(model, batch_size=size)(source).ambisonics for size in (4, 10)]
    assert (results[0] - results[1]).abs().max() > 1e-3
    free = [pipeline(model, batch_size=size, use_running_stats=True)(source).ambisonics for size in (4, 10)]
    assert torch.allclose(*free, atol=1e-5)


def test_the_picture_is_seen_at_each_chunk_s_start(tmp_path):
    model = network()
    seen = []
    forward = model.forward
    model.forward = lambda **inputs: (seen.append(inputs["pixel_values_videos"].clone()), forward(**inputs))[1]
    # Twenty frames a second, of which every other one is wanted.
    frames = torch.arange(32, dtype=torch.uint8)[:, None, None, None].expand(32, 32, 64, 3) * 7
    write_media(tmp_path / "a.mp4", frames, 20, noise(1, 1.6), 8000, crf=0)
    pipeline(model, windows="released", use_running_stats=True)(tmp_path / "a.mp4")
    values = torch.cat(seen)[:, 0].mean((1, 2, 3))
    expected = (torch.arange(16) * 14) / 255 - 0.5
    assert torch.allclose(values[:16], expected, atol=0.01)


def test_flow_is_estimated_from_the_frame_before(tmp_path):
    model = network(encoders=("audio", "flow"))
    pairs = []

    def flow(frames):
        pairs.append(frames.float().mean((1, 2, 3)))
        return torch.ones(len(frames), 2, *frames.shape[-2:])

    frames = torch.arange(16, dtype=torch.uint8)[:, None, None, None].expand(16, 32, 64, 3) * 14
    result = pipeline(model, flow=flow)(film(tmp_path / "a.mp4", frames=frames))
    assert result.ambisonics[1:].abs().max() > 0
    pairs = torch.stack(pairs)
    assert torch.allclose(pairs[1:16, 0], pairs[:15, 1])
    assert pairs[0, 0] == pairs[0, 1]
    assert (pairs[1:16, 1] > pairs[1:16, 0]).all()


def test_channels_that_are_heard(tmp_path):
    model = network(encoders=("audio",))
    pipe = pipeline(model)
    four = write_sound(tmp_path / "four.wav", noise(4, 1.0), 8000)
    mono = write_sound(tmp_path / "mono.wav", noise(4, 1.0)[:1], 8000)
    result = pipe(four)
    assert torch.equal(result.ambisonics, pipe(mono).ambisonics)
    assert result.notes == ("sound of 4 channels taken for ambisonics, of which W, the first, was heard",)
    two = write_sound(tmp_path / "two.wav", noise(2, 1.0), 8000)
    mean = write_sound(tmp_path / "mean.wav", noise(2, 1.0).mean(0, keepdim=True), 8000)
    result = pipe(two)
    assert torch.allclose(result.ambisonics, pipe(mean).ambisonics, atol=1e-6)
    assert result.notes == ("sound of 2 channels mixed down to one",)
    assert pipe(mono).notes == ()


def test_silence_stays_silent_and_is_told(tmp_path):
    pipe = pipeline(network(encoders=("audio",)))
    sound = torch.cat([noise(1, 1.0), torch.zeros(1, 16000)], 1)
    result = pipe(write_sound(tmp_path / "a.wav", sound, 8000))
    # The network hears 0.17 s to either side.
    assert result.ambisonics[:, : RATE // 2].abs().max() > 0
    assert not result.ambisonics[:, round(1.5 * RATE) :].any()
    (note,) = result.notes
    assert note.startswith("digital silence: 1.")
    assert note.endswith("to 3.00 s")
    released = pipeline(network(encoders=("audio",)), windows="released")(tmp_path / "a.wav")
    assert released.ambisonics[1:, round(1.5 * RATE) :].any()


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.33])
def test_short_files_are_spatialised_whole(tmp_path, seconds):
    pipe = pipeline(network(encoders=("audio",)))
    result = pipe(write_sound(tmp_path / "a.wav", noise(1, seconds, RATE), RATE))
    assert result.ambisonics.shape == (4, round(seconds * RATE))
    assert result.ambisonics[1:].abs().max() > 0


def test_pictures_that_end_early_are_held_and_cut_files_told(tmp_path):
    short = film(tmp_path / "a.mp4", noise(1, 3.0))
    result = pipeline()(short)
    assert any("the picture ends at 1.60 s" in note for note in result.notes)
    path = write_sound(tmp_path / "a.wav", noise(1, 4.0), 8000)
    (tmp_path / "cut.wav").write_bytes(path.read_bytes()[:64000])
    result = pipeline(network(encoders=("audio",)))(tmp_path / "cut.wav")
    assert result.ambisonics.shape[1] == pytest.approx(2 * RATE, abs=20)


def test_sound_that_begins_late_has_its_time(tmp_path):
    late = make(tmp_path / "late.mkv", None, (Sound(noise(1, 1.0).numpy(), 8000, "pcm_s16le", start=1.0),))
    result = pipeline(network(encoders=("audio",)))(late)
    assert result.start == pytest.approx(1.0, abs=0.03)


def test_stereo_pictures_are_cut(tmp_path):
    model = network()
    frames = pictures(16)
    both = torch.cat([frames, 255 - frames], 1)
    film(tmp_path / "plain.mp4", frames=both)
    top = write_spatial_metadata(tmp_path / "plain.mp4", tmp_path / "a.mp4", SphericalVideo(stereo="top-bottom"))
    pipe = pipeline(model, use_running_stats=True)
    found, alone = pipe(top).ambisonics, pipe(film(tmp_path / "b.mp4", frames=frames)).ambisonics
    assert torch.allclose(found, alone, atol=0.02 * alone.abs().max().item())


def test_what_cannot_be_done_is_told(tmp_path, source):
    pipe = pipeline()
    write_media(tmp_path / "mute.mp4", pictures(4), 10)
    with pytest.raises(MissingStreamError, match="audio"):
        pipe(tmp_path / "mute.mp4")
    with pytest.raises(MissingStreamError, match="no picture"):
        pipe(write_sound(tmp_path / "a.wav", noise(1, 1.0), 8000))
    flat = film(tmp_path / "flat.mp4", frames=pictures(16, 36, 64))
    with pytest.raises(InvalidValueError, match="--projection equirectangular"):
        pipe(flat)
    assert any("squeezed" in note for note in pipe(flat, projection="equirectangular").notes)
    with pytest.raises(UnknownNameError, match="cross_fade"):
        pipeline(windows="none")
    with pytest.raises(InvalidValueError, match="batch_size"):
        pipeline(batch_size=0)
    with pytest.raises(InvalidValueError, match="SpatialAudioGenModel"):
        SpatializationPipeline(seeing(), processor(network()))


def test_memory_does_not_grow_with_the_film(tmp_path):
    pipe = pipeline(network(encoders=("audio",)))
    path = write_sound(tmp_path / "a.wav", noise(1, 30.0, RATE), RATE)
    with pipe.open(path) as stream:
        longest = max(block.shape[1] for block in stream)
        assert longest <= 2 * CHUNK
        assert stream.done == stream.count == 300
