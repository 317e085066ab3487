"""The probes on real sounds, beside a ridge that is written out."""

import numpy as np
import pytest

from avssl_hub.evaluation.answers import judge
from avssl_hub.evaluation.features import FeatureStore, extract
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.protocols import LinearLayer, PooledProbe
from avssl_hub.evaluation.protocols.protocol import Clips
from benchmarks._data import load_data
from benchmarks._tasks import load_task

# A ridge on other log-mel statistics, trained on the whole of the other folds: the README of the shared ESC-10.
YARDSTICK = (0.74, 0.85, 0.74)


@pytest.fixture(scope="module")
def sounds(shared_data, tmp_path_factory):
    """Return the shared recordings of ESC-10, and the log-mel statistics of each."""
    data = load_data(load_task("esc10"), shared_data("esc10"), None, False)
    store = FeatureStore(tmp_path_factory.mktemp("store"), {})
    keys = extract(data.manifest, LogMelStatistics(), PooledProbe(), "audio", store).keys
    return data, store.load(keys, "clips.pooled")


def ridge(train, labels, test):
    """Classify by least squares with a penalty of 100 on standardised features."""
    mean, scale = train.mean(0), train.std(0)
    rows, targets = (train - mean) / scale, np.eye(10)[labels]
    weights = np.linalg.solve(rows.T @ rows + 100 * np.eye(rows.shape[1]), rows.T @ (targets - targets.mean(0)))
    return ((test - mean) / scale @ weights + targets.mean(0)).argmax(1)


def test_the_probes_are_as_good_as_a_ridge_on_the_same_features(sounds):
    data, features = sounds
    scores = {"probe": [], "layer": [], "ridge": []}
    for split in data.splits[:3]:
        truth, learnt = data.labels[split.test], data.labels[split.train]
        clips = Clips(features[split.train], learnt, data.groups[split.train])
        for name, protocol in (("probe", PooledProbe()), ("layer", LinearLayer())):
            answer = protocol.answer(clips, features[split.test], 0)
            scores[name].append(judge(split, answer, truth, protocol.cutoffs).accuracy)
        found = ridge(features[split.train, 0].astype(float), learnt, features[split.test, 0])
        scores["ridge"].append(float((found == truth).mean()))
    # A fold has 80 sounds, and one standard error is 0.05. The copy is a part: 201 to train on, in place of 320.
    assert all(np.array(scores["probe"]) > np.array(YARDSTICK) - 0.08)
    assert all(np.array(scores["layer"]) > np.array(YARDSTICK) - 0.1)
    assert np.mean(scores["probe"]) > np.mean(scores["ridge"]) - 0.02
    assert np.mean(scores["layer"]) > np.mean(scores["ridge"]) - 0.02
