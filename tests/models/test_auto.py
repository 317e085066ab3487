"""The Auto classes of transformers, on the folders of all checkpoints that come with the repository."""

import pytest
from transformers import AutoConfig, AutoModel, AutoProcessor

import avssl_hub.models
from avssl_hub import zoo

FOLDERS = [card.path.parent for card in zoo.catalogue().values() if card.files]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_weight_of_a_model_is_made_up(folder):
    model, report = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["mismatched_keys"]
    assert not model.training
    assert model.config.to_dict() == AutoConfig.from_pretrained(folder).to_dict()
    assert AutoProcessor.from_pretrained(folder).to_dict() == zoo.load_processor(folder).to_dict()


def test_every_family_has_a_checkpoint_here():
    assert {zoo.card(folder.name).family for folder in FOLDERS} == set(avssl_hub.models.FAMILIES)
