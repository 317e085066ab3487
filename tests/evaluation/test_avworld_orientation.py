"""Found turns of networks whose answers are known, and of the tiny one that comes with the repository."""

import json
import math

import pytest
import torch

from avssl_hub.audio.ambisonics import rotate
from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_films
from avssl_hub.evaluation.avworld_orientation import imposed_errors, main, summary
from avssl_hub.media import read_sound, write_sound
from avssl_hub.media.replace_sound import replace_sound
from avssl_hub.pipelines.orient import OrientationPipeline
from avssl_hub.training import load_recipe, train
from tests.conftest import ROOT
from tests.pipelines.orienting import small_network, small_processor
from tests.training.views.conftest import LOOP, SMALL, WORLD

SCENES = 6
SPHERE = AVWorld360(AVWorld360Config(height=16, sampling_rate=8000, duration=1.0, diffuse_db=-90.0))


class Told:
    """Stands for a network that knows how scenes should sound: what it sees is which scene it is."""

    least_views = 1

    def __init__(self, pipe: OrientationPipeline):
        self.pipe, self.scene = pipe, -1

    def see(self, pixels):
        self.scene += 1
        views = self.pipe.views
        sound = SPHERE.render("test", [self.scene // 2], [0.5 * (self.scene % 2)], 0.5).ambisonics[0]
        return self.hear(self.pipe.processor.log_mels(sound, type(views)(views.rows.flatten(0, 1)))).view(2, 4, -1)

    def hear(self, log_mels):
        return log_mels.flatten(1)

    def fit(self, video, audio):
        return -(video - audio).square().mean((-1, -2))


def test_who_knows_the_truth_errs_by_half_a_step_at_most():
    pipe = OrientationPipeline(small_network(), small_processor())
    pipe.judge = Told(pipe)
    errors = imposed_errors(pipe, SPHERE, SCENES, windows=2, step=math.radians(10))
    assert errors.abs().max() <= math.radians(5) + 1e-6
    assert errors.abs().max() > 0


def test_errors_by_hand():
    found = summary(torch.deg2rad(torch.tensor([0.0, -20.0, 29.0, 75.0, -100.0, 179.0], dtype=torch.float64)))
    assert found["median_degrees"] == pytest.approx(29)
    assert found["within_30"]["mean"] == 0.5
    assert 0 <= found["within_30"]["low"] < 0.5 < found["within_30"]["high"] <= 1
    assert found["opposite_within_30"] == pytest.approx(1 / 6)
    assert found["by_30_degrees"] == pytest.approx([3 / 6, 0, 1 / 6, 1 / 6, 0, 1 / 6])


def test_a_finished_run_is_scored(tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text(SMALL + WORLD + LOOP)
    folder = train(load_recipe(tmp_path / "recipe.yaml", ["loop.steps=1"]), tmp_path / "run")
    main([str(folder), "--scenes", "3", "--windows", "2"])
    told = json.loads(capsys.readouterr().out)
    assert (told["scenes"], told["windows"]) == (3, 2)
    assert told["chance"] == {"median_degrees": 90.0, "within_30": pytest.approx(1 / 6)}
    for name in ("trained", "random"):
        assert 0 <= told[name]["median_degrees"] <= 180
        assert sum(told[name]["by_30_degrees"]) == pytest.approx(1)


def test_the_tiny_network_finds_a_quarter_turn_in_films(tmp_path):
    folder = ROOT / "model_cards" / "avsa_tiny.avworld"
    if not (folder / "model.safetensors").exists():
        pytest.skip(f"the tiny network is not here: {folder}")
    orient = OrientationPipeline(folder)
    config = AVWorld360Config(height=48, sampling_rate=12000, fps=8, max_sources=2, camera_noise=0.0)
    found = []
    for path in export_films(AVWorld360(config), tmp_path, "test", range(1000, 1006), duration=1.0):
        sound, rate = read_sound(path)
        wav = write_sound(tmp_path / "turned.wav", rotate(sound, math.pi / 2), rate, overwrite=True)
        turned = replace_sound(path, wav, tmp_path / "turned.mp4", 0.0, channels=4, overwrite=True)
        found.append(orient(turned).best_yaw)
    # By chance one in six, and five of six less than once in a thousand runs.
    near = (torch.tensor(found).rad2deg() + 90).abs() <= 30
    assert near.sum() >= 5
