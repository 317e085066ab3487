"""Models as encoders of MTEB, in its own tasks on local recordings; and the error where MTEB is not."""

import csv
import importlib
import sys

import numpy as np
import pytest
import torch
from datasets import Audio, Dataset, DatasetDict, Video
from torch.utils.data import DataLoader

from avssl_hub.errors import InvalidValueError, MissingExtraError
from avssl_hub.evaluation.log_mel_statistics import LogMelStatistics
from avssl_hub.evaluation.zoo_encoder import ZooEncoder
from avssl_hub.media import MediaReader, MissingStreamError
from tests.media.corpus import Sound, make, noise

MODEL = "avid_tiny.avworld"


def test_without_mteb_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    monkeypatch.delitem(sys.modules, "avssl_hub.bridges.mteb", raising=False)
    with pytest.raises(MissingExtraError, match=r"bridge to MTEB: got .*mteb.*; .* pip install 'avssl-hub\[mteb\]'"):
        importlib.import_module("avssl_hub.bridges.mteb")


@pytest.fixture(scope="module")
def mteb():
    return pytest.importorskip("mteb", reason="needs the extra 'mteb'")


@pytest.fixture(scope="module")
def bridge(mteb):
    return importlib.import_module("avssl_hub.bridges.mteb")


@pytest.fixture(scope="module")
def tiny(bridge):
    return bridge.load(MODEL, clips=3)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Return three films of a second and a half with noise, and a fourth without sound."""
    folder = tmp_path_factory.mktemp("films")
    times = [frame / 10 for frame in range(15)]
    for number in range(4):
        sounds = (Sound(noise(1.5, 24_000, seed=number), 24_000),) if number < 3 else ()
        make(folder / f"{number}.mp4", times, sounds)
    return [str(folder / f"{number}.mp4") for number in range(4)]


def metadata(mteb, name, kind, category, modalities, score):
    given = {"name": name, "type": kind, "category": category, "modalities": modalities, "main_score": score}
    given |= {"description": "a test", "dataset": {"path": "local/test", "revision": "1"}}
    given |= {"eval_splits": ["test"], "eval_langs": ["zxx-Zxxx"]}
    unknown = "reference date domains task_subtypes license annotations_creators dialect sample_creation"
    return mteb.TaskMetadata(**dict.fromkeys([*unknown.split(), "bibtex_citation"]) | given)


def encode(encoder, task, prompt=None, **columns):
    rows = Dataset.from_dict(columns)
    for name, kind in (("audio", Audio()), ("video", Video())):
        if name in columns:
            rows = rows.cast_column(name, kind)
    names = {"task_metadata": task, "hf_split": "test", "hf_subset": "default"}
    return encoder.encode(DataLoader(rows), prompt_type=prompt, **names)


def test_sound_and_picture_are_the_means_over_clips_one_after_the_other(mteb, tiny, films):
    both = metadata(mteb, "Both", "VideoClassification", "va2c", ["video", "audio"], "accuracy")
    rows = encode(tiny, both, video=films[:3], audio=films[:3])
    encoder = ZooEncoder(MODEL)
    with MediaReader(films[1]) as reader, torch.no_grad():
        # Clips of a second, spaced over the length of each stream.
        ends = {"audio": reader.audio.end, "video": reader.video.end}
        starts = {kind: [k * (end - 1) / 2 for k in range(3)] for kind, end in ends.items()}
        sounds = [reader.read_audio(start, 1.0, 24_000).samples[0] for start in starts["audio"]]
        pictures = [reader.read_video(start, 1.0, 8.0, 8).frames for start in starts["video"]]
        means = [
            encoder.encode(encoder.prepare(clips, kind), kind).pooled.mean(0)
            for kind, clips in (("audio", sounds), ("video", pictures))
        ]
    assert (rows.shape, rows.dtype) == ((3, 256), np.float32)
    torch.testing.assert_close(torch.from_numpy(rows[1]), torch.cat(means), atol=1e-5, rtol=1e-5)


def test_retrieval_across_modalities_takes_the_shared_space(mteb, tiny, films):
    across = metadata(mteb, "Across", "Any2AnyRetrieval", "v2a", ["video", "audio"], "hit_rate_at_1")
    alike = metadata(mteb, "Alike", "Any2AnyRetrieval", "a2a", ["audio"], "hit_rate_at_1")
    query, document = mteb.types.PromptType.query, mteb.types.PromptType.document
    assert encode(tiny, across, query, video=films[:2]).shape == (2, 64)
    assert encode(tiny, across, document, audio=films[:2]).shape == (2, 64)
    assert encode(tiny, alike, document, audio=films[:2]).shape == (2, 128)


def test_what_a_model_cannot_embed_is_refused(mteb, bridge, tiny, films):
    texts = metadata(mteb, "Texts", "Any2AnyRetrieval", "t2a", ["text", "audio"], "hit_rate_at_1")
    sounds = metadata(mteb, "Sounds", "AudioClassification", "a2c", ["audio"], "accuracy")
    across = metadata(mteb, "Across", "Any2AnyRetrieval", "v2a", ["video", "audio"], "hit_rate_at_1")
    query, document = mteb.types.PromptType.query, mteb.types.PromptType.document
    with pytest.raises(InvalidValueError, match="what task Texts embeds: got text; expected only audio and video"):
        encode(tiny, texts, query, text=["a dog"])
    with pytest.raises(InvalidValueError, match=r"column 'audio' of task Sounds: got .*; expected datasets.Audio"):
        tiny.encode(
            DataLoader(Dataset.from_dict({"audio": [[0.0]]})),
            task_metadata=sounds,
            hf_split="test",
            hf_subset="default",
        )
    with pytest.raises(MissingStreamError, match=r"3.mp4: got no audio; expected a recording with audio"):
        encode(tiny, sounds, audio=films)
    with pytest.raises(MissingStreamError, match=r"a recording: got no audio"):
        encode(tiny, sounds, audio=[films[0], None])
    plain = bridge.MtebEncoder(LogMelStatistics(), "test/plain")
    with pytest.raises(
        InvalidValueError, match="embeddings of MelSpectrogram: got none; expected a model with a space"
    ):
        encode(plain, across, document, audio=films[:1])
    with pytest.raises(InvalidValueError, match="name of a model for MTEB: got 'plain'; expected 'org/name'"):
        bridge.MtebEncoder(LogMelStatistics(), "plain")


def test_what_mteb_is_told_of_a_model(mteb, bridge, tiny):
    assert isinstance(tiny, mteb.models.EncoderProtocol)
    meta = bridge.load(MODEL).mteb_model_meta
    assert (meta.name, meta.revision) == ("avssl-hub/avid_tiny-avworld", "eacacbb3a4f9")
    assert (meta.n_parameters, meta.modalities, meta.experiment_kwargs) == (758_432, ["audio", "video"], None)
    assert tiny.mteb_model_meta.experiment_kwargs == {"clips": 3}


def test_mteb_scores_a_model_on_real_sounds(mteb, bridge, shared_data):
    with open(shared_data("esc10") / "labels.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] in ("rain", "clock_tick")]
    parts = {"train": [row for row in rows if row["fold"] in "12"], "test": [row for row in rows if row["fold"] == "3"]}

    class Sounds(mteb.abstasks.AbsTaskClassification):
        metadata = metadata(mteb, "RainOrClock", "AudioClassification", "a2c", ["audio"], "accuracy")
        input_column_name = "audio"
        n_experiments = 2

        def load_data(self, **kwargs):
            self.dataset = DatasetDict({name: self.part(rows) for name, rows in parts.items()})
            self.data_loaded = True

        def part(self, rows):
            paths = [str(shared_data(f"esc10/audio/{row['filename']}")) for row in rows]
            labels = [int(row["category"] == "rain") for row in rows]
            return Dataset.from_dict({"audio": paths, "label": labels}).cast_column("audio", Audio())

    result = mteb.evaluate(bridge.load(MODEL), Sounds(), cache=None)
    assert not result.exceptions
    (scores,) = result.task_results[0].scores["test"]
    assert scores["main_score"] > 0.75
