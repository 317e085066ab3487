"""Where windows lie over a long sound, and how they become one again."""

import math

import pytest
import torch

from avssl_hub.pipelines._join import CrossFade, FirstWindow

SIZE, EDGE = 100, 10
INNER = SIZE - 2 * EDGE


def joined(rule, length, separate):
    """Join windows made by ``separate(start)`` and check that blocks follow each other to the end."""
    blocks = list(rule.join(((start, separate(start)) for start in rule.starts(length)), length))
    whole = torch.cat(blocks, 1)
    assert whole.shape == (3, length)
    return whole


def cut(sound, start, size=SIZE):
    """Cut a window out of ``(3, n)``, nonsense where the sound does not reach and in what is to be left out."""
    window = torch.full((3, size), 1e6)
    begin, end = max(start + EDGE, 0), min(start + size - EDGE, sound.shape[1])
    window[:, begin - start : end - start] = sound[:, begin:end]
    return window


@pytest.mark.parametrize("length", [1, 79, 80, 81, 120, 121, 400, 433])
def test_cross_faded_windows_give_the_sound_back(length):
    sound = torch.randn(3, length, generator=torch.Generator().manual_seed(length))
    rule = CrossFade(SIZE, EDGE, ordered=True)
    torch.testing.assert_close(joined(rule, length, lambda start: cut(sound, start)), sound, atol=1e-5, rtol=1e-4)


def test_windows_overlap_by_half_and_the_last_fits_the_end():
    assert CrossFade(SIZE, EDGE, ordered=True).starts(210) == [-10, 30, 70, 110, 120]
    assert CrossFade(SIZE, EDGE, ordered=True).starts(200) == [-10, 30, 70, 110]
    assert CrossFade(SIZE, EDGE, ordered=True).starts(50) == [-10]


def test_windows_fade_into_each_other():
    rule = CrossFade(SIZE, EDGE, ordered=True)
    whole = joined(rule, 120, lambda start: torch.full((3, SIZE), float(start > 0)))
    # The first window alone, then the rise of a squared sine over the square of both, then the second alone.
    assert whole[0, :40].tolist() == [0.0] * 40
    assert whole[0, 80:].tolist() == [1.0] * 40
    rise = [math.sin(math.pi * (i + 1) / (INNER + 1)) ** 2 for i in range(INNER)]
    expected = [rise[i] / (rise[i] + rise[i + 40]) for i in range(40)]
    assert whole[0, 40:80].tolist() == pytest.approx(expected, abs=1e-5)


def test_tracks_without_an_order_keep_the_first_windows():
    sound = torch.randn(3, 400, generator=torch.Generator().manual_seed(0))

    def swapping(start):
        window = cut(sound, start)
        return window[[1, 0, 2]] if start // 40 % 2 else window

    kept = joined(CrossFade(SIZE, EDGE, ordered=False), 400, swapping)
    # The first window, at -10, comes swapped.
    torch.testing.assert_close(kept, sound[[1, 0, 2]], atol=1e-5, rtol=1e-4)
    trusted = joined(CrossFade(SIZE, EDGE, ordered=True), 400, swapping)
    assert (trusted - sound[[1, 0, 2]]).abs().max() > 1


def test_released_windows_start_at_a_frame_each_half_clip():
    rule = FirstWindow(44016, 44144, 2.135, 29.97, 21000)
    # Frames floor(k * 1.0675 * 29.97), at 700.7007 samples each; the ninth would end behind the sound.
    frames = [0, 31, 63, 95, 127, 159, 191, 223]
    assert rule.starts(210000) == [round(frame * 21000 / 29.97) for frame in frames]
    assert rule.starts(44143) == []
    assert rule.starts(44144) == [0]
    assert rule.end(210000) == round(223 * 21000 / 29.97) + 44016


def test_released_samples_are_the_first_windows():
    rule = FirstWindow(100, 104, 1.0, 30.0, 100)
    assert rule.starts(260) == [0, 50, 100, 150]
    whole = joined(rule, 260, lambda start: torch.full((3, 100), start / 1000 + 0.9))
    expected = [0.9] * 100 + [0.95] * 50 + [1.0] * 50 + [1.0] * 50 + [0.0] * 10
    assert whole[2].tolist() == pytest.approx(expected)
