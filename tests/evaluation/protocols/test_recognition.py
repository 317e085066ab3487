"""A fine-tuned model's own classes: how clips are averaged, and which classes are whose."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.encoder import Encoded
from avssl_hub.evaluation.protocols import Recognition
from avssl_hub.evaluation.protocols.recognition import places_of


def test_clips_are_averaged_as_probabilities_not_as_scores():
    # Of the scores' means the first is the larger one; of the probabilities, 0.31 and 0.69, the second.
    scores = torch.tensor([[9.0, 0.0], [0.0, 2.0], [0.0, 2.0], [0.0, 2.0]])
    found = Recognition().features(Encoded(torch.zeros(4, 3), scores=scores, heard=torch.tensor([True] * 4)))
    assert found["heard"].tolist() == [True] * 4
    assert found["probabilities"][1, 1].item() == pytest.approx(1 / (1 + np.exp(-2)))
    answer = Recognition().answer(None, found["probabilities"][None].numpy(), 0)
    assert answer.ranked.tolist() == [[[1, 0]]]
    assert answer.clips.tolist() == [[[0, 1, 1, 1]]]


def test_the_first_split_alone_is_tested():
    assert Recognition().scored(["split1", "split2"]) == ["split1"]


def test_classes_are_found_by_name_and_must_be_the_datas():
    encoder = SimpleNamespace(classes=("talk", "eat", "run"))
    assert places_of(encoder, "m", ["eat", "run", "talk"]).tolist() == [1, 2, 0]
    with pytest.raises(
        InvalidValueError,
        match=r"classes of model m: got 3 classes, 1 missing \(wave\) and 2 more \(run, talk\); expected the 2 of the",
    ):
        places_of(encoder, "m", ["eat", "wave"])
    with pytest.raises(InvalidValueError, match="got no classes; expected the 1 of the data"):
        places_of(SimpleNamespace(classes=()), "m", ["eat"])
