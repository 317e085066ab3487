"""Which moments a clip shows, against the pairs counted one by one."""

from collections import Counter
from itertools import product

import pytest
import torch

from avssl_hub.data.clips import NoWindowError
from avssl_hub.training.scenes.windows import AlignedWindows, ShiftedWindows


def drawn(windows, available, count):
    generator = torch.Generator().manual_seed(0)
    return [windows.draw(available, generator) for _ in range(count)]


def test_the_papers_clips_have_12656_ordered_pairs():
    # Of 302 frames, 177 begin a clip of 125; two clips share at most 60 frames.
    pairs = {(f, g) for f, g in product(range(177), repeat=2) if abs(f - g) >= 65}
    assert len(pairs) == 12656
    seen = {(each.picture, each.sounds[1]) for each in drawn(ShiftedWindows(125, 65), 302, 4000)}
    assert seen <= pairs
    assert min(f for f, _ in seen) < 3
    assert max(f for f, _ in seen) > 173


def test_every_allowed_pair_is_as_likely_as_any_other():
    pairs = [(f, g) for f, g in product(range(5), repeat=2) if abs(f - g) >= 2]
    found = Counter((each.picture, each.sounds[1]) for each in drawn(ShiftedWindows(4, 2), 9, 12_000))
    assert sorted(found) == pairs
    # Five standard deviations of a binomial count.
    expected = 12_000 / len(pairs)
    assert all(abs(number - expected) < 5 * expected**0.5 for number in found.values())


def test_the_own_sound_comes_first():
    assert all(each.sounds[0] == each.picture for each in drawn(ShiftedWindows(4, 2), 9, 50))
    assert {each.sounds for each in drawn(AlignedWindows(6), 8, 50)} == {(0,), (1,), (2,)}


def test_too_few_frames_are_refused_or_taken_from_their_start():
    with pytest.raises(NoWindowError, match=r"choosing sound out of time: got 190 frames; expected at least 191"):
        ShiftedWindows(125, 65).draw(190)
    ShiftedWindows(125, 65).draw(191)
    with pytest.raises(NoWindowError, match=r"choosing a clip: got 5 frames; expected at least 6"):
        AlignedWindows(6).draw(5)
    assert AlignedWindows(6, whole=False).draw(5).picture == 0
