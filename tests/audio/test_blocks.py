"""Windows of a sound that comes in blocks."""

import pytest
import torch

from avssl_hub.audio.blocks import windows_at

SOUND = torch.stack([torch.arange(1.0, 101), -torch.arange(1.0, 101)])


@pytest.mark.parametrize("size", [1, 7, 30, 100])
@pytest.mark.parametrize("starts", [[0, 10, 20], [-5, 3, 3, 60, 95, 130], [-40, 99], [70]])
def test_windows_are_those_of_the_whole_sound(size, starts):
    padded = torch.nn.functional.pad(SOUND, (50, 200))
    found = list(windows_at(SOUND.split(size, 1), starts, 2, 20))
    assert len(found) == len(starts)
    for start, (window, present) in zip(starts, found):
        assert torch.equal(window, padded[:, 50 + start : 70 + start])
        assert present == int((window[0] > 0).sum())


def test_no_more_is_read_than_a_window_needs():
    read = []

    def blocks():
        for number in range(50):
            read.append(number)
            yield torch.zeros(1, 10)

    windows = windows_at(blocks(), [0, 5, 200], 1, 20)
    counts = [len(read) for _ in windows]
    assert counts == [2, 3, 22]
