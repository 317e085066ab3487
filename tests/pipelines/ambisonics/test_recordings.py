"""Real recordings: the 26 places of the speech file, and which convention and order of channels each file is in."""

from itertools import groupby

import pytest
import torch

from avssl_hub.audio.ambisonics import (
    CONVENTIONS,
    angle_between,
    arrival,
    convert,
    picture_grid,
    power_map,
    unit_vectors,
)
from avssl_hub.pipelines.ambisonics.report import inspect_ambisonics
from avssl_hub.pipelines.ambisonics.source import AmbisonicSound

SPEECH = "ambisonics/recordings/4ch_B_FuMaNorm_FuMaOrd_speech.mp4"

# Azimuth and elevation where the voice says it is, wall after wall of a cube: ahead, to both sides, behind.
PLACES = [(azimuth, elevation) for elevation in (35, 0, -35) for azimuth in (45, 0, -45)]
PLACES += [(90, 35), (0, 90), (-90, 35), (90, 0), (-90, 0), (90, -35), (0, -90), (-90, -35)]
PLACES += [(azimuth, elevation) for elevation in (35, 0, -35) for azimuth in (135, 180, -135)]


@pytest.fixture(scope="module")
def speech(shared_data):
    """The recording as it is stored, ``(4, samples)``, and a quarter of a second in samples."""
    with AmbisonicSound(shared_data(SPEECH), "fuma") as sound:
        return torch.cat(list(sound.raw_blocks(sound.sampling_rate)), 1), sound.sampling_rate // 4


def spoken(found):
    """Which windows are no pauses."""
    return found.level > 0.1 * found.level.max()


def errors(vectors):
    """Angle in degrees ``(windows, places)`` from every place."""
    places = unit_vectors(*torch.deg2rad(torch.tensor(PLACES, dtype=torch.float64)).T)
    return torch.rad2deg(angle_between(vectors[:, None], places))


def assert_found_in_sequence(vectors, median):
    nearest = errors(vectors).min(1)
    assert [place for place, _ in groupby(nearest.indices.tolist())] == list(range(26))
    assert nearest.values.median() < median
    assert nearest.values.max() < 6


def test_all_places_of_the_voice_are_found_in_their_sequence(speech):
    stored, window = speech
    samples = convert(stored, CONVENTIONS["fuma"])
    found = arrival(samples, window)
    voiced = spoken(found)
    assert voiced.sum() > 80
    assert_found_in_sequence(unit_vectors(found.azimuth, found.elevation)[voiced], median=1)
    grid = [angles.flatten() for angles in picture_grid(5)]
    loudest = power_map(samples, *grid, window=window)[voiced].argmax(1)
    assert_found_in_sequence(unit_vectors(*grid)[loudest], median=5)


@pytest.mark.parametrize("convention", ["ambix", "n3d"])
def test_speech_read_in_another_convention_misses_its_places(speech, convention):
    stored, window = speech
    own, other = (arrival(convert(stored, CONVENTIONS[name]), window) for name in ("fuma", convention))
    nearest = errors(unit_vectors(other.azimuth, other.elevation)[spoken(other)]).min(1)
    assert [place for place, _ in groupby(nearest.indices.tolist())] != list(range(26))
    assert other.diffuseness[spoken(other)].median() > 3 * own.diffuseness[spoken(own)].median()


def report(shared_data, names, convention, stored_order=False):
    files = [shared_data(f"ambisonics/{name}") for name in names]
    with AmbisonicSound(files, convention, stored_order) as sound:
        return inspect_ambisonics(sound)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_eigenmike_recordings_are_n3d_in_the_stored_order(shared_data, number):
    names = [f"recordings/HOA3_rec{number}_{part}ch.ogg" for part in ("01-08", "09-16")]
    found = report(shared_data, names, "n3d", stored_order=True)
    others = [*found.other_misfits.values(), found.misfits["ambix"], found.misfits["fuma"]]
    assert found.misfits["n3d"] < 0.15
    assert min(others) > 0.4


def test_omnitone_example_is_ambix_from_ahead(shared_data):
    names = [f"recordings/3oa_example_{part}.wav" for part in ("ch0-ch7", "ch8-ch15")]
    found = report(shared_data, names, "ambix")
    assert found.misfits["ambix"] < 0.01
    assert min(found.misfits["n3d"], found.misfits["fuma"]) > 0.3
    (place,) = found.directions
    assert (place.azimuth, place.elevation) == pytest.approx((0, 0), abs=0.02)


def test_room_responses_show_their_conventions(shared_data):
    first = report(shared_data, ["room-irs/room_1_bf.wav"], "fuma").misfits
    third = report(shared_data, [f"room-irs/room_2_{part}ch.wav" for part in ("01-08", "09-16")], "n3d").misfits
    assert min(first, key=first.get) == "fuma"
    assert min(third, key=third.get) == "n3d"


def test_recordings_without_height_are_heard_on_the_horizon(shared_data):
    for name in ("recordings/BF_rec1.ogg", "recordings/beach-ambisonic.mp4"):
        found = report(shared_data, [name], "fuma")
        assert found.levels[3].rms < 0.01 * found.levels[0].rms
        assert all(abs(place.elevation) < 0.02 for place in found.directions)


def test_third_order_hears_the_orchestra_where_first_order_does(shared_data):
    files = [shared_data(f"ambisonics/recordings/HOA3_rec2_{part}ch.ogg") for part in ("01-08", "09-16")]
    with AmbisonicSound(files, "n3d", stored_order=True) as sound:
        samples = torch.cat(list(sound.blocks(sound.sampling_rate)), 1)
    grid = [angles.flatten() for angles in picture_grid(5)]
    loudest = [power_map(sound, *grid, method="plane_wave").argmax() for sound in (samples, samples[:4])]
    first, second = (unit_vectors(*grid)[place] for place in loudest)
    assert torch.rad2deg(angle_between(first, second)) < 20
