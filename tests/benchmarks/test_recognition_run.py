"""Runs of models that look at picture and sound at once: a fine-tuned one's own classes, and probes of features."""

import json

import pytest
import torch

pytest.importorskip("jsonschema", reason="results need the extra 'metrics'")
from avssl_hub.evaluation.encoder import Encoded, Encoder, Scene
from avssl_hub.models.multisensory import MultisensoryConfig, MultisensoryModel, MultisensoryProcessor
from benchmarks.__main__ import main
from tests.media.corpus import Sound, make, noise
from tests.models.test_multisensory import SMALL

from .test_run import only

# Its films by name: their class, which of both sides they are on, and how loud they are.
FILMS = {
    "a": ("loud", "train", 1.0),
    "b": ("faint", "train", 0.1),
    "c": ("loud", "train", 0.9),
    "d": ("faint", "train", 0.05),
    "e": ("loud", "test", 0.8),
    "f": ("faint", "test", 0.06),
    "g": ("faint", "test", 0.7),
    "h": ("loud", "test", None),
}


class Loudness(Encoder):
    """Calls what is louder than a threshold loud, and what it does not hear faint."""

    modalities = ("both",)
    sampling_rate, fps, num_frames = 8000, 10.0, 5
    classes = ("loud", "faint")

    def __init__(self, name, random_weights=False, **options):
        super().__init__(torch.nn.Identity(), name, **options)

    def read_scene(self, reader, start):
        frames = reader.read_video(start, self.video_duration, self.fps, self.num_frames).frames
        if reader.audio is None:
            return Scene(frames, None)
        return Scene(frames, reader.read_audio(start, self.video_duration, self.sampling_rate).samples)

    def prepare(self, clips, modality):
        levels = [0.0 if clip.sound is None else clip.sound.abs().max().item() for clip in clips]
        return {"level": torch.tensor(levels), "heard": torch.tensor([clip.sound is not None for clip in clips])}

    def encode(self, inputs, modality):
        above = inputs["level"] - 0.1
        return Encoded(above[:, None], scores=torch.stack([above, -above], 1), heard=inputs["heard"])


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    lines = ["path,label,split"]
    for name, (label, side, level) in FILMS.items():
        sounds = () if level is None else (Sound(level * noise(1.0, 8000), 8000, "flac"),)
        make(folder / f"{name}.mp4", [frame / 10 for frame in range(10)], sounds)
        lines.append(f"{name}.mp4,{label},{side}")
    (folder / "films.csv").write_text("\n".join(lines))
    return folder / "films.csv"


@pytest.fixture
def run(films, tmp_path):
    """Return ``run(*arguments)``: the status of a run on the eight films."""

    def run(*arguments):
        given = ["--task", "own", "--modality", "both", "--data", str(films), "--out", str(tmp_path / "out")]
        return main(["run", *given, "--cache", str(tmp_path / "cache"), *arguments])

    return run


LOUDNESS = ("--model", "loudness", "--adapter", "tests.benchmarks.test_recognition_run:Loudness")


def test_a_models_own_classes_are_compared_with_the_truth(run, tmp_path, capsys):
    assert run("--protocol", "recognition", *LOUDNESS) == 0
    told = capsys.readouterr().out
    assert "top-1 accuracy 50.0 % from answer" in told
    assert "Chance: 50.0 %." in told
    assert only(tmp_path / "out").name == "own.films.both.recognition.json"
    result = json.loads(only(tmp_path / "out").read_text())
    # One film sounds like the other class, and one is not heard.
    assert result["hits"][0]["hits"] == [1, 1, 0, 0]
    assert (result["data"]["classes"], result["confusion"]) == (["faint", "loud"], [[1, 1], [1, 1]])
    assert result["score"]["further"] == {"top-5": 1, "heard": 0.75, "top-1 of heard": pytest.approx(2 / 3)}
    assert result["score"]["clip_accuracy"] == 0.5
    # Ten clips of each film to test on; those to train on are not looked at.
    assert (result["cost"]["clips"], len(list(tmp_path.glob("cache/*/*.safetensors")))) == (40, 4)
    assert main(["validate", str(tmp_path / "out")]) == 0
    assert run("--protocol", "recognition", "--force", *LOUDNESS) == 0
    again = json.loads(only(tmp_path / "out").read_text())
    assert again["run"]["reused_trials"] == 4
    assert {**again, "run": None} == {**result, "run": None}


def test_a_multisensory_network_is_probed_and_needs_classes_of_its_own_to_recognise(run, tmp_path, capsys):
    torch.manual_seed(0)
    MultisensoryModel(MultisensoryConfig(**SMALL)).save_pretrained(tmp_path / "net")
    MultisensoryProcessor(num_frames=15, resize_size=32, crop_size=32).save_pretrained(tmp_path / "net")
    assert run("--model", str(tmp_path / "net")) == 0
    result = json.loads(only(tmp_path / "out").read_text())
    assert (result["protocol"]["name"], result["task"]["modality"]) == ("linear_probe", "both")
    assert result["input"]["shape"] == [15, 3, 32, 32]
    assert run("--protocol", "recognition", "--model", str(tmp_path / "net")) == 2
    assert "classes of model MultisensoryModel: got no classes; expected the 2 of the data" in capsys.readouterr().err
    assert run("--model", str(tmp_path / "net"), "--modality", "video") == 2
    assert "modality for model net: got video; expected both" in capsys.readouterr().err


def test_nothing_is_learned_from_labels_that_could_be_shuffled(run, capsys):
    assert run("--protocol", "recognition", "--control", "shuffled-labels", *LOUDNESS) == 2
    assert "control of protocol recognition: got shuffled-labels; expected random-weights" in capsys.readouterr().err
