"""Each ability with a very small model that can do it: what is shown, and that cancelling ends it midway."""

from pathlib import Path

import pytest

from avssl_hub import zoo
from avssl_hub.app.abilities import ABILITIES
from avssl_hub.app.chooser import choices, describe, limits_of
from avssl_hub.app.examples import make_examples
from avssl_hub.app.work import Cancelled
from avssl_hub.media import probe

MODELS = {
    "similarity": "avid_tiny.avworld",
    "heat": "multisensory_tiny.avworld",
    "synchrony": "multisensory_tiny.avworld",
    "screen": "multisensory_separation_tiny.avworld",
    "voices": "unet_pit_tiny.avworld",
    "directions": "spatial_audio_gen_tiny.avworld",
    "orientation": "avsa_tiny.avworld",
}


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    return make_examples(tmp_path_factory.mktemp("examples"))


def test_examples_are_what_they_say(examples):
    turns, stranger, sphere = (probe(example.film) for example in examples)
    assert turns.duration == pytest.approx(12.0, abs=0.1)
    assert stranger.duration == pytest.approx(4.0, abs=0.1)
    assert (sphere.audio[0].channels, sphere.video[0].width) == (4, 2 * sphere.video[0].height)


@pytest.mark.parametrize("ability", ABILITIES, ids=lambda ability: ability.name)
def test_every_ability_shows_all_its_outputs_and_ends_when_told(ability, examples, tmp_path):
    film = examples[2 if ability.name in ("directions", "orientation") else 1].film
    pipe = ability.load(MODELS[ability.name], "cpu")
    told = []
    shown = ability.show(pipe, film, tmp_path, lambda done, total, what: told.append((done, total, what)))
    assert len(shown.files) == len(ability.outputs)
    for path, output in zip(shown.files, ability.outputs):
        assert path.stat().st_size > 100, output.label
        if output.kind in ("video", "audio"):
            assert probe(path).duration == pytest.approx(4.0, abs=0.2)
    assert shown.lines[0]
    assert all(0 <= done <= total for done, total, _ in told)
    middle = told[len(told) // 2][2]
    assert middle

    def stop(done, total, what):
        if what == middle:
            raise Cancelled

    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(Cancelled):
        ability.show(pipe, film, again, stop)
    assert not list(again.rglob("*.mp4"))


def test_the_chooser_has_the_whole_catalogue_and_what_is_here_first():
    found = choices()
    assert sorted(choice.name for choice in found) == zoo.list_models()
    usable = [choice.usable for choice in found]
    assert usable == sorted(usable, reverse=True)
    by_name = {choice.name: choice for choice in found}
    for ability, model in MODELS.items():
        assert ability in [known.name for known in by_name[model].abilities]
    assert [ability.name for ability in by_name["avsa_tiny.avworld"].abilities] == ["orientation"]


def test_an_absent_model_says_how_to_get_it_and_cards_their_limits(monkeypatch, tmp_path):
    monkeypatch.setenv("AVSSL_HOME", str(tmp_path))
    absent = next(choice for choice in choices() if choice.name == "avid_cma.audioset")
    assert not absent.usable
    assert "avssl convert avid_cma.audioset --download" in describe(absent)
    card = Path(zoo.card(absent.name).path).read_text()
    for line in limits_of(absent).splitlines():
        assert line in card or "](../" in card
    for choice in choices():
        assert limits_of(choice).startswith("- ")
        assert "](.." not in limits_of(choice)
