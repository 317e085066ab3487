"""Pipelines to test with: one whose embeddings can be read, and very small networks in folders."""

import pytest
import torch

from avssl_hub import MultisensoryForAlignment
from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.pipelines.embed import EmbeddingPipeline

from .alignment import small_config, small_processor
from .readable import ReadableModel, ReadableProcessor


@pytest.fixture
def pipe():
    return EmbeddingPipeline(ReadableModel(), ReadableProcessor(), normalize=False)


@pytest.fixture(scope="session")
def avid_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = (8, 8, 16, 16)
        config = AvidConfig(10, video_hidden_sizes=sizes, audio_hidden_sizes=sizes, projection_sizes=(16, 16, 8))
        AvidModel(config).save_pretrained(folder)
    settings = {"num_frames": 4, "fps": 8.0, "crop_size": 32, "resize_size": 32, "audio_duration": 1.0}
    AvidProcessor(**settings, fft_size=512, hop_length=480).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def alignment_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "alignment"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        MultisensoryForAlignment(small_config()).save_pretrained(folder)
    small_processor().save_pretrained(folder)
    return folder
