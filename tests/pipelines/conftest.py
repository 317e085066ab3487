"""Pipelines to test with: one whose embeddings can be read, and very small networks in folders."""

import pytest
import torch

from avssl_hub import MultisensoryForAlignment
from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.models.avsa import AvsaConfig, AvsaForPreTraining, AvsaProcessor
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
def avsa_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "views"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"video_hidden_sizes": (8, 8, 16, 16), "audio_hidden_sizes": (8, 8, 16, 16)}
        config = AvsaConfig(10, num_frames=4, projection_size=8, translation_intermediate_size=16, **sizes)
        config.batch_norm_momentum = 1.0
        model = AvsaForPreTraining(config)
        # Statistics of a batch in the place of none, or features would shrink from layer to layer to nothing.
        model.train()(torch.randn(4, 2, 4, 3, 32, 32), torch.randn(4, 2, 4, 25, 20))
        model.save_pretrained(folder)
    settings = {"num_frames": 4, "fps": 8.0, "view_size": 32, "num_views": 3, "sampling_rate": 12000}
    bands = {"num_mel_bands": 20, "spectrogram_mean": [-40.0] * 20, "spectrogram_std": [10.0] * 20}
    AvsaProcessor(**settings, **bands, audio_duration=0.5, fft_size=256, hop_length=240).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def alignment_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "alignment"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        MultisensoryForAlignment(small_config()).save_pretrained(folder)
    small_processor().save_pretrained(folder)
    return folder
