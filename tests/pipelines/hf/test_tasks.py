"""The tasks in transformers' ``pipeline()``: they answer as our own pipelines do, batched or not, one film or many."""

from dataclasses import fields
from pathlib import Path

import datasets
import pytest
import torch
import transformers
from transformers.pipelines.pt_utils import KeyDataset

import avssl_hub
from avssl_hub import zoo
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.media import MediaOpenError, MissingStreamError
from avssl_hub.pipelines.hf import TASKS
from avssl_hub.pipelines.hf._checkpoint import Checkpoint
from tests.media.corpus import make

from .. import films_360 as films_in_360
from .. import separating, spatializing
from ..alignment import FlashReader, flashing_film, small_processor

LOCALIZE, SEPARATE, AMBISONICS = "sound-localization", "audio-visual-separation", "mono-to-ambisonics"
EMBED, SYNCHRONIZE = "audio-visual-feature-extraction", "audio-visual-synchronization"


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Three films; of the first two, the second is shorter than a window of most networks."""
    folder = tmp_path_factory.mktemp("films")
    return [flashing_film(folder / f"{seconds}.mkv", seconds=seconds) for seconds in (3.0, 0.8, 2.6)]


@pytest.fixture(scope="module")
def films_360(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return [
        spatializing.film(folder / "long.mp4"),
        spatializing.film(folder / "short.mp4", spatializing.noise(1, 0.5), spatializing.pictures(5)),
    ]


@pytest.fixture
def localize():
    return transformers.pipeline(LOCALIZE, FlashReader(), processor=small_processor(), device="cpu")


def parts(task, request):
    """A small random model, its processor, and films for it."""
    if task == AMBISONICS:
        model = spatializing.network()
        return model, spatializing.processor(model), request.getfixturevalue("films_360")
    if task == SEPARATE:
        model, processor = separating.seeing(), separating.processor()
    else:
        folder = request.getfixturevalue("avid_folder" if task == EMBED else "alignment_folder")
        model, processor = avssl_hub.load(folder), avssl_hub.load_processor(folder)
    return model, processor, request.getfixturevalue("films")


def assert_same(got, expected):
    assert type(got) is type(expected)
    for field in fields(expected):
        one, other = getattr(got, field.name), getattr(expected, field.name)
        if isinstance(other, torch.Tensor):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)
        else:
            assert one == other


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_those_of_our_own_pipeline(task, request):
    model, processor, films = parts(task, request)
    own = TASKS[task][0].own(model, processor)
    pipe = transformers.pipeline(task, model, processor=processor, device="cpu")
    assert pipe.device == pipe.film_pipeline.device == torch.device("cpu")
    assert_same(pipe(films[0]), own(films[0]))
    # Four windows a pass: of several films, but where a film's are normalised together.
    batch = None if task == AMBISONICS else 4
    for got, film in zip(pipe(films, batch_size=batch), films, strict=True):
        assert_same(got, own(film))


def test_views_of_360_degrees_are_embedded_too(avsa_folder, tmp_path):
    look = avssl_hub.Look360(num_views=2)
    (film,) = films_in_360.films(tmp_path)
    got = transformers.pipeline(EMBED, str(avsa_folder), look=look, device="cpu", batch_size=2)(film).views
    assert_same(got, TASKS[EMBED][0].own(avsa_folder, look=look)(film).views)
    # Three windows, and features before any head.
    assert got.video_embeds.shape == (3, 2, 16)


def test_windows_of_several_films_share_a_pass(localize, films):
    model = localize.model
    assert len(localize(films, batch_size=8)) == 3
    # Windows of two seconds: two of the first film, one of the second, two of the third.
    assert model.looked == 1
    assert len(localize(films)) == 3
    assert model.looked == 6


@pytest.mark.parametrize("task", TASKS)
def test_the_default_model_is_made_for_the_task_and_comes_with_the_package(task):
    assert task in zoo.card(TASKS[task][1]).tasks
    pipe = transformers.pipeline(task)
    assert type(pipe).own is TASKS[task][0].own
    assert Path(pipe.model.name_or_path) == zoo.cards_folder() / TASKS[task][1]


def test_every_task_of_ours_is_a_task_of_cards():
    assert set(TASKS) <= {task for card in zoo.catalogue().values() for task in card.tasks}
    with pytest.raises(
        UnknownNameError, match=r"unknown task: got 'sound-location'.*Did you mean 'sound-localization'"
    ):
        avssl_hub.pipeline("sound-location")


def test_a_model_is_a_catalogue_name_or_a_folder(alignment_folder):
    by_name = avssl_hub.pipeline(LOCALIZE, "multisensory_tiny.avworld", device="cpu")
    assert by_name.feature_extractor.to_dict() == avssl_hub.load_processor("multisensory_tiny.avworld").to_dict()
    for make_pipeline in (transformers.pipeline, avssl_hub.pipeline):
        pipe = make_pipeline(LOCALIZE, model=str(alignment_folder))
        assert type(pipe.model).__name__ == "MultisensoryForAlignment"
        assert pipe.feature_extractor.num_frames == small_processor().num_frames


def test_a_separation_network_is_of_the_class_its_config_names(tmp_path, films):
    separating.blind().save_pretrained(tmp_path / "blind")
    separating.processor().save_pretrained(tmp_path / "blind")
    pipe = transformers.pipeline(SEPARATE, str(tmp_path / "blind"), windows="released")
    assert pipe.film_pipeline.released
    assert pipe(films[0]).names == ("track_1", "track_2")


def test_a_hub_repository_is_loaded_at_its_revision(alignment_folder, monkeypatch):
    asked = []
    monkeypatch.setattr(zoo.hub, "snapshot", lambda *given: asked.append(given) or alignment_folder)
    model = Checkpoint.from_pretrained("avssl-hub/some", revision="abc", trust_remote_code=False)
    assert type(model).__name__ == "MultisensoryForAlignment"
    assert asked[0][:2] == ("avssl-hub/some", "abc")
    with pytest.raises(InvalidValueError, match=r"token: got x; expected none\. Set HF_TOKEN in the environment"):
        Checkpoint.from_pretrained("avssl-hub/some", token="x")


def test_generators_are_read_film_by_film(localize, films):
    read = []

    def sources():
        for film in films:
            read.append(film)
            yield film

    results = iter(localize(sources()))
    assert next(results).file == str(films[0])
    assert read == films[:1]
    assert [result.file for result in results] == list(map(str, films[1:]))


def test_data_sets_and_their_columns_are_streamed(localize, films):
    undecoded = [{"path": None, "bytes": film.read_bytes()} for film in films]
    rows = datasets.Dataset.from_dict({"film": list(map(str, films)), "video": undecoded})
    expected = [localize(film) for film in films]
    for column in (KeyDataset(rows, "film"), rows["film"], KeyDataset(rows, "video")):
        results = localize(column, batch_size=2)
        assert not isinstance(results, list)
        for result, own in zip(results, expected, strict=True):
            torch.testing.assert_close(result.maps, own.maps)
    with open(films[0], "rb") as file:
        assert localize(file).maps.equal(expected[0].maps)


def test_another_process_can_read(localize, films):
    results = localize(films, num_workers=1, batch_size=2)
    assert [result.file for result in results] == list(map(str, films))
    assert_same(results[0], localize(films[0]))


def test_parameters_are_set_for_all_calls_or_for_one(films):
    pipe = transformers.pipeline(
        SYNCHRONIZE, FlashReader(), processor=small_processor(), max_offset=1.0, step=1.0, device="cpu"
    )
    assert pipe(films[0]).offsets.tolist() == [-1.0, 0.0, 1.0]
    assert pipe(films[0], max_offset=0).offsets.tolist() == [0.0]
    with pytest.raises(UnknownNameError, match=r"parameter of audio-visual-synchronization: got 'max_ofset'.*'max_off"):
        pipe(films[0], max_ofset=1.0)
    with pytest.raises(InvalidValueError, match="step: got -1; expected a positive number of seconds"):
        pipe(films[0], step=-1)


def test_bad_sources_raise_what_our_own_pipelines_raise(localize, films, tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"no film")
    with pytest.raises(MediaOpenError, match=r"no\.mp4"):
        localize([films[0], tmp_path / "no.mp4"])
    silent = make(tmp_path / "silent.mkv", [i / 16 for i in range(40)], fps=16)
    with pytest.raises(MissingStreamError, match="a file without sound"):
        list(localize(film for film in [silent]))
    with pytest.raises(
        InvalidValueError, match=r"source: got 'https://a\.b/c\.mp4'; expected a path.*Download it first"
    ):
        localize("https://a.b/c.mp4")


def test_unfit_parts_are_refused(films_360):
    with pytest.raises(InvalidValueError, match=r"processor: got None; .*Pass processor="):
        transformers.pipeline(LOCALIZE, FlashReader())
    with pytest.raises(InvalidValueError, match=r"got FlashReader; expected MultisensoryForSourceSeparation"):
        transformers.pipeline(SEPARATE, FlashReader(), processor=separating.processor())
    model = spatializing.network()
    pipe = transformers.pipeline(AMBISONICS, model, processor=spatializing.processor(model), batch_size=3)
    assert pipe.film_pipeline.batch_size == 3
    with pytest.raises(InvalidValueError, match="batch_size of a call: got 4; expected 3"):
        pipe(films_360[0], batch_size=4)


def test_what_is_saved_is_model_and_processor(localize, tmp_path):
    localize.save_pretrained(tmp_path / "saved")
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert names == {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert "custom_pipelines" not in (tmp_path / "saved" / "config.json").read_text(encoding="utf-8")
