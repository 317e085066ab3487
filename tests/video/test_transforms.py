"""Evaluation transforms against Pillow and hand arithmetic."""

import numpy as np
import pytest
import torch

from avssl_hub.video.transforms import center_crop, normalize, repeat_to_length, resize


@pytest.mark.parametrize("shape", [(60, 80), (97, 53), (24, 40)])
def test_resize_agrees_with_pillow(shape):
    image = pytest.importorskip("PIL.Image", reason="the comparison needs Pillow")
    pixels = np.random.RandomState(0).randint(0, 256, (2, *shape, 3)).astype(np.uint8)
    actual = resize(torch.from_numpy(pixels), 48).numpy()
    height, width = (int(48 * side / min(shape)) for side in shape)
    assert actual.shape == (2, height, width, 3)
    for frame, result in zip(pixels, actual):
        expected = np.asarray(image.fromarray(frame).resize((width, height), image.Resampling.BILINEAR))
        # Fixed-point weights of different precision may round apart by one level, to either side.
        difference = result.astype(int) - expected
        assert np.abs(difference).max() <= 1
        assert abs(difference.mean()) < 0.01


def test_square_resize_ignores_the_aspect_ratio():
    assert resize(torch.zeros(1, 30, 70, 3, dtype=torch.uint8), 16, keep_aspect_ratio=False).shape == (1, 16, 16, 3)


def test_right_size_is_left_alone():
    frames = torch.zeros(1, 16, 20, 3, dtype=torch.uint8)
    assert resize(frames, 16) is frames


@pytest.mark.parametrize(("size", "first"), [(4, 2), (5, 2), (7, 0)])
def test_centre_crop_rounds_the_offset_as_the_release_does(size, first):
    # round() goes to the even neighbour: (8 - 5) / 2 = 1.5 becomes 2, (8 - 7) / 2 = 0.5 becomes 0.
    frames = torch.arange(8.0)[None, :, None, None].expand(1, 8, 8, 1)
    assert center_crop(frames, size)[0, :, 0, 0].tolist() == list(range(first, first + size))


@pytest.mark.parametrize(
    ("have", "want", "expected"), [(1, 3, [0, 0, 0]), (3, 8, [0, 1, 2, 0, 1, 2, 0, 1]), (3, 2, [0, 1, 2])]
)
def test_missing_frames_are_repeated_from_the_first(have, want, expected):
    assert repeat_to_length(torch.arange(have), want).tolist() == expected


def test_normalise_standardises_each_channel():
    frames = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    result = normalize(frames, [0.5, 0.4, 0.3], [0.1, 0.2, 0.4])
    assert result.shape == (1, 3, 1, 1)
    expected = [(0 - 0.5) / 0.1, (128 / 255 - 0.4) / 0.2, (1 - 0.3) / 0.4]
    torch.testing.assert_close(result.flatten(), torch.tensor(expected))
