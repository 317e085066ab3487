"""The ambisonics toolkit against outputs of the authors' utility code (SpatialAudioGen)."""

import zlib

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import (
    AMBIX,
    Convention,
    decode,
    encode,
    encode_at_distance,
    open_grid,
    picture_grid,
    power_map,
    spherical_harmonics,
    unit_vectors,
)
from avssl_hub.audio.released_binaural import (
    CIPIC_AZIMUTHS,
    convolvotron,
    deployed_stereo,
    direct_ears,
    horizon_speakers,
    nearest_cipic,
    two_microphones,
)

from ._rules import fixture_files

RATE = 48000
CONVENTIONS = {
    "ACN": "acn",
    "FURSE_MALHAM": "furse_malham",
    "SID": "sid_released",
    "SN3D": "sn3d",
    "N3D": "orthonormal",
    "MAX_N": "maxn_released",
}


@pytest.fixture(params=fixture_files("spatialaudiogen", "ambisonics*.npz"))
def arrays(request):
    with np.load(request.param, allow_pickle=False) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def assert_equal(actual, expected, atol=1e-12):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def angles(arrays, count=None):
    return arrays["directions"][:count, :2].T


def mapped(arrays):
    """The ambisonics ``(4, 24000)`` that the stored power maps show."""
    noise = np.random.RandomState(int(arrays["map|foa_seed"])).standard_normal((24000, 4))
    tone = np.sin(2 * np.pi * 440 * np.arange(24000) / RATE)
    harmonics = arrays["sph|order1|ACN|SN3D"][0].numpy()
    made = torch.from_numpy(0.1 * noise + 0.3 * tone[:, None] * harmonics)
    assert_equal(made[:4], arrays["map|foa_first"])
    return made.T


def test_axes_match(arrays):
    assert_equal(unit_vectors(*angles(arrays)) * arrays["directions"][:, 2:], arrays["directions_cartesian"])


def test_harmonics_match_in_every_convention(arrays):
    names = [name.split("|") for name in arrays if name.startswith("sph|")]
    assert names
    for _, order, ordering, normalization in names:
        actual = spherical_harmonics(
            *angles(arrays), int(order.removeprefix("order")), CONVENTIONS[ordering], CONVENTIONS[normalization]
        )
        assert_equal(actual, arrays[f"sph|{order}|{ordering}|{normalization}"])


def test_tables_of_orderings_match(arrays):
    for row, built, told in zip(range(3), ("furse_malham", "sid_released", "acn"), ("furse_malham", "sid", "acn")):
        assert Convention(built).degrees_and_orders(3) == list(
            map(tuple, arrays["index_to_degree_order"][row].tolist())
        )
        places = [Convention(told).acn_indices(3).index(index) for index in AMBIX.acn_indices(3)]
        assert places == arrays["acn_to_other_convert"][row].tolist()


def test_encoding_matches(arrays):
    signals = arrays["encode|signals"]
    assert_equal(encode(signals, *angles(arrays, len(signals))).T, arrays["encode|foa"])
    positions = arrays["directions_cartesian"][: len(signals)]
    assert_equal(encode_at_distance(signals, positions, RATE).T, arrays["encode_v2|foa"])


@pytest.mark.parametrize(("method", "name"), [("projection", "projection"), ("pseudo_inverse", "pseudoinv")])
def test_decoding_matches(arrays, method, name):
    speakers = arrays["decode|speakers"][:, :2].T
    assert_equal(decode(arrays["encode|foa"].T, *speakers, method=method).T, arrays[f"decode|{name}"])


def test_displayed_power_maps_match(arrays):
    sound = mapped(arrays)
    for resolution in (20, 30):
        azimuth, elevation = picture_grid(resolution)
        name = f"map|visualizer|res{resolution}"
        assert_equal(azimuth, arrays[f"{name}|phi"])
        # The authors flip their maps, but not the grid.
        assert_equal(elevation.flip(0), arrays[f"{name}|nu"])
        assert_equal(power_map(sound, azimuth, elevation, window=RATE // 10), arrays[f"{name}|frames"])


def test_deployed_power_map_matches(arrays):
    decimated = mapped(arrays)[:, ::5]
    actual = power_map(decimated, *picture_grid(5), window=RATE // 5 // 2)
    assert_equal(actual, arrays["map|visualizer|deploy_res5"])


def test_unflipped_power_maps_match(arrays):
    sound, grid = mapped(arrays), open_grid(20)
    assert_equal(power_map(sound, *grid, window=4800), arrays["map|machine|res20_win4800"])
    assert_equal(power_map(sound, *grid), arrays["map|machine|res20_nowin"])


def test_two_microphones_and_horizon_speakers_match(arrays):
    signals, sound = arrays["bin|signals"], arrays["bin|foa"].T
    assert_equal(encode(signals, *angles(arrays, len(signals))), sound)
    positions = arrays["directions_cartesian"][: len(signals)]
    assert_equal(two_microphones(signals, positions, RATE).T, arrays["bin|virtual_stereo_mic"])
    assert_equal(horizon_speakers(sound, RATE).T, arrays["bin|ambisonic_projection_virtualmic"])


def test_direct_ears_and_deployed_stereo_match(arrays):
    sound = arrays["bin|foa"].T
    assert_equal(direct_ears(sound).T, arrays["bin|direct_projection"])
    assert_equal(direct_ears(sound, "pseudo_inverse").T, arrays["bin|direct_pseudoinv"])
    assert_equal(deployed_stereo(sound).T, arrays["bin|deploy_stereo"])


def synthetic_response(azimuth, elevation):
    """The response of both ears that stands in the rule's tables at two indices, ``(2, 200)``."""
    degrees, fade = CIPIC_AZIMUTHS[azimuth], np.exp(-np.arange(200) / 30)
    ears = []
    for ear in ("left", "right"):
        name = f"{'neg' if degrees < 0 else ''}{abs(degrees)}az{ear}.wav"
        table = np.random.RandomState(zlib.crc32(name.encode())).standard_normal((200, 50))
        ears.append(table[:, elevation] * fade)
    return np.stack(ears)


def test_cipic_rendering_matches(arrays):
    indices = nearest_cipic(unit_vectors(*angles(arrays)))
    assert indices.tolist() == arrays["cipic|nearest_azimuth_elevation_index"].tolist()
    signals = arrays["bin|signals"]
    responses = torch.from_numpy(np.stack([synthetic_response(*pair) for pair in indices[: len(signals)].tolist()]))
    assert_equal(convolvotron(signals, responses).T, arrays["cipic|convolvotron_synthetic"], atol=1e-10)
