"""The figures of SpatialAudioGen against those that the authors' graph and scripts computed."""

import numpy as np
import pytest
import torch

pytest.importorskip("ot", reason="the earth mover's distance needs the extra 'metrics'")
from avssl_hub.audio.ambisonics import angle_between, picture_grid, unit_vectors
from avssl_hub.evaluation.spatial import ScoredChunks, mean_over_videos, published_figures, training_figures
from avssl_hub.evaluation.spatial.chunk_figures import FIGURES, chunk_figures
from avssl_hub.evaluation.spatial.direction_distance import direction_distance
from avssl_hub.evaluation.spatial.earth_mover import earth_movers_distance

from ._rules import fixture_files

# The originals are computed in single precision; pyemd counts mass and distance in some million steps.
TOLERANCE = {"rtol": 2e-5, "atol": 3e-5}
EMD_TOLERANCE = {"rtol": 0, "atol": 5e-5}
CHANNELS = {"Y": 0, "Z": 1, "X": 2}
files = pytest.mark.parametrize("path", fixture_files("spatialaudiogen", "metrics*.npz"))


def read(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def sounds(arrays):
    """Recording, prediction and layout; time comes last."""
    recording, predicted = (torch.from_numpy(arrays[name]).transpose(1, 2) for name in ("gt", "pred"))
    return recording, predicted, torch.from_numpy(arrays["layout"])


@files
def test_figures_of_the_training_graph_match(path):
    arrays = read(path)
    recording, predicted, layout = sounds(arrays)
    actual = training_figures(predicted[:, 1:], recording[:, 1:], layout[:, 1:])
    expected = dict(zip(map(str, arrays["graph_metric_names"]), arrays["graph_metric_values"]))
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, **TOLERANCE, err_msg=name)


@files
def test_figures_of_each_chunk_match(path):
    arrays = read(path)
    recording, predicted, layout = sounds(arrays)
    actual = chunk_figures(predicted[:, 1:], recording, layout)
    stored = {"stft": "stft_ps", "lsd": "lsd_ps", "mse": "mse_ps", "snr": "snr_ps"}
    for name in ("mse", "stft", "lsd", "mel_lsd", "snr", "env_mse"):
        expected = arrays[stored.get(name, name)]
        for channel, place in CHANNELS.items():
            np.testing.assert_allclose(actual[f"{name}/{channel}"], expected[:, place], **TOLERANCE, err_msg=name)
        np.testing.assert_allclose(actual[f"{name}/avg"], np.nanmean(expected, 1), **TOLERANCE, err_msg=name)
    amplitudes = torch.stack([actual["amplitude/gt"], actual["amplitude/predicted"]], 1)
    np.testing.assert_allclose(amplitudes, arrays["amplitude_gt_pred"], rtol=1e-6)
    emd = torch.stack([actual["emd/dir"], actual["emd/dir2"]], 1)
    np.testing.assert_allclose(emd, arrays["emd_res30"], **EMD_TOLERANCE)


@files
def test_earth_movers_distances_match_on_a_finer_grid(path):
    arrays = read(path)
    recording, predicted, layout = sounds(arrays)
    masked = (sound * layout[..., None] for sound in (predicted, recording))
    np.testing.assert_allclose(
        torch.stack(direction_distance(*masked, resolution_degrees=20), 1), arrays["emd_res20"], **EMD_TOLERANCE
    )


@files
def test_earth_movers_distances_of_maps_match(path):
    arrays = read(path)
    maps = torch.from_numpy(arrays["raw_emd_maps"])
    nodes = unit_vectors(*(angle.flatten() for angle in picture_grid(180 / (maps.shape[2] - 1))))
    first, second = maps.flatten(2).unbind(1)
    forms = [
        [each / len(nodes) for each in (first, second)],
        [each / (each.sum(1, keepdim=True) + 0.01) for each in (first, second)],
    ]
    actual = [earth_movers_distance(*form, angle_between(nodes[:, None], nodes)) for form in forms]
    np.testing.assert_allclose(torch.stack(actual, 1), arrays["raw_emd"], **EMD_TOLERANCE)


@files
def test_evaluation_file_is_read_summed_up_and_written_alike(path, tmp_path):
    arrays = read(path)
    text = str(arrays["eval_detailed_txt"])
    (tmp_path / "read.txt").write_text(text)
    scored = ScoredChunks.read(tmp_path / "read.txt")
    assert tuple(scored.figures) == FIGURES
    printed = str(mean_over_videos(published_figures(scored)))
    assert printed.split("\n") == str(arrays["aggregate_stdout"]).strip().split("\n")
    scored.write(tmp_path / "written.txt")
    assert (tmp_path / "written.txt").read_text() == text


@files
def test_evaluation_file_holds_our_own_figures(path, tmp_path):
    """The file's chunks are the fixture's, in the order of the cases."""
    arrays = read(path)
    recording, predicted, layout = sounds(arrays)
    (tmp_path / "read.txt").write_text(str(arrays["eval_detailed_txt"]))
    expected = ScoredChunks.read(tmp_path / "read.txt").figures
    actual = chunk_figures(predicted[:, 1:], recording, layout)
    for name in FIGURES:
        np.testing.assert_allclose(actual[name], expected[name], rtol=2e-5, atol=5e-5, err_msg=name)
