"""Rendering for two ears against plain convolution, and with heads whose sides are known."""

from math import pi

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import encode, rotate, t_design, unit_vectors
from avssl_hub.audio.binaural import binauralize, binauralize_blocks, spatialize_sources
from avssl_hub.audio.head_model import RADIUS, spherical_head
from avssl_hub.audio.head_responses import HeadResponses, SymmetricHead
from avssl_hub.audio.released_binaural import deployed_stereo
from avssl_hub.errors import InvalidValueError

RATE = 48000


@pytest.fixture
def noise():
    return torch.from_numpy(np.random.RandomState(4).standard_normal((1, 2000)))


@pytest.fixture(scope="module")
def head():
    return spherical_head(RATE)


def sound_from(noise, azimuth, elevation=0.0, order=1):
    return encode(noise, torch.tensor([azimuth]), torch.tensor([elevation]), order)


def ear_levels(ears):
    return ears.square().mean(-1).sqrt()


def test_every_channel_is_convolved_with_its_filter():
    rng = np.random.RandomState(5)
    sound, filters = rng.standard_normal((2, 4, 50)), rng.standard_normal((4, 2, 7))
    made = binauralize(torch.from_numpy(sound), torch.from_numpy(filters))
    for item in range(2):
        for ear in range(2):
            expected = sum(np.convolve(sound[item, c], filters[c, ear]) for c in range(4))
            np.testing.assert_allclose(made[item, ear], expected, atol=1e-12)


@pytest.mark.parametrize("lengths", [[2000], [3, 700, 1, 1296], [1000, 0, 1000]])
def test_blocks_together_are_the_whole(noise, head, lengths):
    sound, filters = sound_from(noise, 1.0), head.filters(1, RATE)
    parts = list(binauralize_blocks(sound.split(lengths, -1), filters))
    torch.testing.assert_close(torch.cat(parts, -1), binauralize(sound, filters))


def test_virtual_speakers_at_their_places_are_heard_through_their_own_responses(noise):
    # A head measured at the speakers themselves: decoding to them and filtering each is what the filters sum up.
    vectors = t_design(3)
    responses = torch.from_numpy(np.random.RandomState(6).standard_normal((6, 2, 9)))
    measured = HeadResponses(vectors, responses, RATE)
    sound = sound_from(noise, 0.4, -0.7)
    w, y, z, x = sound
    speakers = torch.stack([w + 3 * (x * v[0] + y * v[1] + z * v[2]) for v in vectors]) / 6
    expected = spatialize_sources(speakers, vectors, measured)
    torch.testing.assert_close(binauralize(sound, measured.filters(1, RATE)), expected)


def test_nearest_response_is_taken():
    vectors = unit_vectors(torch.tensor([0.0, pi / 2, pi]), torch.zeros(3))
    measured = HeadResponses(vectors, torch.arange(3.0).reshape(3, 1, 1).expand(3, 2, 1), RATE)
    there = unit_vectors(torch.tensor([0.7, 0.9, -3.0]), torch.tensor([0.3, -0.2, 0.1]))
    assert measured.nearest(there)[:, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_side_of_the_source_is_louder_and_the_middle_is_even(noise, head, order):
    filters = head.filters(order, RATE)
    left, right = ear_levels(binauralize(sound_from(noise, pi / 2, order=order), filters))
    assert left > 1.3 * right
    for middle in (sound_from(noise, 0.0, order=order), sound_from(noise, pi, 0.5, order)):
        left, right = ear_levels(binauralize(middle, filters))
        assert left.item() == pytest.approx(right.item(), rel=1e-3)


def test_head_that_turns_left_hears_what_was_ahead_on_its_right(noise, head):
    turned = rotate(sound_from(noise, 0.0), -pi / 2)
    left, right = ear_levels(binauralize(turned, head.filters(1, RATE)))
    assert right > 1.3 * left


def test_sphere_delays_the_far_ear_by_the_way_around_it(head):
    left, right = head.nearest(torch.tensor([0.0, 1.0, 0.0]))
    way = RADIUS * (1 + pi / 2)  # from the near ear to the far one: straight to the middle, then a quarter round
    late = right.abs().argmax() - left.abs().argmax()
    assert late.item() == pytest.approx(way / 343 * RATE, abs=1)
    # Below 100 Hz a head is no obstacle.
    assert torch.stack([left, right]).sum(-1).tolist() == pytest.approx([1, 1], abs=0.05)


def test_resampled_head_filters_as_before(head):
    tone = torch.sin(2 * pi * 500 * torch.arange(4000) / RATE)[None]
    slow = torch.sin(2 * pi * 500 * torch.arange(2000) / (RATE // 2))[None]
    ahead = torch.tensor([[1.0, 0, 0]])
    first = spatialize_sources(tone, ahead, head)[:, 1000:3000]
    second = spatialize_sources(slow, ahead, head.resampled(RATE // 2))[:, 500:1500]
    torch.testing.assert_close(ear_levels(second), ear_levels(first), rtol=0.01, atol=0)


def test_symmetric_head_mirrors_sines_only(noise):
    left = torch.from_numpy(np.random.RandomState(7).standard_normal((9, 5)))
    filters = SymmetricHead(left, RATE).filters(2, RATE)
    ears = binauralize(sound_from(noise, 0.8, 0.3, 2), filters)
    mirrored = binauralize(sound_from(noise, -0.8, 0.3, 2), filters)
    torch.testing.assert_close(mirrored, ears.flip(0))
    with pytest.raises(InvalidValueError, match="order of the sound: got 1; expected 2"):
        SymmetricHead(left, RATE).filters(1, RATE)


def test_deployed_stereo_peaks_below_full_scale_and_keeps_silence(noise):
    left, right = deployed_stereo(sound_from(noise, pi / 2))
    assert left.abs().max().item() == pytest.approx(0.95)
    assert right.abs().max() < 1e-7
    assert deployed_stereo(torch.zeros(4, 10)).abs().max() == 0
