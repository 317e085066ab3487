"""Spherical harmonics and their conventions against written-out formulas and what defines each scale."""

from math import pi, sqrt

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import CONVENTIONS, Convention, convert, encode, spherical_harmonics
from avssl_hub.errors import InvalidValueError, UnknownNameError


@pytest.fixture
def angles():
    rng = np.random.RandomState(0)
    return torch.from_numpy(np.stack([rng.uniform(-pi, pi, 50), np.arcsin(rng.uniform(-1, 1, 50))]))


def sphere_mean(values):
    """Mean over the sphere of ``values(azimuth, elevation)`` up to degree 7: Gauss-Legendre times equal steps."""
    heights, weights = np.polynomial.legendre.leggauss(8)
    azimuth = 2 * pi * torch.arange(16, dtype=torch.float64)[:, None] / 16
    elevation = torch.from_numpy(np.arcsin(heights))[None]
    at = values(*torch.broadcast_tensors(azimuth, elevation))
    return (at * torch.from_numpy(weights / 32)[None, :, None, None]).sum((0, 1))


def test_second_order_is_what_handbooks_list(angles):
    a, e = angles
    expected = [
        sqrt(3) / 2 * torch.cos(e) ** 2 * torch.sin(2 * a),
        sqrt(3) / 2 * torch.sin(2 * e) * torch.sin(a),
        (3 * torch.sin(e) ** 2 - 1) / 2,
        sqrt(3) / 2 * torch.sin(2 * e) * torch.cos(a),
        sqrt(3) / 2 * torch.cos(e) ** 2 * torch.cos(2 * a),
    ]
    torch.testing.assert_close(spherical_harmonics(a, e, 2)[:, 4:], torch.stack(expected, 1))


@pytest.mark.parametrize(("normalization", "area"), [("n3d", 1), ("orthonormal", 4 * pi)])
def test_harmonics_are_orthogonal_with_unit_energy(normalization, area):
    def products(azimuth, elevation):
        values = spherical_harmonics(azimuth, elevation, 3, normalization=normalization)
        return values[..., :, None] * values[..., None, :]

    torch.testing.assert_close(area * sphere_mean(products), torch.eye(16, dtype=torch.float64))


def test_fuma_peaks_at_one_and_the_released_maxn_does_not():
    step = torch.linspace(0, 1, 241, dtype=torch.float64)
    azimuth, elevation = torch.meshgrid(2 * pi * step, pi * (step - 0.5), indexing="ij")
    peaks = spherical_harmonics(azimuth, elevation, 3, "furse_malham", "fuma").abs().amax((0, 1))
    torch.testing.assert_close(peaks[1:], torch.ones(15, dtype=torch.float64), rtol=0, atol=1e-3)
    assert peaks[0].item() == pytest.approx(sqrt(0.5))
    released = spherical_harmonics(azimuth, elevation, 3, "furse_malham", "maxn_released").abs().amax((0, 1))
    assert released[:4].tolist() == pytest.approx([sqrt(0.5), 1, 1, 1], abs=1e-3)
    assert released[7].item() == pytest.approx(2 / sqrt(3) * 3, abs=1e-3)


def test_channel_letters_come_in_their_published_sequence():
    letters = dict(zip("WYZXVTRSUQOMKLNP", [(n, m) for n in range(4) for m in range(-n, n + 1)]))
    for ordering, sequence in {"furse_malham": "WXYZRSTUVKLMNOPQ", "sid": "WXYZUVSTRPQNOLMK"}.items():
        assert Convention(ordering).degrees_and_orders(3) == [letters[letter] for letter in sequence]


def test_first_order_fuma_is_converted_by_hand():
    fuma = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    ambix = convert(fuma, CONVENTIONS["fuma"])
    torch.testing.assert_close(ambix, torch.tensor([[sqrt(2)], [3.0], [4.0], [2.0]]))
    torch.testing.assert_close(convert(ambix, CONVENTIONS["ambix"], CONVENTIONS["fuma"]), fuma)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("ordering", ["acn", "furse_malham", "sid", "sid_released"])
@pytest.mark.parametrize("normalization", ["sn3d", "n3d", "orthonormal", "fuma", "maxn_released"])
def test_converted_sound_is_what_the_convention_encodes(angles, order, ordering, normalization):
    ambix = encode(torch.ones(1, 1, dtype=torch.float64), angles[0, :1], angles[1, :1], order)
    expected = spherical_harmonics(angles[0, 0], angles[1, 0], order, ordering, normalization)
    made = convert(ambix, CONVENTIONS["ambix"], Convention(ordering, normalization))
    torch.testing.assert_close(made[:, 0], expected)


def test_gradients_are_finite_at_the_poles():
    azimuth = torch.tensor([0.3, 0.3], dtype=torch.float64, requires_grad=True)
    elevation = torch.tensor([pi / 2, -pi / 2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, e: spherical_harmonics(a, e, 3), (azimuth, elevation))


@pytest.mark.parametrize("channels", [1, 2, 6, 25])
def test_other_numbers_of_channels_are_refused(channels):
    with pytest.raises(InvalidValueError, match=f"got {channels}; expected 4, 9 or 16"):
        convert(torch.zeros(channels, 10), CONVENTIONS["fuma"])


def test_unknown_names_and_orders_are_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'sn3d'"):
        Convention("acn", "sn3")
    with pytest.raises(InvalidValueError, match="ambisonic order: got 4"):
        spherical_harmonics(torch.zeros(1), torch.zeros(1), 4)
